"""Units as they stand in files, and whether an amplitude in V can be EMG at all."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenMapping
from emgkit.errors import EmgkitWarning, UnitError

__all__ = [
    "UNCALIBRATED",
    "ask",
    "check_amplitude",
    "is_uncalibrated",
    "robust_amplitude",
    "seconds_per_unit",
    "volts_per_unit",
]

_MICRO_SIGNS = str.maketrans({"µ": "u", "μ": "u"})
# written without regard to case, except that a capital M could mean mega
_VOLTS: Mapping[str, float] = FrozenMapping(
    {
        **dict.fromkeys(("v", "volt", "volts"), 1.0),
        **dict.fromkeys(("mv", "millivolt", "millivolts", "milliv"), 1e-3),
        **dict.fromkeys(("uv", "microvolt", "microvolts", "microv"), 1e-6),
        **dict.fromkeys(("nv", "nanovolt", "nanovolts", "nanov"), 1e-9),
    }
)
_SECONDS: Mapping[str, float] = FrozenMapping(
    {
        **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
        **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
        **dict.fromkeys(("us", "microsecond", "microseconds"), 1e-6),
        "min": 60.0,
    }
)
UNCALIBRATED = frozenset(
    {"", "1", "-", "n/a", "na", "none", "bit", "bits", "count", "counts", "adu", "lsb", "a.u.", "au"}
)

# s; long against the width of a stimulation artifact, short against drift and offset
_LAG = 0.005
_TOO_SMALL = 0.05e-6
_TOO_LARGE = 20e-3
_LARGE = 2e-3
# SD of a normal variable over its median absolute deviation, and over its mean absolute deviation
_SD_PER_MAD = 1.482602218505602
_SD_PER_MEAN = 1.2533141373155001


def ask(name: str, example: str) -> str:
    """Say how a missing statement is made: in Python, on the command line and in a protocol."""
    return f"say it with {name}={example} (command line: --{name.replace('_', '-')}, protocol: {name} in [read])"


def volts_per_unit(unit: str) -> float | None:
    """Give how many V one unit is, or None if the text is no unit of voltage.

    Known are V, mV, µV (either micro sign, ``uV``, ``microV``, ``microvolts``) and nV; small ``v`` passes,
    ``MV`` does not, as it would be megavolts.
    """
    text = unit.strip().translate(_MICRO_SIGNS)
    return None if text.startswith("M") and text.lower() in ("mv",) else _VOLTS.get(text.lower())


def seconds_per_unit(unit: str) -> float | None:
    """Give how many s one unit of time is (s, ms, µs, min), or None if the text is no unit of time."""
    text = unit.strip().translate(_MICRO_SIGNS)
    return None if text.startswith("M") else _SECONDS.get(text.lower())


def check_time_unit(unit: str) -> float:
    """Give how many s one unit of time is, or refuse it."""
    factor = seconds_per_unit(unit)
    if factor is None:
        raise UnitError(f"time_unit={unit!r} is no unit of time: it is one of s, ms, us, min.")
    return factor


def is_uncalibrated(unit: str) -> bool:
    """Tell whether a unit in a file says nothing about the physical size: empty, ``bits``, ``counts`` ..."""
    return unit.strip().lower() in UNCALIBRATED


def robust_amplitude(signal: NDArray[np.float64], fs: float) -> NDArray[np.float64]:
    """Give the amplitude of each channel without offset, slow drift and short artifacts.

    The median absolute difference over 5 ms, scaled so that white noise gives its standard deviation. Slow
    changes drop out of the difference; pulses that fill less than about a quarter of the time do not move a median.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples) or (channels, segments, samples)
        V. NaN is missing.
    fs : float
        Sampling rate, Hz.

    Returns
    -------
    ndarray, shape (channels,)
        V; NaN where no two samples can be compared.
    """
    return np.array([_SD_PER_MAD * _sizes(row, fs)[0] for row in signal])


def _sizes(row: NDArray[np.float64], fs: float) -> tuple[float, float]:
    lag = min(max(round(_LAG * fs), 1), row.shape[-1] - 1)
    differences = np.abs(row[..., lag:] - row[..., :-lag]) / np.sqrt(2)
    known = differences[np.isfinite(differences)]
    return (float(np.median(known)), float(np.mean(known))) if known.size else (np.nan, np.nan)


def check_amplitude(
    signal: NDArray[np.float64], fs: float, names: tuple[str, ...], unit: str, where: str, *, evoked: bool = False
) -> None:
    """Refuse channels whose amplitude cannot be that of EMG, and warn of those where it hardly can.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples) or (channels, segments, samples)
        V.
    fs : float
        Sampling rate, Hz.
    names : tuple of str
        One name per channel.
    unit : str
        The unit that was taken and who stated it, for the message.
    where : str
        Name of the file, for the message.
    evoked : bool, default False
        Whether there are only responses to stimuli, which may be above 2 mV most of the time.

    Raises
    ------
    UnitError
        If the robust amplitude of a channel is below 0.05 µV or above 20 mV, or all channels are constant.

    Warns
    -----
    EmgkitWarning
        Above 2 mV, or if a channel is constant.
    """
    median, mean = np.array([_sizes(row, fs) for row in signal]).T
    robust = _SD_PER_MAD * median
    # coarse steps and gated silence give a median of 0; the mean still sees that something was measured
    either = np.fmax(robust, _SD_PER_MEAN * mean)
    _tell_constant(names, either == 0, where)
    _refuse(names, either, (either < _TOO_SMALL) & (either > 0), "below 0.05 µV", unit, where)
    _refuse(names, robust, robust > _TOO_LARGE, "above 20 mV", unit, where)
    for row in np.flatnonzero((robust > _LARGE) & (not evoked)):
        warnings.warn(
            f"{where}: {names[row]} has an amplitude of {robust[row] * 1e3:.3g} mV, much for surface EMG: is the unit "
            f"{unit} right, and is it EMG?",
            EmgkitWarning,
            stacklevel=4,
        )


def _tell_constant(names: tuple[str, ...], constant: NDArray[np.bool_], where: str) -> None:
    chosen = [name for name, row in zip(names, constant, strict=True) if row]
    if not chosen:
        return
    listed = f"channel{'s' * (len(chosen) > 1)} {', '.join(chosen[:8])} {'is' if len(chosen) == 1 else 'are'} constant"
    if constant.all():
        raise UnitError(f"{where}: nothing was measured, {listed}. Choose other channels with emg=.")
    warnings.warn(f"{where}: {listed}: not connected?", EmgkitWarning, stacklevel=5)


def _refuse(
    names: tuple[str, ...], sizes: NDArray[np.float64], wrong: NDArray[np.bool_], what: str, unit: str, where: str
) -> None:
    if not wrong.any():
        return
    row = int(np.flatnonzero(wrong)[0])
    raise UnitError(
        f"{where}: {names[row]} has an amplitude of {sizes[row]:.3g} V, {what}, which cannot be EMG. Either the unit "
        f"{unit} is wrong: {ask('unit', repr('uV'))}, with override_unit=true if the file states it; or it is no EMG: "
        "choose the channels with emg=."
    )
