"""Causal methods block by block, for closed loops: the same bits as the whole recording at once.

A causal method of frames learns from every complete frame about a pulse and removes a prediction from the next ones.
What it does at a pulse depends on the sample numbers of earlier frames only, never on how the samples came in.
"""

from __future__ import annotations

import warnings
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import masked_as_missing, positive, whole
from emgkit.artifact.frames import first_samples
from emgkit.errors import EmgkitWarning, ParameterError, ShapeError, TimingError
from emgkit.pulses import Pulses

__all__ = ["FrameStream", "Kernel", "Stream"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FAR = np.iinfo(np.int64).max
UNLEARNED = 10  # pulses in a row that are too close for their frames, from which that is said


class Stream(Protocol):
    """A causal method at work on one recording.

    Attributes
    ----------
    latency : float
        By how much the cleaned signal comes later than the measured one, s.
    valid : ndarray of bool, shape (channels, samples)
        Of the block that was given out last: False where the artifact could not be removed.
    """

    @property
    def latency(self) -> float: ...  # noqa: D102
    @property
    def valid(self) -> Mask: ...  # noqa: D102
    def update(self, block: Array, pulses: Pulses | Array | None = None) -> Array: ...  # noqa: D102
    def finish(self) -> Array: ...  # noqa: D102


class Kernel(Protocol):
    """What a causal method of frames knows, and what it makes of it.

    Attributes
    ----------
    pad : int
        Samples on both sides of a frame that it wants to learn from.
    looks_ahead : bool
        Whether it needs a frame whole to clean it.
    overlaps : bool
        Whether frames run into the next: it then learns from what comes before the next frame, however little.
    """

    @property
    def pad(self) -> int: ...  # noqa: D102
    @property
    def looks_ahead(self) -> bool: ...  # noqa: D102
    @property
    def overlaps(self) -> bool: ...  # noqa: D102

    def predict(self, frame: Array, places: Array) -> tuple[Array, Mask]:
        """Give what to take from a frame, V, and which of its samples are lost, both (channels, samples).

        ``frame`` is NaN where samples are missing, and all NaN unless the kernel looks ahead. ``places`` are those of
        its pulse and of the earlier ones, last first, whose frames reach into this one, in samples from its first.
        """
        ...

    def learn(self, piece: Array, places: Array) -> None:
        """Learn from a complete frame with its pads, shape (channels, samples); NaN where samples are missing."""
        ...


@dataclass
class _Frame:
    first: int
    places: Array
    stop: int = FAR


class FrameStream:
    """Remove what is locked to the pulses from a recording that comes in blocks.

    Parameters
    ----------
    kernel : Kernel
        The method's state.
    fs : float
        Hz.
    channels : int
        Channels of every block.
    before, after : float
        Extent of the frames about the pulses, s.

    Notes
    -----
    Cleaned samples come later than measured ones by ``latency``: the time before a pulse at which its frame begins, and
    for methods that fit a whole frame the frame as well. Concatenated, the blocks that `update` and `finish` give are
    the causal result of the whole recording, bit for bit. It is said once (a warning) if pulses come so close that
    nothing can be learned from them.
    """

    def __init__(self, kernel: Kernel, fs: float, channels: int, before: float, after: float) -> None:
        self._fs, self._channels = positive("fs", fs, "Hz"), whole("channels", channels, 1, 100000)
        self._kernel, self._before, self._finished = kernel, before, False
        self._count = int(np.floor((before + after) * fs + 1e-9))
        if self._count < 2:
            raise TimingError(f"Frames of {self._count} samples are too short: give a longer after=.")
        self._slack = int(np.floor(before * fs)) + 1  # a pulse may still come that begins so many samples earlier
        self._ahead = self._count - 1 if kernel.looks_ahead else 0
        self._to_predict: deque[_Frame] = deque()
        self._to_learn: deque[_Frame] = deque()
        self._last: _Frame | None = None
        self._last_onset, self._unlearned = -np.inf, 0
        self._recent: deque[tuple[int, float]] = deque()  # first sample and onset, s, of frames that may reach on
        self._start = self._received = self._emitted = 0
        self._raw = np.zeros((channels, 0))
        self._removed = np.zeros((channels, self._count))
        self._lost = np.zeros((channels, self._count), dtype=bool)
        self.lost = self._valid = np.zeros((channels, 0), dtype=bool)

    @property
    def latency_samples(self) -> int:
        """By how many samples the cleaned signal comes later than the measured one."""
        return self._ahead + self._slack

    @property
    def latency(self) -> float:
        """The same, s."""
        return self.latency_samples / self._fs

    @property
    def valid(self) -> Mask:
        """Of the block given out last: False where the artifact could not be removed or samples are missing."""
        return self._valid

    def update(self, block: Array, pulses: Pulses | Array | None = None) -> Array:
        """Take the next samples and give the cleaned ones that have become final.

        Parameters
        ----------
        block : array_like, shape (channels, samples)
            The next samples, V; NaN is a missing sample.
        pulses : Pulses or array_like, optional
            The pulses within the block, s from the first sample of the stream; later ones may be announced.

        Returns
        -------
        ndarray, shape (channels, samples)
            As many samples as have come in all, less the latency and those given before.

        Raises
        ------
        ShapeError, TimingError, ParameterError
            If the block has other channels, a pulse lies before the block, or samples are infinite.
        """
        raw, removed = self.advance(block, pulses)
        return np.asarray(raw - removed)

    def finish(self) -> Array:
        """Give the cleaned samples that are left; no more blocks are taken."""
        raw, removed = self.drain()
        return np.asarray(raw - removed)

    def advance(self, block: Array, pulses: Pulses | Array | None = None) -> tuple[Array, Array]:
        """Do as `update`, and give the measured samples and what to take from them."""
        if self._finished:
            raise ParameterError("This stream is finished: make a new one.")
        samples = np.asarray(masked_as_missing(block), dtype=np.float64)
        if samples.ndim != 2 or samples.shape[0] != self._channels:
            raise ShapeError(f"A block must have shape ({self._channels}, samples), got {samples.shape}.")
        if np.isinf(samples).any():
            raise ParameterError("The block holds infinite samples; mark missing samples as NaN.")
        self._add_pulses(pulses)
        self._received += samples.shape[1]
        self._raw = np.concatenate([self._raw, samples], axis=1)
        self._removed = np.concatenate([self._removed, np.zeros(samples.shape)], axis=1)  # as long as raw and a frame
        self._lost = np.concatenate([self._lost, np.zeros(samples.shape, dtype=bool)], axis=1)
        self._run(self._received)
        return self._emit(self._received - self.latency_samples)

    def drain(self) -> tuple[Array, Array]:
        """Do as `finish`, and give the measured samples and what to take from them."""
        self._finished = True
        self._run(FAR)
        return self._emit(self._received)

    def _add_pulses(self, pulses: Pulses | Array | None) -> None:
        if pulses is None:
            return
        given = pulses.onsets if isinstance(pulses, Pulses) else pulses
        onsets = np.atleast_1d(np.asarray(given, dtype=np.float64))
        if not np.isfinite(onsets).all():
            raise TimingError(f"Pulses must be finite, got {onsets[~np.isfinite(onsets)][0]}.")
        for onset, first in zip(onsets, first_samples(onsets, self._fs, self._before), strict=True):
            if not onset > self._last_onset or onset * self._fs < self._received - 1e-6:
                last = f"one at {self._last_onset:g} s and " if np.isfinite(self._last_onset) else ""
                raise TimingError(
                    f"A pulse at {onset:g} s came after {last}{self._received} samples "
                    f"({self._received / self._fs:g} s): give pulses in order, with the block that they lie in."
                )
            frame = _Frame(int(first), self._places(int(first), float(onset)))
            if self._last is not None:
                self._last.stop = frame.first
            self._last, self._last_onset = frame, float(onset)
            self._to_predict.append(frame)
            self._to_learn.append(frame)

    def _places(self, first: int, onset: float) -> Array:
        while self._recent and self._recent[0][0] + self._count <= first:
            self._recent.popleft()
        self._recent.append((first, onset))
        return np.array([other * self._fs - first for _, other in reversed(self._recent)])

    def _run(self, until: int) -> None:
        """Learn and predict in the order of the samples at which each is due, whatever came in at once."""
        while True:
            learn = self._due(self._to_learn, self._learned - 1 + max(self._kernel.pad, self._slack))
            predict = self._due(self._to_predict, self._ahead + self._slack)
            if min(learn, predict) >= until:
                return
            if learn < predict:  # a frame that is due for both is cleaned before it is learned
                count = self._learned
                self._learn(self._to_learn.popleft(), count)
            else:
                self._predict(self._to_predict.popleft())

    def _due(self, frames: deque[_Frame], delay: int) -> int:
        return frames[0].first + delay if frames else FAR

    @property
    def _learned(self) -> int:
        """Samples of the frame that is learned next."""
        if not (self._kernel.overlaps and self._to_learn):
            return self._count
        return min(self._count, self._to_learn[0].stop - self._to_learn[0].first)

    def _learn(self, frame: _Frame, count: int) -> None:
        if frame.stop < frame.first + count - 1:  # the next pulse came too soon, by more than rounding
            self._unlearned += 1
            if self._unlearned == UNLEARNED:
                whole, last = (1e3 * count / self._fs for count in (self._count, frame.stop - frame.first))
                said = f"{UNLEARNED} pulses in a row were followed by the next within their frames of {whole:.3g} ms, "
                said += f"the last after {last:.3g} ms: nothing is learned from such pulses. Give a shorter after=."
                warnings.warn(said, EmgkitWarning, stacklevel=2)
            return
        self._unlearned = 0 if self._unlearned < UNLEARNED else UNLEARNED + 1  # it is said once
        pad = self._kernel.pad
        self._kernel.learn(self._piece(frame.first - pad, frame.first + count + pad), frame.places)

    def _predict(self, frame: _Frame) -> None:
        if frame.first >= self._received:
            return  # announced, but the recording ended before
        known = self._received if self._kernel.looks_ahead else frame.first
        stop = min(frame.first + self._count, frame.stop)
        piece = self._piece(frame.first, stop, known)
        low = max(frame.first, self._start)
        removed, lost = (values[:, low - frame.first :] for values in self._kernel.predict(piece, frame.places))
        if stop <= low:  # the next pulse came at once
            return
        place = slice(low - self._start, stop - self._start)
        self._removed[:, place], self._lost[:, place] = removed, lost

    def _piece(self, low: int, high: int, known: int = FAR) -> Array:
        """Copy the samples ``low ... high``, NaN where none has come in."""
        piece = np.full((self._channels, high - low), np.nan)
        begin, end = max(low, self._start), min(high, self._received, known)
        if begin < end:
            piece[:, begin - low : end - low] = self._raw[:, begin - self._start : end - self._start]
        return piece

    def _emit(self, until: int) -> tuple[Array, Array]:
        out = slice(self._emitted - self._start, max(until, self._emitted) - self._start)
        raw, removed = self._raw[:, out].copy(), self._removed[:, out].copy()
        self.lost = self._lost[:, out].copy()
        self._valid = ~self.lost & np.isfinite(raw)
        self._emitted = max(until, self._emitted)
        self._forget()
        return raw, removed

    def _forget(self) -> None:
        """Let go of the samples that no frame will need."""
        oldest = min(
            (frames[0].first for frames in (self._to_learn, self._to_predict) if frames), default=self._emitted
        )
        keep = min(oldest - self._kernel.pad, self._emitted - self._count - self._kernel.pad - self._slack)
        gone = max(keep - self._start, 0)
        self._raw, self._removed, self._lost = self._raw[:, gone:], self._removed[:, gone:], self._lost[:, gone:]
        self._start += gone
