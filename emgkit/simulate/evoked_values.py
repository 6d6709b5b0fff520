"""True features of evoked responses: at every pulse where they change from pulse to pulse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.evoked import Stimuli, chance_above
from emgkit.simulate.front_end import FINE
from emgkit.simulate.muscle import Activity, Muscle, render_expected
from emgkit.simulate.pool import SHORTEST_LATENCY
from emgkit.simulate.process import WINDOW, evoked_values, expected_response
from emgkit.simulate.session import Session

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

APART = WINDOW[1] - SHORTEST_LATENCY  # s, responses of pulses so far apart have a window each; by definition
AROUND = 5  # pulses on either side that tell the interval of a train; numerical
SAME_CURRENT, SAME_PLACE = 1e-6, 0.02  # relative, of pulses that evoke the same, and that may stand in; numerical
SAME_INTERVAL = 0.01  # relative, of pulses that evoke the same; numerical
STEP, FINEST_STEP = 0.25, 1e-5  # between currents, SDs of one threshold, and relative: no unit between; numerical
LATE_SHARE, LATE_LEAST = 0.01, 0.001  # of the M-wave and of the largest, that a late one may reach; by definition


@dataclass(frozen=True, eq=False)
class Standing:
    """Pulses that stand for the times around them, one value each.

    Parameters
    ----------
    pulse : (standing,) int, in the order of time
    interval : (standing,) s, of its train
    alone : (standing,) whether its response mixes with none
    """

    pulse: Indices
    interval: Array
    alone: NDArray[np.bool_]

    def at(self, part: Any) -> Standing:
        """Give some of them."""
        return Standing(self.pulse[part], self.interval[part], self.alone[part])


def evoked_table(
    session: Session, muscle: Muscle, done: Activity, train: Indices, grid: Array
) -> tuple[Array, dict[str, Array]]:
    """Compute evoked features of a muscle, at pulses around which they change and at the times of ``grid``.

    The response is that to a pulse's stimulator alone, at the interval of its train; pulses in ramps have that of the
    plateau. Values are NaN where pulses come so close to others, of any stimulator, that the responses mix, and where
    H-reflex or F-waves are to be expected within the window.

    Returns
    -------
    ndarray, shape (times,)
        s.
    dict of ndarray, shape (times, channels)
        By feature.
    """
    stimuli, own = done.stimuli, standing(done.stimuli, train)
    if not own.pulse.size:
        silence = np.zeros((muscle.templates.values.shape[1], 2 * round(WINDOW[1] * FINE)))
        return grid[[0, -1]], {name: np.stack([row, row]) for name, row in evoked_values(silence, FINE).items()}
    onsets = stimuli.onsets[own.pulse]
    changing = np.ones(onsets.size, dtype=bool) if done.late.times.size else _changing(stimuli, own)
    middle = np.searchsorted(0.5 * (onsets[1:] + onsets[:-1]), grid)
    times, first = np.unique(np.concatenate([onsets[changing], grid]), return_index=True)
    chosen = own.at(np.concatenate([np.flatnonzero(changing), middle])[first])
    table = _interpolated(session, muscle, done, chosen, times, grid)
    hidden = ~chosen.alone[:, np.newaxis] | _late(session, muscle, done, chosen.pulse, table["vpp"])
    return times, {name: np.where(hidden, np.nan, values) for name, values in table.items()}


def standing(stimuli: Stimuli, train: Indices) -> Standing:
    """Choose the pulses that stand for their times: those outside ramps that reach the muscle.

    Of a train, pulses whose response mixes with others stay away where one that is alone and has the same current can
    stand in.
    """
    felt = np.flatnonzero(stimuli.current > 0)
    close = np.diff(stimuli.onsets[felt]) < APART
    mixed = np.zeros(stimuli.onsets.size, dtype=bool)
    mixed[felt] = np.concatenate([[False], close]) | np.concatenate([close, [False]]) if felt.size else False
    usable = felt[stimuli.steady[felt]] if stimuli.steady[felt].any() else felt
    parts = [_of_train(stimuli, usable[train[usable] == number], mixed) for number in np.unique(train[usable])]
    if not parts:
        return Standing(felt, np.zeros(0), np.zeros(0, dtype=bool))
    pulse, interval, alone = (
        np.concatenate(rows) for rows in zip(*((one.pulse, one.interval, one.alone) for one in parts), strict=True)
    )
    return Standing(pulse, interval, alone).at(np.argsort(pulse))


def _of_train(stimuli: Stimuli, own: Indices, mixed: NDArray[np.bool_]) -> Standing:
    every = Standing(own, usual_interval(stimuli.onsets[own]), ~mixed[own])
    alone = own[every.alone]
    if not alone.size:
        return every
    after = np.clip(np.searchsorted(alone, own), 0, alone.size - 1)
    before = np.maximum(after - 1, 0)
    onsets, current = stimuli.onsets, stimuli.current
    nearer = np.abs(onsets[own] - onsets[alone[before]]) < np.abs(onsets[alone[after]] - onsets[own])
    other = current[alone[np.where(nearer, before, after)]]
    return every.at(every.alone | (np.abs(current[own] / other - 1) > SAME_PLACE))


def usual_interval(onsets: Array) -> Array:
    """Median interval around each pulse, s, without those too short for a response; 1 s where there is none."""
    gaps = np.diff(onsets)
    nothing = np.full(AROUND, np.nan)
    rows = np.lib.stride_tricks.sliding_window_view(
        np.concatenate([nothing, np.where(gaps >= APART, gaps, np.nan), nothing]), 2 * AROUND
    )
    out, known = np.ones(onsets.size), np.isfinite(rows).any(axis=1)
    out[known] = np.nanmedian(rows[known], axis=1)
    return out


def _changing(stimuli: Stimuli, own: Standing) -> NDArray[np.bool_]:
    """Whether a pulse, or the one beside it, evokes something else than its neighbour; the first and last always."""
    current, width, site = (row[own.pulse] for row in (stimuli.current, stimuli.width, stimuli.stimulator))
    other = np.abs(np.diff(np.log(current))) > SAME_CURRENT
    other |= np.abs(np.diff(np.log(own.interval))) > SAME_INTERVAL
    other |= (np.diff(width) != 0) | (np.diff(site) != 0) | (np.diff(own.alone.astype(np.int8)) != 0)
    return np.concatenate([[True], other]) | np.concatenate([other, [True]])


def _interpolated(
    session: Session, muscle: Muscle, done: Activity, own: Standing, times: Array, grid: Array
) -> dict[str, Array]:
    """Read features between the times of the grid and between currents a fraction of a threshold's SD apart."""
    step = _current_step(session)
    felt = np.log(done.stimuli.current[own.pulse] / session.fatigue.threshold_at(times)) / step
    place = np.interp(times, grid, np.arange(grid.size))
    kinds, kind = _kinds(done.stimuli, own)
    cells, weights = _corners(np.minimum(place, grid.size - 1 - 1e-9), felt)
    nodes, back = np.unique(
        np.concatenate([np.column_stack([kind, cell]) for cell in cells]), axis=0, return_inverse=True
    )
    found: dict[str, list[Array]] = {}
    for number, at in np.unique(nodes[:, :2], axis=0).astype(np.int64):  # in the order of the nodes
        levels = np.exp(step * nodes[(nodes[:, 0] == number) & (nodes[:, 1] == at), 2])
        for name, values in _at_node(session, muscle, done, kinds[number], float(grid[at]), levels).items():
            found.setdefault(name, []).append(values)
    return {
        name: np.einsum("kt,ktc->tc", weights, np.concatenate(rows)[back.ravel()].reshape(4, times.size, -1))
        for name, rows in found.items()
    }


def _current_step(session: Session) -> float:
    """Step between the logarithms of currents over which features are lines."""
    spread = np.hypot(session.evoked.threshold_spread, session.evoked.threshold_fluctuation)
    return max(STEP * float(spread), FINEST_STEP)


def _kinds(stimuli: Stimuli, own: Standing) -> tuple[Array, Indices]:
    """Tell apart pulses by site, width and interval: what kinds there are, (kinds, 3), and which each one is."""
    interval = np.exp(np.round(np.log(own.interval) / SAME_INTERVAL) * SAME_INTERVAL)
    rows = np.column_stack([stimuli.stimulator[own.pulse].astype(float), stimuli.width[own.pulse], interval])
    kinds, kind = np.unique(rows, axis=0, return_inverse=True)
    return kinds, kind.ravel()


def _corners(place: Array, felt: Array) -> tuple[list[Array], Array]:
    """Give the whole-numbered places around each place of two axes, four times (places, 2), and their weights."""
    cells, weights = [], []
    for late in (0, 1):
        for high in (0, 1):
            cell = np.column_stack([np.floor(place) + late, np.floor(felt) + high])
            cells.append(cell)
            weights.append((1 - np.abs(place - cell[:, 0])) * (1 - np.abs(felt - cell[:, 1])))
    return cells, np.stack(weights)


def _at_node(
    session: Session, muscle: Muscle, done: Activity, kind: Array, time: float, levels: Array
) -> dict[str, Array]:
    """Features of the responses to currents, A over the rise of the thresholds, at a time, (levels, channels)."""
    site, width, interval = kind
    limit = done.thresholds[int(site)] * muscle.pool.width_factor(np.array([width]))[0]
    chance = chance_above(levels[:, np.newaxis] / limit - 1, session.evoked)
    waves = expected_response(muscle, session.front_end, done.state, time, chance, float(interval))
    return evoked_values(waves, FINE)


def _late(session: Session, muscle: Muscle, done: Activity, pulse: Indices, sizes: Array) -> NDArray[np.bool_]:
    """Whether H-reflex and F-waves, of any pulse, are to be expected in the windows of pulses, (pulses, channels)."""
    if not done.late.times.size:
        return np.zeros(sizes.shape, dtype=bool)
    fs = session.front_end.fs
    count = round(session.duration * fs)
    waves = session.front_end.high(render_expected(muscle.templates, done.late, done.state, fs, count))
    low, high = (int(edge * fs) for edge in WINDOW)
    index = np.round(done.stimuli.onsets[pulse] * fs).astype(np.int64)[:, np.newaxis] + np.arange(low, high + 1)
    within = np.ptp(waves[:, np.clip(index, 0, count - 1)], axis=-1).T
    return np.asarray(within > LATE_SHARE * sizes + LATE_LEAST * sizes.max(axis=0))
