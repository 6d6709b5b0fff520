"""Whether a chain of events is a train of pulses, and where in it the artifact lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from emgkit.detect.beat import Chain
from emgkit.detect.fit import Fit
from emgkit.detect.match import Template
from emgkit.detect.sharp import Events

__all__ = [
    "STIRRED",
    "dominant",
    "heights",
    "is_response",
    "likeness",
    "profile_of",
    "regular",
    "responses",
    "sharpest_lag",
    "stir",
]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

LONG_PART = 8.0  # pulses per part of a chain: EMG keeps no beat for so long
DOMINANT = 4.0  # times the other events: a few large pulses are believed
RESPONSE = 0.04  # s after a pulse in which other events are its response
NEAR = 0.0015  # s: one artifact
AROUND = 0.025  # s about the chain, in which the artifact is looked for
SHARPER = 1.5  # times: from here on another place is the artifact rather than where the chain was found
LOCKED, STANDS_OUT = 0.7, 3.0  # of the beats at which the trace stands out: a response
OFTEN = 0.6  # of the pulses: more than one of two, less than two of three
AS_SHARP = 0.8  # of the artifact: no response but another stimulator
QUIET = 0.008  # s, of silence before an artifact
STIRRED = 0.25  # of an event's height, in that time: it is the end of a response; unverified
ALSO = 0.3  # of the height of events, at the same lag after other pulses: a response


def regular(chain: Chain) -> bool:
    """Whether events keep a beat for longer than EMG does."""
    return chain.members.size / (int(chain.train.max()) + 1) >= LONG_PART


def dominant(chain: Chain, events: Events, fs: float) -> bool:
    """Whether events are much larger than all others but what follows them at once."""
    times = events.place / fs
    own = times[chain.members]
    since = times - own[np.maximum(np.searchsorted(own, times, side="right") - 1, 0)]
    until = own[np.minimum(np.searchsorted(own, times), own.size - 1)] - times
    others = ~(((since >= 0) & (since < RESPONSE)) | ((until >= 0) & (until < NEAR)))
    if not others.any():
        return True
    return float(np.median(events.height[chain.members])) >= DOMINANT * float(np.quantile(events.height[others], 0.95))


def sharpest_lag(line: Array, trace: Array, sharper: Array, period: float, fs: float) -> float:
    """Where, before or after a line of events, the artifact lies, s.

    The artifact is the sharpest of all that is locked to the line and comes out of silence; the end of a response may
    be as sharp, but follows its beginning. A place is taken for another one only if that is clearly sharper, unless
    something stands out before the first and nothing before the other: responses may make a better beat than an
    artifact that is brief against the samples.

    Parameters
    ----------
    line : ndarray, shape (pulses,)
        s.
    trace, sharper : ndarray, shape (samples,)
        Traces of second and fourth differences.
    period, fs : float
        s, Hz.
    """
    reach = round(min(AROUND, 0.45 * period) * fs)
    quiet = max(round(min(QUIET, 0.3 * period) * fs), 2)
    lags = np.arange(-reach, reach + 1)
    ahead = profile_of(line, trace, np.arange(-reach - quiet, reach + 1), fs)
    skipped = min(round(NEAR * fs), quiet - 1)
    before = np.array([ahead[row : row + quiet - skipped].mean() for row in range(lags.size)])
    profile = profile_of(line, sharper, lags, fs) / (1 + before)
    near = np.abs(lags) <= NEAR * fs
    best, own = int(np.argmax(profile)), int(np.flatnonzero(near)[np.argmax(profile[near])])
    late = best < own and before[best] < STANDS_OUT <= before[own]
    if not near[best] and not late and profile[best] < SHARPER * profile[own]:
        best = own
    return float(lags[best]) / fs


def is_response(train: Array, times: Array, trace: Array, sharper: Array, fs: float) -> bool:
    """Whether events follow the pulses of a train at one lag and are not the pulses of another stimulator.

    They are a response if they do not come out of silence, if about the same is seen after the pulses that no event
    follows, or if they are much less sharp than the artifact; if events follow all pulses, if they are somewhat less
    sharp.
    """
    place = np.searchsorted(train, times, side="right") - 1
    lag = times - train[np.maximum(place, 0)]
    middle = float(np.median(lag))
    if np.median(np.abs(lag - middle)) > 1.5 / fs:
        return False
    if stir(times, trace, fs) >= STIRRED:
        return True
    alone = np.delete(train, np.unique(np.maximum(place, 0)))
    relative = float(np.median(heights(sharper, times, fs)) / np.median(heights(sharper, train, fs)))
    if alone.size < 0.1 * train.size:
        return relative < AS_SHARP
    also = float(np.median(heights(trace, alone + middle, fs)) / np.median(heights(trace, times, fs)))
    return also >= ALSO or relative < ALSO


def stir(times: Array, trace: Array, fs: float) -> float:
    """How much usually goes on before events, compared with them: an artifact comes out of silence."""
    lags = np.arange(-round(QUIET * fs), max(round(NEAR * fs), 1) + 1)
    profile = profile_of(times, trace, lags, fs)
    return float(profile[lags < -NEAR * fs].mean() / max(float(profile.max()), 1e-300))


def heights(trace: Array, times: Array, fs: float) -> Array:
    """Give the largest value of a trace within an artifact's length of times, s."""
    reach = np.arange(-max(round(NEAR * fs), 1), max(round(NEAR * fs), 1) + 1)
    index = np.round(times * fs).astype(np.int64)[:, np.newaxis] + reach
    return np.asarray(trace[np.clip(index, 0, trace.size - 1)].max(axis=1))


def profile_of(line: Array, trace: Array, lags: Index, fs: float, share: float = 0.5) -> Array:
    """Quantile over the pulses of the trace at lags in samples."""
    if not lags.size:
        return np.zeros(0)
    wide = maximum_filter1d(trace, 3)
    index = np.round(line * fs).astype(np.int64)
    index = index[(index + lags[0] >= 0) & (index + lags[-1] < trace.size)]
    if not index.size:
        return np.zeros(lags.size)
    return np.array([np.quantile(wide[index + lag], share) for lag in lags])


def responses(times: Array, trace: Array, period: float, fs: float) -> tuple[Index, Array]:
    """Lags in samples at which nearly every pulse is followed by something, and how high that is more often than not.

    Every second pulse may be followed by one of another stimulator at the same lag; at one of three places between
    samples a response may be small.
    """
    lags = np.arange(round(2 * NEAR * fs), max(round(min(period - NEAR, 0.06) * fs), round(2 * NEAR * fs) + 1))
    locked = profile_of(times, trace, lags, fs, 1 - LOCKED) >= STANDS_OUT
    return lags[locked], profile_of(times, trace, lags[locked], fs, 1 - OFTEN)


def likeness(bends: Array, times: Array, part: Index, fit: Fit) -> float:
    """Median share of the energy about every second pulse that the waveform of the others explains."""
    shares = []
    for half in (0, 1):
        mine = np.arange(times.size) % 2 == half
        if not mine.any() or mine.all():
            return 1.0
        model = Template(Fit(bends, times[mine], part[mine], fit.span))
        shares.append(model.match(bends, times[~mine]).likeness)
    return float(np.median(np.concatenate(shares)))
