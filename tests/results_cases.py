"""Results of a small simulated recording, measured once and used by several tests."""

from functools import cache

import numpy as np

import emgkit as ek

PROTOCOL = {
    "pulses": {"presence": "required", "channel": "TRIG", "rate": 30.0},
    "evoked": {"window": [0.003, 0.030], "features": ["vpp", "m_wave_mdf", "latency"]},
    "voluntary": {"during": "voluntary", "length": 0.25, "features": ["rms", "mdf"]},
    "compare": [{"feature_a": "mdf", "feature_b": "m_wave_mdf"}],
}


@cache
def small_simulation() -> ek.simulate.Simulation:
    return ek.simulate.tiny(rng=np.random.default_rng(5), duration=5.0, bursts=2, burst_length=1.25)


@cache
def small_results() -> ek.Results:
    return ek.Pipeline.from_dict(PROTOCOL).run(small_simulation().recording)
