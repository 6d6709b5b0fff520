"""The smooth course of what the pulse before left, where the next stimulus begins within it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.waveform import POINTS

__all__ = ["course_before"]

Array = NDArray[np.float64]

STRETCH, STRETCH_SAMPLES = 0.002, 3  # s and samples before the stimulus, at least, that a parabola is laid through
HELD = 0.3  # of the stretch after its end, from which on the parabola is held: farther it may be anything
SMOOTH = 0.01  # of the largest change that follows, RMS about the parabola: the stimulus has not begun
RIPPLED, EVEN = 0.06, 1.2  # the same where pulses creep, if the last sample is no worse than that times the whole
BACK = 0.25  # samples before the latest such end: what the parabola took of the foot
STEEP = 0.05  # of the largest change that follows, through which the course runs: less of it moves no level
HOP = POINTS // 8  # points between the ends that are tried


def course_before(wave: Array, peak: int, fs: float, creeping: bool) -> tuple[Array, int] | None:
    """Lay a parabola through the stretch before the stimulus, which is as late as the waveform follows one.

    An M-wave is smooth for longer than a stimulus takes to rise. At rates from 40 Hz on it goes on under the next
    stimulus, which then begins at no level, but where the waveform leaves its course.

    Parameters
    ----------
    wave : ndarray, shape (points,)
        First differences, V per sample.
    peak : int
        Sharpest place, until which the stimulus has begun.
    fs : float
        Hz.
    creeping : bool
        Whether the pulses creep through the places between two samples: what changes during the recording is then a
        ripple on the waveform, a sample long, and the course is not smooth.

    Returns
    -------
    course : ndarray, shape (points,)
        V per sample, also under the stimulus.
    begin : int
        First point of the stretch.

    None where there is no such stretch, or the course is so level that it does not matter.
    """
    width = int(max(STRETCH * fs, STRETCH_SAMPLES) * POINTS)
    tests = [(SMOOTH, np.inf), (RIPPLED, EVEN)] if creeping else [(SMOOTH, np.inf)]
    for rough, even in tests:
        for end in range(peak, width - 1, -HOP):
            begin, course = _parabola(wave, end, width)
            rest = wave[begin:end] - course[begin:end]
            largest = float(np.abs((wave - course)[end : peak + 1]).max())
            if _rms(rest) <= rough * largest and _rms(rest[-POINTS:]) <= even * _rms(rest):
                if np.ptp(course[begin:end]) <= STEEP * largest:
                    return None
                begin, course = _parabola(wave, end - int(BACK * POINTS), width)
                return course, begin
    return None


def _parabola(wave: Array, end: int, width: int) -> tuple[int, Array]:
    begin = max(end - width, 0)
    place = (np.arange(wave.size) - end) / width
    line = np.polynomial.polynomial.polyfit(place[begin:end], wave[begin:end], 2)
    return begin, np.asarray(np.polynomial.polynomial.polyval(np.clip(place, -1.0, HELD), line))


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
