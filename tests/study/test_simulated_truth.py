"""From simulated recording through separation to the answer: intervals hold the truth of the process."""

import numpy as np
import pytest

import emgkit as ek

EVOKED, VOLUNTARY = ("vpp", "m_wave_mdf"), ("rms", "mdf", "mnf")


def held(changes, truth):
    """Whether fresh, fatigued and change of every channel lie in their intervals."""
    pairs = (changes.fresh_interval, changes.fatigued_interval, changes.change_interval)
    return [
        bool(low <= x <= high)
        for pair, xs in zip(pairs, truth, strict=True)
        for (low, high), x in zip(pair, xs, strict=True)
    ]


@pytest.mark.slow
def test_intervals_of_fresh_fatigued_and_change_hold_the_truth_over_seeds():
    shares = {name: [] for name in EVOKED + VOLUNTARY}
    for seed in range(100, 110):
        simulated = ek.simulate.nmes_fatigue(rng=np.random.default_rng(seed))
        parts = ek.separate(simulated.recording, simulated.pulses)
        responses = ek.measure(ek.cut_m_waves(parts.clean, simulated.pulses), list(EVOKED))
        windows = ek.measure(ek.cut_windows(parts.voluntary, "voluntary"), list(VOLUNTARY))
        for table, names, middle in ((responses, EVOKED, 0.0), (windows, VOLUNTARY, 0.5)):
            for name in names:
                shares[name] += held(ek.change(table, name), simulated.truth.change(name, table.starts + middle))
    # 60 intervals per feature, of which those of one recording are related: 95 % of them are 57
    found = {name: float(np.mean(inside)) for name, inside in shares.items()}
    assert min(found.values()) >= 0.85, found
