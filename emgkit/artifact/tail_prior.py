"""What is known of an evoked response before it is seen: it begins, ends, is smooth and has little net area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

__all__ = [
    "ALONG",
    "TENDON",
    "FilteredGrid",
    "HighPass",
    "Kind",
    "ResponseFamily",
    "filtered_grid",
    "response_covariance",
]

Array = NDArray[np.float64]

PLACE, FINER = 0.5e-3, 2  # s, between the places of the response at the electrodes; the filter steps finer than that
QUIET = 24  # steps before an impulse, over which its interpolation dies away
SETTLED = 40  # steps after an impulse, from which the interpolation is that of the filter's own decays


class Kind(NamedTuple):
    """A kind of responses.

    Parameters
    ----------
    area : float
        SD of the net area over what it would be if nothing were known of it.
    rise : float
        Over this time the expected size grows from the onset, s.
    """

    area: float
    rise: float


# Two electrodes along the muscle see next to no net area, those of belly and tendon do. What tells the latter's
# responses from a tail is that they begin small: what jumps within 0.8 ms is a tail as well. The rises are unverified.
ALONG, TENDON = Kind(0.01, 0.8e-3), Kind(0.3, 2.5e-3)


@dataclass(frozen=True)
class HighPass:
    """The amplifier's high-pass, a Butterworth filter.

    Parameters
    ----------
    corner : float
        Corner, Hz; 0 for a DC-coupled amplifier.
    order : int
        1 or 2.
    """

    corner: float
    order: int = 1

    def __str__(self) -> str:
        if not self.corner:
            return "DC-coupled"
        return f"{self.corner:.3g} Hz of {'first' if self.order == 1 else 'second'} order"

    def modes(self, times: Array) -> Array:
        """Give the filter's own decays at times since any moment, s, shape (times, order)."""
        if not self.corner:
            return np.zeros((times.size, 0))
        turn = 2 * np.pi * self.corner * times
        if self.order == 1:
            return np.asarray(np.exp(-turn)[:, np.newaxis])
        turn = turn / np.sqrt(2)
        return np.asarray(np.exp(-turn)[:, np.newaxis] * np.stack([np.cos(turn), np.sin(turn)], axis=1))

    def impulse_response(self, length: int, step: float) -> Array:
        """Response to a unit impulse at the first of ``length`` places of a grid of ``step`` s."""
        impulse = np.zeros(length)
        impulse[0] = 1.0
        if not self.corner:
            return impulse
        from scipy.signal import butter, sosfilt

        return np.asarray(sosfilt(butter(self.order, self.corner, "highpass", fs=1 / step, output="sos"), impulse))

    def decays(self, step: float) -> list[tuple[complex, complex]]:
        """Size and rate, 1/s, of the exponentials that the impulse response consists of after its first place."""
        if not self.corner:
            return []
        from scipy.signal import butter, residuez

        sizes, poles, _ = residuez(*butter(self.order, self.corner, "highpass", fs=1 / step))
        return [(complex(size), complex(np.log(pole + 0j) / step)) for size, pole in zip(sizes, poles, strict=True)]

    def power_gain(self, frequencies: Array) -> Array:
        """Squared magnitude of the response at frequencies above zero, Hz."""
        return np.asarray(1 / (1 + (self.corner / frequencies) ** (2 * self.order)))


@dataclass(frozen=True, eq=False)
class FilteredGrid:
    """From a response at the electrodes on a fine grid to what the recording shows of it.

    Parameters
    ----------
    places : (places,) s since the pulse
    matrix : (times, places)
    """

    places: Array
    matrix: Array


def filtered_grid(times: Array, high_pass: HighPass, longest: float, interval: float | None) -> FilteredGrid:
    """Build the matrix that high-passes a response and adds the rest of all earlier ones.

    Parameters
    ----------
    times : ndarray, shape (times,)
        Where the response is wanted, s since the pulse, increasing.
    high_pass : HighPass
        The amplifier.
    longest : float
        The response at the electrodes is over by then, s.
    interval : float or None
        Pulse interval of a steady train, s; None for single pulses.
    """
    from scipy.interpolate import CubicSpline

    count = int(np.ceil(longest / PLACE)) + 1
    step = PLACE / FINER
    fine = step * np.arange(FINER * count, dtype=np.float64)
    settled = fine[-1] + SETTLED * step - float(times[0])
    shifts = np.zeros(1) if interval is None else interval * np.arange(max(int(np.ceil(settled / interval)), 1))
    length = max(int(np.ceil((float(times[-1]) + shifts[-1]) / step)), FINER * count) + 4
    known = np.concatenate([np.zeros(QUIET), high_pass.impulse_response(length, step)])
    answer = CubicSpline(step * np.arange(-QUIET, length), known)
    matrix = np.zeros((times.size, fine.size))
    for shift in shifts:
        since = times + shift
        matrix[since >= 0] += _backwards(answer, since[since >= 0], fine, step)
    if interval is not None:
        matrix += _of_earlier(high_pass, times + shifts.size * interval, fine, step, interval)
    return FilteredGrid(PLACE * np.arange(count, dtype=np.float64), matrix @ _refined(count))


def _of_earlier(high_pass: HighPass, since: Array, fine: Array, step: float, interval: float) -> Array:
    """Add up what is left of the responses to all earlier pulses: geometric series of the filter's decays.

    Parameters
    ----------
    since : ndarray, shape (times,)
        Since the last of these pulses, s.
    fine : ndarray, shape (fine,)
        Places of the response at the electrodes, s.
    """
    total = np.zeros((since.size, fine.size))
    for size, rate in high_pass.decays(step):
        terms = np.exp(rate * since)[:, np.newaxis] * np.exp(-rate * fine)
        total += (size / -np.expm1(rate * interval) * terms).real
    return total


def _backwards(answer: CubicSpline, since: Array, fine: Array, step: float) -> Array:
    """Values of a spline, whose knots lie one step apart, at times since every place, (times, places); 0 before it.

    From place to place the times go back by one knot, so that the pieces of each row lie side by side.
    """
    pieces = answer.c.shape[1]
    backwards = np.zeros((6, pieces + fine.size))
    backwards[:4, :pieces] = answer.c[:, ::-1]
    backwards[4, :pieces], backwards[5, :pieces] = answer.x[-2::-1], answer.x[:0:-1]
    place = np.minimum(np.floor((since - answer.x[0]) / step).astype(np.int64), pieces - 1)
    rows = sliding_window_view(backwards, fine.size, axis=1)[:, pieces - 1 - place]
    first, second, third, fourth, begin, end = rows
    apart = since[:, np.newaxis] - fine
    beyond = apart - begin
    out = fourth + third * beyond
    power = beyond * beyond
    out += second * power
    power *= beyond
    out += first * power
    other = (beyond < 0) | (apart >= end)  # before the first piece, or on the other side of a knot by rounding
    out[other] = np.where(apart[other] > answer.x[0], answer(apart[other]), 0.0)
    return np.asarray(out)


@lru_cache(maxsize=4)
def _refined(count: int) -> Array:
    """From values at the places to values between them, (finer × count, count)."""
    from scipy.interpolate import CubicSpline

    places = np.arange(count, dtype=np.float64)
    between = np.minimum(np.arange(FINER * count) / FINER, places[-1])
    return np.asarray(CubicSpline(places, np.eye(count), axis=0)(between))


def response_covariance(places: Array, onsets: Array, width: float, length: float, kind: Kind = ALONG) -> Array:
    """Covariance of a response of unit size at the electrodes, for every onset, (onsets, places, places).

    A smooth random function (Matérn, 5/2) under an envelope that grows from the onset and is over after about two and
    a half widths, on the condition that its net area is as small as in responses of this kind.

    Parameters
    ----------
    places : ndarray, shape (places,)
        s since the pulse.
    onsets : ndarray, shape (onsets,)
        s since the pulse.
    width : float
        Of the envelope, s.
    length : float
        Correlation length, s.
    kind : Kind
        How fast it grows, and its net area.
    """
    since = np.maximum(places - onsets[:, np.newaxis], 0.0)
    envelope = -np.expm1(-((since / kind.rise) ** 2)) * np.exp(-0.5 * (since / width) ** 4)
    apart = np.sqrt(5.0) / length * np.abs(places[:, np.newaxis] - places)
    smooth = (1 + apart + apart**2 / 3) * np.exp(-apart)
    full = envelope[:, :, np.newaxis] * smooth * envelope[:, np.newaxis, :]
    area = full.sum(axis=2)
    total = np.maximum(area.sum(axis=1), 1e-300)[:, np.newaxis, np.newaxis]
    return np.asarray(full - (1 - kind.area**2) * area[:, :, np.newaxis] * area[:, np.newaxis, :] / total)


class ResponseFamily:
    """All responses that are looked at: their covariances in the recording, each computed once.

    Parameters
    ----------
    grid : FilteredGrid
        For the times that are used.
    onsets : ndarray, shape (onsets,)
        s since the pulse.
    inner : dict
        Covariances at the electrodes, shared by families of the same kind behind other amplifiers.
    kind : Kind
        Of the responses.
    """

    def __init__(
        self,
        grid: FilteredGrid,
        onsets: Array,
        inner: dict[tuple[float, float], Array] | None = None,
        kind: Kind = ALONG,
    ) -> None:
        self.grid, self.onsets, self.kind = grid, onsets, kind
        self._inner = {} if inner is None else inner
        self._seen: dict[tuple[float, float], dict[int, Array]] = {}  # by place among the onsets

    def seen(self, width: float, length: float, places: NDArray[np.int64]) -> list[Array]:
        """Covariance of a response of unit size as it is recorded, at some of the onsets, (times, times) each."""
        known = self._seen.setdefault((width, length), {})
        wanted = places.tolist()
        if missing := [place for place in wanted if place not in known]:
            known.update(zip(missing, self._recorded(self.inner(width, length)[missing]), strict=True))
        return [known[place] for place in wanted]

    def _recorded(self, inner: Array) -> Array:
        return np.asarray(self.grid.matrix @ inner @ self.grid.matrix.T)

    def inner(self, width: float, length: float) -> Array:
        """Covariance of a response at the electrodes, (onsets, places, places)."""
        if (width, length) not in self._inner:
            self._inner[width, length] = response_covariance(self.grid.places, self.onsets, width, length, self.kind)
        return self._inner[width, length]
