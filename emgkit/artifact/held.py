"""Find samples that were not measured but repeated: hardware that holds its output, and packets that got lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from emgkit._checks import adopt
from emgkit.artifact.saturation import saturated
from emgkit.recording import Recording
from emgkit.step import Step

__all__ = ["held", "held_samples", "mark_held"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

STEP_NAME = "mark_held"
BLOCK = 0.25  # s, over which the signal's movement is looked at
SHORTEST = 4  # equal samples
CHANCE = 1e-3  # expected number of runs that chance makes as long, in a whole channel
ROUNDING = (1 / 12, 2 / 12, 6 / 12, 20 / 12)  # variance of the rounding in differences of order 0 ... 3, steps²
QUIET = 0.3  # quantile of the movement that tells its size: so much of it may be held
NORMAL = 0.385  # that quantile of the magnitude of a normal variable of unit variance
CAUTION = 0.5  # how much better a sample may be predicted than by differences of the last ones
STILL = 0.05  # of the EMG nearby, the noise under a stretch that does not move at all
SMALLEST = 0.4  # steps of the converter that a sample must move unpredictably


def mark_held(recording: Recording) -> Recording:
    """Mark stretches in which a sample was repeated instead of measured.

    An amplifier that is blanked during the pulse holds its output or gives zero; receivers of wireless electrodes
    repeat the last sample, or zero, for packets that got lost. A run of equal samples is marked when it is longer than
    the resolution of the converter lets expect, given by how many steps the signal moves unpredictably from sample to
    sample thereabouts.

    Parameters
    ----------
    recording : Recording
        As measured.

    Returns
    -------
    Recording
        The same signal; `valid` is False in the repetitions. The first sample of a run was measured and stays valid,
        unless the run is of zeros. A second call changes nothing.

    Notes
    -----
    A run of n equal samples has the likelihood qⁿ⁻¹ or less, with q that of the most likely value of a sample given
    those before it: q = erf(1/(2√2 s)) for a prediction error of s steps of the converter. As s the smallest of the
    signal's differences of order 0 to 3 is taken, less their rounding, and half of it for caution; of the block of
    0.25 s and its neighbours the stillest counts. Runs are marked when fewer than one in a thousand channels has such
    a one by chance. Runs of fewer than four samples are never marked, nor is EMG that moves by less than a step, nor
    what a held value becomes when it droops.
    """
    if any(step.name == STEP_NAME for step in recording.history):
        return recording
    rows = zip(recording.signal, recording.valid, strict=True)
    found = np.stack([held(row, ok, recording.fs) for row, ok in rows])
    counts = found.sum(axis=1).tolist()
    step = Step(STEP_NAME, {"held_samples": dict(zip(recording.channel_names, counts, strict=True))})
    valid = adopt(recording.valid & ~found) if found.any() else None
    return recording.with_signal(adopt(recording.signal), valid=valid, step=step)


def held_samples(recording: Recording) -> Mask:
    """Tell which samples of a marked recording were held, shape (channels, samples).

    They are the samples that equal the one before or are zero, are not valid, and lie on no rail.
    """
    if not any(any(step.parameters["held_samples"].values()) for step in recording.history if step.name == STEP_NAME):
        return np.zeros(recording.signal.shape, dtype=bool)
    same = np.zeros(recording.signal.shape, dtype=bool)
    same[:, 1:] = np.diff(recording.signal, axis=1) == 0
    rails = np.stack([saturated(row, np.isfinite(row)) for row in recording.signal])
    return np.asarray(~recording.valid & ~rails & (same | (recording.signal == 0)))


def held(row: Array, valid: Mask, fs: float) -> Mask:
    """Mark the repeated samples of one channel, shape (samples,)."""
    found = np.zeros(row.size, dtype=bool)
    if not valid.any():
        return found
    begin, length = _runs(row, valid)
    if not (length >= SHORTEST).any():
        return found
    likely = _likelihood(row, valid, max(round(BLOCK * fs), 20))[begin]
    unlikely = np.log(row.size) + (length - 1) * np.log(likely) < np.log(CHANCE)
    chosen = (length >= SHORTEST) & unlikely
    for first, count in zip(begin[chosen], length[chosen], strict=True):
        found[first + int(row[first] != 0.0) : first + count] = True
    return found


def _runs(row: Array, valid: Mask) -> tuple[Indices, Indices]:
    """First sample and length of every run of equal samples; samples that are not valid belong to none."""
    same = (np.diff(row) == 0) & valid[1:] & valid[:-1]
    begin = np.flatnonzero(np.concatenate([[True], ~same]))
    length = np.diff(np.append(begin, row.size))
    known = valid[begin]
    return begin[known], length[known]


def _likelihood(row: Array, valid: Mask, size: int) -> Array:
    """Likelihood of the likeliest value of a sample, given those before it, at most; shape (samples,)."""
    step = _step(row[valid])
    if step == 0:
        return np.ones(row.size)
    blocks = max(row.size // size, 1)
    error = np.minimum.reduce([_movement(row, valid, order, blocks, size, step) for order in range(len(ROUNDING))])
    error = _bridged(error, _changes(row, valid, blocks, size))
    around = np.pad(error, 1, mode="edge")
    error = CAUTION / step * np.minimum(np.minimum(around[:-2], around[1:-1]), around[2:])
    likely = np.where(error < SMALLEST, 1.0, erf(0.5 / (np.sqrt(2) * np.maximum(error, SMALLEST))))
    return np.asarray(likely[np.minimum(np.arange(row.size) // size, blocks - 1)])


def _changes(row: Array, valid: Mask, blocks: int, size: int) -> Indices:
    """Count the samples that differ from the one before, in every block."""
    changed = np.flatnonzero((np.diff(row) != 0) & valid[1:] & valid[:-1])
    return np.bincount(np.minimum(changed // size, blocks - 1), minlength=blocks)


def _bridged(error: Array, changes: Indices) -> Array:
    """Put the lesser of the nearest blocks' movement where a whole block stands still: that is none of the EMG's."""
    known = np.flatnonzero(changes > 1)
    if not known.size:
        return np.zeros(error.size)
    after = np.clip(np.searchsorted(known, np.arange(error.size)), 0, known.size - 1)
    before = np.maximum(after - (known[after] > np.arange(error.size)), 0)
    nearby = STILL * np.minimum(error[known[after]], error[known[before]])
    return np.asarray(np.where(changes > 1, error, nearby))


def _movement(row: Array, valid: Mask, order: int, blocks: int, size: int, step: float) -> Array:
    """Typical size of differences in every block, V, less the rounding."""
    out = np.zeros(blocks)
    for block in range(blocks):
        part = slice(block * size, (block + 1) * size if block < blocks - 1 else row.size)
        piece = row[part][valid[part]]
        if piece.size > 2 * SHORTEST:
            piece = np.diff(piece, order) if order else piece - np.median(piece)
            size_ = np.quantile(np.abs(piece), QUIET) / NORMAL
            out[block] = np.sqrt(max(size_**2 - ROUNDING[order] * step**2, 0.0))
    return out


def _step(known: Array) -> float:
    """Step of the converter: the smallest difference between values, V; 0 if there is none."""
    steps = np.diff(np.unique(known))
    steps = steps[steps > 1e-9 * np.abs(known).max()] if steps.size else steps
    return float(steps.min()) if steps.size else 0.0
