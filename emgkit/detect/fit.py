"""Pulse times, sizes and the artifact's waveform, fitted together to the samples of all channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.ndimage import median_filter

from emgkit.detect.waveform import Index, Span, bands, dense, design, project, solve, table
from emgkit.errors import TimingError

__all__ = ["Fit", "creeps"]

Array = NDArray[np.float64]

SMOOTH = 15  # pulses, over which the sizes of the artifact are smooth
START_GAIN_NOISE, MOST_GAIN_NOISE = 0.003, 0.02  # of the size, from pulse to pulse
CREEPING = 0.6  # resultant length of the places between two samples, over as many pulses
STEADY = 1.5  # range of the logarithm of the sizes: with more it is a ramp
ODD = 6.0  # times the usual misfit, from which a pulse counts less
QUIET = 0.25  # of the median misfit over the places in the window: the best place counts as no better than that
TRIALS = 41  # shifts that are tried for every pulse
DAMPING = (1e-11, 1e-9, 1e-7, 1e-5)  # of the normal matrix
LEAST_JITTER, MOST_JITTER = 1e-7, 5e-4  # s


class Fit:
    """Pulses of one stimulator in all channels, as differences.

    The model of channel c about pulse k is ``size[c, k] * (1 + deviation[k]) * waveform[c](time - times[k])``. Sizes
    change smoothly; the deviations are common to the channels and small; the times lie about an expected line with
    the SD ``jitter``.

    Parameters
    ----------
    bends : ndarray, shape (channels, samples)
        First or second differences of the signal.
    expected : ndarray, shape (pulses,)
        Leading edges, s from the first sample, wrong by half a sample at most.
    train : ndarray of int, shape (pulses,)
    span : Span
    """

    def __init__(self, bends: Array, expected: Array, train: NDArray[np.int64], span: Span) -> None:
        self.span, self.train = span, train
        self.index: Index = span.samples(expected, bends.shape[1])
        self.clock = self.index / span.fs
        self.samples = bends[:, self.index]
        channels, pulses, places = self.samples.shape
        self.jitter, self.gain_noise = 2e-4, START_GAIN_NOISE
        self.slow = creeps(expected * span.fs)
        self.trust, self.deviation = np.ones(pulses), np.zeros(pulses)
        self.weight = np.ones((channels, places))
        strength = np.sqrt((self.samples**2).mean(axis=2))
        self.size = np.stack([self._smooth(row / max(float(np.median(row)), 1e-300)) for row in strength])
        self.move(expected)
        self.refit(4)

    def move(self, times: Array) -> None:
        """Put the pulses elsewhere."""
        self.times = times
        self.first, self.values = design(self.clock - times[:, np.newaxis], self.span)

    def _smooth(self, sizes: Array) -> Array:
        if self.slow and np.ptp(np.log(np.maximum(_smooth(sizes), 1e-300))) < STEADY:
            return np.full(sizes.size, max(float(np.median(sizes)), 1e-300))
        out = np.empty_like(sizes)
        for number in np.unique(self.train):
            own = self.train == number
            out[own] = _smooth(sizes[own])
        return np.maximum(out, 1e-3 * max(float(np.median(np.abs(out))), 1e-300))

    def refit(self, rounds: int = 2) -> None:
        """Fit waveforms and sizes at the present times, then the noise at every place and the trust in every pulse."""
        for _ in range(rounds):
            gain = self.size * (1 + self.deviation)
            self.coefficients = np.stack([self._waveform(row, gain[row]) for row in range(len(gain))])
            self.shape = self._evaluate(self.coefficients)
            self._resize()
        rest = self.samples - self.model
        self._weigh(rest)
        misfit = (rest**2 * self.weight[:, np.newaxis]).sum(axis=2)
        places = self.samples.shape[2]
        self.noise = np.maximum(np.median(misfit, axis=1) / (places - 1), 1e-30)
        usual = (misfit / self.noise[:, np.newaxis]).mean(axis=0) / (places - 1)
        self.trust = np.minimum(1.0, ODD / np.maximum(usual, 1e-9))

    @property
    def model(self) -> Array:
        """Fitted samples, shape (channels, pulses, places)."""
        return self.shape * (self.size * (1 + self.deviation))[..., np.newaxis]

    def _waveform(self, channel: int, gain: Array) -> Array:
        weight = np.outer(gain**2 * self.trust, self.weight[channel])
        right = self.samples[channel] * np.outer(gain * self.trust, self.weight[channel])
        size = self.span.size
        return solve(bands(self.first, self.values, weight, size), project(self.first, self.values, right, size))

    def _evaluate(self, coefficients: Array) -> Array:
        near = coefficients[:, self.first[..., np.newaxis] + np.arange(4)]
        return np.asarray((near * self.values).sum(axis=-1))

    def _resize(self) -> None:
        weight = self.weight[:, np.newaxis]
        energy = np.maximum((self.shape**2 * weight).sum(axis=2), 1e-300)
        size = (self.shape * self.samples * weight).sum(axis=2) / energy
        rest = self.samples - size[..., np.newaxis] * self.shape
        places = self.samples.shape[2]
        noise = np.maximum(np.median((rest**2 * weight).sum(axis=2), axis=1) / (places - 2), 1e-30)
        precision = energy / noise[:, np.newaxis] * self.size**2
        self.size = np.stack([self._smooth(row / (1 + self.deviation)) for row in size])
        pull = (precision * (size / self.size - 1)).sum(axis=0)
        self.deviation = np.clip(pull / (precision.sum(axis=0) + self.gain_noise**-2), -0.5, 0.5)

    def _weigh(self, rest: Array) -> None:
        """Weigh every place in the window by the inverse of its usual misfit."""
        power = np.median(rest**2, axis=1)
        power = np.maximum(power, QUIET * np.median(power, axis=1, keepdims=True))
        weight = 1 / np.maximum(power, 1e-30)
        self.weight = weight / np.median(weight, axis=1, keepdims=True)

    def search(self, expected: Array) -> Array:
        """Try shifts about the expected times and give the best time of every pulse, s."""
        reach = min(4 * self.jitter, self.span.margin)
        shifts = np.linspace(-reach, reach, TRIALS)
        tables, step = table(self.coefficients, self.span)
        gain = (self.size * (1 + self.deviation))[..., np.newaxis]
        costs = np.empty((TRIALS, expected.size))
        for row, shift in enumerate(shifts):
            place = (self.span.inside(self.clock - (expected + shift)[:, np.newaxis]) - self.span.low) / step
            left = np.minimum(place.astype(np.int64), tables.shape[1] - 2)
            part = place - left
            wave = tables[:, left] * (1 - part) + tables[:, left + 1] * part
            misfit = ((self.samples - gain * wave) ** 2 * self.weight[:, np.newaxis]).sum(axis=2)
            costs[row] = (misfit / self.noise[:, np.newaxis]).sum(axis=0) + (shift / self.jitter) ** 2
        return np.asarray(expected + _lowest(costs, shifts))

    def improve(self, expected: Array, rate: Array, learn: bool) -> tuple[Array, Array, Array]:
        """Take one Gauss-Newton step of waveforms, clock, shifts and deviations together.

        Shifts and deviations have priors and are eliminated pulse by pulse, so that the cost grows with the number of
        pulses only. Their SDs are learnt by the evidence (MacKay's fixed point): what the waveform can take up by
        itself does not count as jitter.

        Parameters
        ----------
        expected : ndarray, shape (pulses,)
            Where the clock expects the pulses, s.
        rate : ndarray, shape (pulses,)
            Derivative of the expected times; 0 for no clock.
        learn : bool
            Whether jitter and gain noise are learnt.

        Returns
        -------
        expected, times, variance : ndarray, shape (pulses,)
            New clock, new times, and the variance of these, s².
        """
        system = _System(self, expected, rate)
        for _ in range(3 if learn else 1):
            answer = system.solve(self.jitter, self.gain_noise)
            if learn:
                self._learn(answer)
        return answer.expected, answer.times, answer.variance

    def _learn(self, answer: _Answer) -> None:
        sure = self.trust > 0.5
        free = np.sum(1 - answer.variance[sure] / self.jitter**2)
        found = np.sqrt(np.sum(answer.shift[sure] ** 2) / max(float(free), 1e-3))
        self.jitter = float(np.clip(found, LEAST_JITTER, MOST_JITTER))
        free = np.sum(1 - answer.gain_variance[sure] / self.gain_noise**2)
        found = np.sqrt(np.sum(answer.deviation[sure] ** 2) / max(float(free), 1e-3))
        self.gain_noise = float(np.clip(found, 1e-4, MOST_GAIN_NOISE))


class _Answer:
    def __init__(self, fit: _System, fixed: Array, local: Array, variances: tuple[Array, Array]) -> None:
        self.expected = fit.expected + fit.rate * fixed[-1]
        self.shift, self.deviation = local[:, 0], fit.deviation + local[:, 1]
        self.times = self.expected + self.shift
        self.variance, self.gain_variance = variances


class _System:
    """Normal equations of one step: fixed unknowns (waveforms, rate) and two unknowns per pulse."""

    def __init__(self, fit: Fit, expected: Array, rate: Array) -> None:
        self.expected, self.rate, self.deviation = expected, rate, fit.deviation
        channels, pulses, _ = fit.samples.shape
        size = fit.span.size
        self.count = channels * size + 1
        self.normal, self.right = np.zeros((self.count, self.count)), np.zeros(self.count)
        self.cross = np.zeros((pulses, self.count, 2))
        self.local, self.pull = np.zeros((pulses, 2, 2)), np.zeros((pulses, 2))
        for channel in range(channels):
            self._add(fit, channel, slice(channel * size, (channel + 1) * size))
        self._add_clock(fit)

    def _add(self, fit: Fit, channel: int, own: slice) -> None:
        gain = fit.size[channel] * (1 + fit.deviation)
        trust = fit.trust / fit.noise[channel]
        weight = trust[:, np.newaxis] * fit.weight[channel]
        since = fit.span.inside(fit.clock - fit.times[:, np.newaxis])
        slope = BSpline(fit.span.knots, fit.coefficients[channel], 3).derivative()(since) * gain[:, np.newaxis]
        samples = fit.samples[channel] + slope * (self.expected - fit.times)[:, np.newaxis]
        columns = np.stack([-slope, fit.shape[channel] * fit.size[channel][:, np.newaxis]], axis=-1)
        size = fit.span.size
        scaled = weight * gain[:, np.newaxis]
        self.normal[own, own] = dense(bands(fit.first, fit.values, scaled * gain[:, np.newaxis], size))
        self.right[own] = project(fit.first, fit.values, scaled * samples, size)
        self.cross[:, own] = _per_pulse(fit.first, fit.values, scaled[..., np.newaxis] * columns, size)
        self.local += np.einsum("kma,kmb->kab", columns * weight[..., np.newaxis], columns)
        self.pull += np.einsum("kma,km->ka", columns, weight * samples)

    def _add_clock(self, fit: Fit) -> None:
        """Fill in the derivative by the rate, the shift column times the beats; damped to half a sample."""
        waveforms = slice(0, self.count - 1)
        self.cross[:, -1] = self.rate[:, np.newaxis] * self.local[:, 0]
        along = self.rate @ self.cross[:, waveforms, 0]
        self.normal[waveforms, -1] = self.normal[-1, waveforms] = along
        self.normal[-1, -1] = self.rate**2 @ self.local[:, 0, 0] + (2 * fit.span.fs) ** 2
        self.right[-1] = self.rate @ self.pull[:, 0]

    def solve(self, jitter: float, gain_noise: float) -> _Answer:
        local, pull = self.local.copy(), self.pull.copy()
        local[:, 0, 0] += jitter**-2
        local[:, 1, 1] += gain_noise**-2
        pull[:, 1] -= self.deviation / gain_noise**2
        inverse = np.linalg.inv(local)
        left = self.cross @ inverse
        matrix = self.normal - np.tensordot(left, self.cross, axes=((0, 2), (0, 2)))
        factor = _factored(matrix, np.diag(self.normal))
        fixed = cho_solve(factor, self.right - np.tensordot(left, pull, axes=((0, 2), (0, 1))))
        own = np.einsum("kab,kb->ka", inverse, pull - np.einsum("kpa,p->ka", self.cross, fixed))
        variances = [
            inverse[:, one, one] + np.einsum("kp,pk->k", left[..., one], cho_solve(factor, left[..., one].T))
            for one in (0, 1)
        ]
        return _Answer(self, fixed, own, (variances[0], variances[1]))


def _factored(matrix: Array, usual: Array) -> tuple[Array, bool]:
    """Cholesky factor with the least damping that rounding demands; ``usual`` is the diagonal before elimination."""
    for step, damping in enumerate(DAMPING):
        floor = usual if not step else np.maximum(usual, float(usual.max()))
        try:
            return cho_factor(matrix + damping * np.diag(floor))
        except LinAlgError:
            continue
    raise TimingError("The times of the pulses cannot be refined: the artifact does not determine them.")


def _per_pulse(first: Index, values: Array, columns: Array, size: int) -> Array:
    """Multiply the transposed design of every pulse with its columns, shape (pulses, size, columns)."""
    pulses = first.shape[0]
    place = (np.arange(pulses)[:, np.newaxis] * size + first)[..., np.newaxis] + np.arange(4)
    out = [
        np.bincount(place.ravel(), weights=(values * columns[..., one, np.newaxis]).ravel(), minlength=pulses * size)
        for one in range(columns.shape[-1])
    ]
    return np.asarray(np.stack(out, axis=-1).reshape(pulses, size, -1), dtype=np.float64)


def creeps(places: Array) -> bool:
    """Whether pulses creep through the places between two samples, so that a change of size may be one of place."""
    turn = np.exp(2j * np.pi * places)
    if turn.size < SMOOTH:
        return bool(abs(turn.mean()) > CREEPING)
    windows = np.lib.stride_tricks.sliding_window_view(turn, SMOOTH).mean(axis=1)
    return bool(np.median(np.abs(windows)) > CREEPING)


def _smooth(sizes: Array) -> Array:
    """Take a running median, then a running mean, over 15 pulses or as many as there are."""
    width = min(SMOOTH, (sizes.size - 1) // 2 * 2 + 1)
    if width < 3:
        return np.full(sizes.size, float(np.median(sizes)))
    half = width // 2

    def padded(values: Array) -> Array:
        return np.asarray(np.pad(values, half, mode="reflect", reflect_type="odd"))

    middle = median_filter(padded(sizes), width)[half:-half]
    bell = np.hanning(width + 2)[1:-1]
    return np.convolve(padded(middle), bell / bell.sum(), mode="valid")


def _lowest(costs: Array, shifts: Array) -> Array:
    """Shift of the lowest cost, by a parabola through it and its neighbours."""
    best = np.clip(costs.argmin(axis=0), 1, shifts.size - 2)
    pulse = np.arange(costs.shape[1])
    before, here, after = costs[best - 1, pulse], costs[best, pulse], costs[best + 1, pulse]
    bend = before - 2 * here + after
    part = np.where(bend > 0, 0.5 * (before - after) / np.where(bend > 0, bend, 1.0), 0.0)
    return np.asarray(shifts[best] + np.clip(part, -1, 1) * (shifts[1] - shifts[0]))
