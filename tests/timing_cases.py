"""Simulated recordings for the tests of timing, and how well pulses were found in them."""

from dataclasses import dataclass, replace

import numpy as np

import emgkit as ek
from emgkit.simulate import Contact, Effort, Electrode, FrontEnd, PoolParameters, Session, Stimulator
from emgkit.simulate import simulate as play

ARTIFACT = Contact(Electrode(0.6, (0.5e-3, 6e-3), (0.25, 0.3)), second_rank=0.05)
BELOW_THE_M_WAVE = Contact(Electrode(0.02, (0.5e-3, 6e-3), (0.25, 0.3)), second_rank=0.05)
NONE = Contact(Electrode(1e-9, (0.5e-3,), (0.1,)))
AMPLIFIER = FrontEnd(high_pass=10.0, full_scale=0.3)
SEEDS = range(3)


def made(seed, *stimulators, duration=10.0, effort=None, front_end=None, channel_names=("VL", "VM"), **stimulation):
    """Simulate with a small pool; keywords are those of the one stimulator, unless stimulators are given."""
    one = Stimulator(**{"contact": ARTIFACT, **stimulation})
    session = Session(
        duration=duration,
        channel_names=channel_names,
        pool=PoolParameters(units=30, fibres_per_unit=4, reach=0.7),
        efforts_of=(effort or Effort(bursts=2, burst_length=1.5),),
        front_end=AMPLIFIER if front_end is None else replace(AMPLIFIER, **front_end),
        stimulators=stimulators or (one,),
    )
    return play(session, rng=np.random.default_rng(seed))


@dataclass(frozen=True)
class Score:
    """Shares of the true pulses found and of the found ones true; offset common to all, and RMS about it, s."""

    recall: float
    precision: float
    offset: float
    scatter: float
    farthest: float


def score(found: ek.Pulses, true, reach=1.5e-3):
    """Pair every true pulse with the nearest found one."""
    place = np.clip(np.searchsorted(found.onsets, true), 1, max(len(found) - 1, 1))
    near = np.where(
        np.abs(found.onsets[place - 1] - true) < np.abs(found.onsets[np.minimum(place, len(found) - 1)] - true),
        place - 1,
        np.minimum(place, len(found) - 1),
    )
    off = found.onsets[near] - true
    hit = np.abs(off) <= reach
    used = np.unique(near[hit]).size
    off = off[hit]
    middle = float(np.median(off)) if off.size else np.nan
    return Score(
        used / true.size,
        used / len(found),
        middle,
        float(np.std(off)) if off.size else np.nan,
        float(np.abs(off - middle).max()) if off.size else np.nan,
    )


def spread(values, unit=1e6):
    """Median and worst, for messages."""
    values = np.abs(np.array(values)) * unit
    return f"median {np.median(values):.2f}, worst {values.max():.2f}"
