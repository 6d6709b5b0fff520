"""Whether a column of times is uniform, and what sampling rate it means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import TimingError

__all__ = ["sampling_rate"]


def sampling_rate(times: NDArray[np.float64], where: str) -> float:
    """Give the sampling rate that a column of times means.

    A straight line is fitted through the times. If they fit the nearest rate in whole Hz (or in thousandths) as
    well as the line, within the digits that they were written with, that rate is taken.

    Parameters
    ----------
    times : ndarray, shape (samples,)
        s.
    where : str
        File and column, for the message.

    Returns
    -------
    float
        Hz.

    Raises
    ------
    TimingError
        If times are missing, doubled, in the wrong order, or not uniform within half a sample.
    """
    if times.size < 3:
        raise TimingError(f"{where}: {times.size} times are too few to tell the sampling rate, give at least 3.")
    missing = np.flatnonzero(~np.isfinite(times))
    if missing.size:
        raise TimingError(f"{where}: the time of sample {missing[0] + 1} is missing.")
    steps = np.diff(times)
    _check_order(times, steps, where)
    step = float(np.median(steps))
    wide = np.flatnonzero(np.abs(steps - step) > 0.5 * step)
    if wide.size:
        at = int(wide[0])
        raise TimingError(
            f"{where} is not uniform: {times[at]:.6g} s is followed by {times[at + 1]:.6g} s where the usual step is "
            f"{step:.6g} s ({wide.size} such places). Samples are missing, or the times are too coarse: put the "
            "missing samples in as empty cells, or leave the time column away and give fs."
        )
    return _simplest_rate(times, where)


def _check_order(times: NDArray[np.float64], steps: NDArray[np.float64], where: str) -> None:
    back = np.flatnonzero(steps <= 0)
    if not back.size:
        return
    at = int(back[0])
    what = "comes twice" if steps[at] == 0 else f"is followed by the earlier {times[at + 1]:.6g} s"
    raise TimingError(
        f"{where}: {times[at]:.6g} s {what} (sample {at + 2}, {back.size} such places). Times must rise; if they are "
        "rounded too coarsely, leave the time column away and give fs."
    )


def _simplest_rate(times: NDArray[np.float64], where: str) -> float:
    index = np.arange(times.size)
    slope, level = np.polyfit(index, times, 1)
    error = float(np.abs(times - (level + slope * index)).max())
    if error > 0.5 * slope:
        raise TimingError(f"{where} drifts by {error / slope:.1f} samples from a straight line: it is not uniform.")
    fitted = 1.0 / float(slope)
    # of the size of the written digits, and not below that of float64
    allowed = 2 * error + 8 * float(np.spacing(np.abs(times).max()))
    for candidate in (float(round(fitted)), round(fitted, 3)):
        if candidate > 0 and np.abs(np.ptp(times - index / candidate)) / 2 <= allowed:
            return candidate
    return fitted
