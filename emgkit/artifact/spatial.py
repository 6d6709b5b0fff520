"""`Spatial`: take the few directions across an array in which the artifact lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from emgkit._checks import in_range, whole
from emgkit.artifact.blanking import artifact_end
from emgkit.artifact.frames import all_frames
from emgkit.errors import ParameterError, TimingError
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["Spatial"]

Array = NDArray[np.float64]

FEWEST_PULSES = 10
MOSTLY_LOCKED = 0.5  # share of a direction's power from which its removal takes more artifact than EMG
SMALLEST = 1e-10  # of the largest variance: directions below hold nothing


@dataclass(frozen=True)
class Spatial:
    """Take the directions across an array away in which most of the power is locked to the pulses, close to each pulse.

    Parameters
    ----------
    most : int, default 3
        Directions at most: the artifact of one stimulator has one to three.
    before : float, default 0.0005
        Start before the pulse, s.
    learned_until : float or None, default None
        Time after the pulse until which directions are learned and taken away whole, s. None finds the end of the
        artifact from the recording, see `emgkit.artifact.blanking.artifact_end`.
    after : float, default 0.010
        Time after the pulse at which the removal has faded out, s.

    Notes
    -----
    Joint decorrelation (de Cheveigné and Parra 2014, NeuroImage 98:487) with the average over the pulses as bias:
    directions are ordered by the share of their power that repeats. Differs from it in: only the artifact's few
    milliseconds are used and changed; a direction goes if more than half of its power repeats, so that the rank is
    found and EMG is never taken from where there is no artifact.

    A complement for arrays of at least 8 channels, not a method for every day: with each direction the EMG that
    has it goes, too. ``gain_on_clean`` states what is left of every channel's EMG within the reach, and evoked activity
    counts as lost until ``after``.
    """

    name: ClassVar[str] = "spatial"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "clean")
    fewest_channels: ClassVar[int] = 8
    most: int = 3
    before: float = 0.0005
    learned_until: float | None = None
    after: float = 0.010

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole("most", self.most, 1, 7)
        in_range("before", self.before, 0.0, 0.05, "s")
        in_range("after", self.after, 0.001, 0.5, "s")
        if self.learned_until is not None:
            in_range("learned_until", self.learned_until, 0.0005, self.after, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        if signal.shape[0] < self.fewest_channels:
            raise ParameterError(
                f"spatial needs an array of at least {self.fewest_channels} channels, got {signal.shape[0]}: "
                f"use phase_spline."
            )
        if len(pulses) < FEWEST_PULSES:
            raise TimingError(f"spatial needs {FEWEST_PULSES} pulses, got {len(pulses)}: use blanking.")
        until = min(artifact_end(signal, fs, pulses) if self.learned_until is None else self.learned_until, self.after)
        measured = np.where(np.isfinite(signal), signal, 0.0)
        removal, background, shares = self._directions(measured, fs, pulses, until)
        fade = self._fade(pulses, fs, signal.shape[1], until)
        return Parts(
            components={"artifact": np.where(fade > 0, (removal @ measured) * fade, 0.0)},
            residual="clean",
            lost=None,
            evoked_lost_until=self.after,
            reach=(-self.before, self.after),
            quality={
                "components": float(np.count_nonzero(shares > MOSTLY_LOCKED)),
                "locked_share": shares,
                "learned_until": until,
                "gain_on_clean": _gain(removal, background, fade[fade > 0]),
            },
        )

    def _directions(self, signal: Array, fs: float, pulses: Pulses, until: float) -> tuple[Array, Array, Array]:
        """Matrix that gives what to take away, covariance of the EMG before the pulses, and the locked shares."""
        pieces, background = (
            _pieces(signal, fs, pulses, self.before, until),
            self._background(signal, fs, pulses, until),
        )
        mean = pieces.mean(axis=1)
        total = np.einsum("ckn,dkn->cd", pieces, pieces) / pieces[0].size
        locked = mean @ mean.T / pieces.shape[2]
        sizes, vectors = eigh(total)
        held = sizes > SMALLEST * max(float(sizes[-1]), 0.0)
        if not held.any():
            return np.zeros_like(total), background, np.zeros(self.most)
        sphere = vectors[:, held] / np.sqrt(sizes[held])
        shares, turned = eigh(sphere.T @ locked @ sphere)
        shares, turned = shares[::-1], turned[:, ::-1]
        chosen = turned[:, : self.most][:, shares[: self.most] > MOSTLY_LOCKED]
        filters = sphere @ chosen
        return total @ filters @ filters.T, background, shares[: self.most]

    def _background(self, signal: Array, fs: float, pulses: Pulses, until: float) -> Array:
        """Covariance between the channels just before the pulses, where the response is over."""
        pieces = _pieces(signal, fs, pulses, 2 * self.before + until, -self.before)
        different = pieces - pieces.mean(axis=1, keepdims=True)
        return np.asarray(np.einsum("ckn,dkn->cd", different, different) / different[0].size)

    def _fade(self, pulses: Pulses, fs: float, count: int, until: float) -> Array:
        """How much is taken away at every sample: all until the artifact is over, falling to nothing at the end."""
        fade = np.zeros(count)
        frames = all_frames(pulses, fs, self.before, self.after)
        index = frames.first[:, np.newaxis] + np.arange(frames.count)
        phase = (np.arange(frames.count) - frames.places[:, np.newaxis]) / fs
        rest = np.clip((phase - until) / max(self.after - until, 1 / fs), 0.0, 1.0)
        inside = (index >= 0) & (index < count)
        np.maximum.at(fade, index[inside], (0.5 + 0.5 * np.cos(np.pi * rest))[inside])
        return fade


def _pieces(signal: Array, fs: float, pulses: Pulses, before: float, until: float) -> Array:
    """Cut out the frames that lie within the recording, shape (channels, pulses, samples)."""
    frames = all_frames(pulses, fs, before, until)
    index = frames.first[:, np.newaxis] + np.arange(max(frames.count, 1))
    return signal[:, index[(index[:, 0] >= 0) & (index[:, -1] < signal.shape[1])]]


def _gain(removal: Array, background: Array, fade: Array) -> Array:
    """Gain on clean EMG within the reach, shape (channels,)."""
    before = np.diag(background)
    both = removal @ background
    taken = -2 * fade.mean() * np.diag(both) + (fade**2).mean() * np.diag(both @ removal.T)
    return np.sqrt(np.maximum(1 + np.divide(taken, before, out=np.zeros_like(before), where=before > 0), 0.0))
