"""H-reflex and F-waves: what came, what was to be expected, and the chance between them in the truth."""

import numpy as np
import pytest

from emgkit.simulate import Effort, EvokedParameters, PoolParameters, Session, Stimulator, tiny
from emgkit.simulate.play import play

LATE = {
    "reflexes of a rested muscle": ({"h_reflex": 0.6}, {"rate": 2.0, "current": 0.024}),
    "reflexes that meet the next M-wave": ({"h_reflex": 0.6, "h_latency": 0.03}, {"rate": 40.0, "current": 0.028}),
    "F-waves": ({"f_waves": 0.3}, {"rate": 10.0}),
    "F-waves that meet the next volley": ({"f_waves": 0.3}, {"rate": 31.0, "current": 0.032}),
}


def late(seed, evoked, stimulation):
    """Numbers of late spikes that came and that were to be expected, by unit."""
    session = Session(
        duration=8.0,
        channel_names=("SOL",),
        efforts_of=(Effort(bursts=0),),
        pool=PoolParameters(units=25, fibres_per_unit=2),
        evoked=EvokedParameters(threshold_fluctuation=0.0, **evoked),
        stimulators=(Stimulator(**stimulation),),
    )
    done = play(session, np.random.default_rng(seed)).activities[0].late
    return (
        np.bincount(done.spikes.unit, minlength=25).astype(float),
        np.bincount(done.unit, done.chance, minlength=25),
    )


@pytest.mark.parametrize("kind", LATE)
def test_as_many_late_responses_come_as_are_expected(kind):
    pairs = [late(seed, *LATE[kind]) for seed in range(40)]
    came, expected = (np.array(rows) for rows in zip(*pairs, strict=True))
    assert came.sum() > 300
    # all together, and the small and the large units apart: who is excited first is part of the expectation
    for part in (slice(None), slice(0, 12), slice(12, None)):
        off = came[:, part].sum(axis=1) - expected[:, part].sum(axis=1)
        spread = off.std() / np.sqrt(len(off))
        assert abs(off.mean()) < 3 * spread + 0.01 * expected[:, part].sum(axis=1).mean(), (off.mean(), spread)


def after_the_m_wave(made):
    """Late part, expected late part and chance between 24 and 45 ms after the pulses, V."""
    fs, onsets = made.recording.fs, made.truth.onsets[:-2]
    index = np.ceil(onsets[:, np.newaxis] * fs).astype(int) + np.arange(round(0.024 * fs), round(0.045 * fs))
    chance = made.truth.evoked_random[0][index]
    return made.truth.reflex[0][index], made.truth.evoked[0][index] - chance, chance


@pytest.mark.parametrize(
    ("changes", "least"), [({"f_waves": 0.1}, 0.7), ({"h_reflex": 0.6, "current": 0.028, "units": 60}, 0.02)]
)
def test_the_random_part_holds_the_chance_of_late_responses(changes, least):
    along, shares = [], []
    for seed in range(15):
        made = tiny(
            rng=np.random.default_rng(seed), bursts=0, rate=10.0, fluctuation=0.0, threshold_fluctuation=0.0, **changes
        )
        came, expected, chance = after_the_m_wave(made)
        shares.append(chance.std() / came.std())
        along.append((chance * expected).sum() / (expected**2).sum())
    assert np.median(shares) > least, shares
    assert abs(np.mean(along)) < 3 * np.std(along) / np.sqrt(len(along)) + 0.02, along


@pytest.mark.parametrize("jitter", [0.2e-3, 1e-3])
def test_the_random_part_has_no_mean_whatever_the_jitter(jitter):
    """Mean random part along the mean response, and the rest of it against its own standard error."""
    along, over = [], []
    for seed in range(8):
        still = {"fluctuation": 0.0, "threshold_fluctuation": 0.0, "slowing": 0.0, "threshold_rise": 0.0}
        made = tiny(
            rng=np.random.default_rng(seed),
            bursts=0,
            rate=20.0,
            phase=0.0,
            jitter=0.0,
            clock_error=0.0,
            duration=12.0,
            latency_jitter=jitter,
            **still,
        )
        first = np.round(made.truth.onsets[2:-2] * made.recording.fs).astype(int)[:, np.newaxis] + np.arange(80)
        chance, evoked = made.truth.evoked_random[0][first], made.truth.evoked[0][first].mean(axis=0)
        mean = chance.mean(axis=0)
        along.append(mean @ evoked / (evoked @ evoked))
        over.append((mean**2).sum() / (chance.var(axis=0).sum() / len(chance)))
    assert abs(np.mean(along)) < 3 * np.std(along) / np.sqrt(len(along)) + 1e-4, along
    assert 0.3 < np.mean(over) < 2.0, over  # 1 is expected of chance


def test_without_chance_there_is_no_random_part(monkeypatch):
    monkeypatch.setattr("emgkit.simulate.reflex.REFLEX_NOISE", 1e-9)
    steady = {"latency_jitter": 0.0, "threshold_spread": 0.0, "threshold_fluctuation": 0.0, "fluctuation": 0.0}
    for rate in (5.0, 40.0):
        truth = tiny(rng=np.random.default_rng(2), h_reflex=0.6, current=0.025, rate=rate, **steady).truth
        assert np.abs(truth.reflex).max() > 1e-5
        assert np.abs(truth.evoked_random).max() < 1e-12
