"""The course of an artifact that many channels see, and how their responses are split by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.tail_found import TailSplit, said_of
from emgkit.artifact.tail_prior import HighPass
from emgkit.artifact.tail_rows import TailRows

__all__ = ["ALIKE", "TailCourse"]

Array = NDArray[np.float64]

ALIKE = 0.05  # of an artifact, what of it no other channel sees, up to which all see one artifact
QUIET = 2e-3, 3e-3  # s after the pulse, before most responses begin
LEFT = 0.1  # of the response's largest value, what may be left then: so much an amplifier's recovery may be; unverified
BEGUN = 0.05  # of the response's largest value, from which it counts as begun


@dataclass(frozen=True, eq=False)
class TailCourse(FrozenValue):
    """Artifact in combinations of channels that hold all of it.

    Parameters
    ----------
    times : (times,) s since the pulse
    start : float
        From so long after the pulse it is known, s.
    artifact, error : (waveforms, times) V
        Mean artifact and its standard error.
    tail, tail_error : (waveforms, times) V
        Its smooth tail.
    no_tail : float
        Probability that there is none.
    clear : float
        The filters' answer to the pulse is over by then, s.
    high_pass : HighPass
    block : (waveforms, steps)
        The artifact alone, from sample to sample under some pulses, V, by which channels tell how much they hold.
    """

    times: Array
    start: float
    artifact: Array
    error: Array
    tail: Array
    tail_error: Array
    no_tail: float
    clear: float
    high_pass: HighPass
    block: Array

    def loads(self, block: Array) -> Array | None:
        """Tell how much of the artifact channels hold, (rows, waveforms); None if theirs is another one."""
        if block.shape[1:] != self.block.shape[1:]:
            return None
        loads = np.linalg.lstsq(self.block.T, block.T, rcond=None)[0].T
        left = np.linalg.norm(block - loads @ self.block, axis=1)
        return np.asarray(loads) if (left <= ALIKE * np.linalg.norm(block, axis=1)).all() else None

    def split(self, rows: TailRows, loads: Array) -> TailSplit | None:
        """Split rows that hold so much of it; None if something is left before the responses begin, or times differ."""
        if rows.times.shape != self.times.shape or not np.allclose(rows.times, self.times):
            return None
        hidden = rows.times < self.start
        evoked = _bridged(rows.times, hidden, rows.values - loads @ self.artifact, rows.interval)
        if not self._quiet(rows, evoked):
            return None
        error, tail_error = (np.sqrt(loads**2 @ one**2) for one in (self.error, self.tail_error))
        error[:, hidden] = error[:, np.count_nonzero(hidden)][:, np.newaxis]
        onset, no_tail = self._onsets(evoked), np.full(len(evoked), self.no_tail)
        said = said_of(onset, no_tail, evoked, error, self.high_pass)
        mean, tail = rows.values[:, rows.used], loads @ self.tail
        back = (mean / (mean**2).sum(axis=1, keepdims=True))[:, np.newaxis]  # of the mean response only
        return TailSplit(
            times=rows.times,
            artifact=rows.values - evoked,
            evoked=evoked,
            evoked_error=error,
            tail=tail,
            tail_error=tail_error,
            onset=onset,
            overlap=np.array([overlap for overlap, _ in said]),
            reason=tuple(reason for _, reason in said),
            high_pass=self.high_pass,
            start=self.start,
            no_tail=no_tail,
            used=rows.used,
            weights=evoked[:, :, np.newaxis] * back,
            tail_weights=tail[:, :, np.newaxis] * back,
            clear=np.full(len(evoked), self.clear),
            together=True,
        )

    def _onsets(self, evoked: Array) -> Array:
        begun = np.abs(evoked) > BEGUN * np.abs(evoked).max(axis=1, keepdims=True)
        begun[:, self.times <= self.start] = False
        return np.asarray(self.times[np.argmax(begun, axis=1)])

    def _quiet(self, rows: TailRows, evoked: Array) -> bool:
        """Tell whether next to nothing is left before responses begin: else channels have tails of their own."""
        early = (rows.times >= max(self.start, QUIET[0])) & (rows.times <= QUIET[1])
        if not early.any():
            return True
        before = 0.0 if rows.interval is None else evoked[:, -1:]
        left = np.abs(evoked[:, early] - before).max(axis=1)
        return bool(np.median(left / np.maximum(np.abs(evoked).max(axis=1), 1e-300)) <= LEFT)


def _bridged(times: Array, hidden: NDArray[np.bool_], waves: Array, interval: float | None) -> Array:
    """Bridge responses from the end of the last ones to the first samples that were used, where artifacts hide them."""
    begin = float(times[0]) if interval is None else float(times[-1]) - interval
    first = int(np.count_nonzero(hidden))
    level = np.zeros((len(waves), 1)) if interval is None else waves[:, -1:]
    place = np.clip((times[hidden] - begin) / (times[first] - begin), 0.0, 1.0)
    return np.concatenate([level + (waves[:, first : first + 1] - level) * place, waves[:, first:]], axis=1)
