"""Which lines beside the harmonics of the stimulation are taken for mains."""

import numpy as np
import pytest

from emgkit.artifact.interference import find_mains

FS, COUNT = 2000.0, 24000
TIMES = np.arange(COUNT) / FS


def found(lines, spared, seed=0):
    """Look for mains in white noise with lines, {Hz: medians of the noise's power that they have in the spectrum}."""
    signal = np.random.default_rng(seed).standard_normal(COUNT)
    for frequency, power in lines.items():
        # of a tapered line and tapered noise, whose power is exponential
        size = np.sqrt(np.log(2) * power * 4 * 0.375 / (COUNT * 0.25))
        signal += size * np.cos(2 * np.pi * frequency * TIMES + 1)
    return find_mains(signal[np.newaxis], np.ones((1, COUNT), dtype=bool), FS, spared)


@pytest.mark.parametrize("seed", range(4))
def test_a_line_on_one_side_of_a_harmonic_is_mains_and_lines_on_both_are_none(seed):
    assert found({60.0: 400.0}, 29.7, seed).orders[:1] == (1,)
    assert found({60.0: 400.0, 58.8: 400.0}, 29.7, seed).orders == ()
    assert found({60.0: 400.0}, 30.0, seed).orders == ()


def test_unusual_orders_alone_are_no_mains():
    assert found({350.0: 300.0, 500.0: 300.0}, 33.0).orders == ()
    assert {2, 7, 10} <= set(found({100.0: 300.0, 350.0: 300.0, 500.0: 300.0}, 33.0).orders)


def test_harmonics_of_either_stimulator_are_no_mains():
    lines = {100.0: 900.0, 200.0: 900.0, 150.0: 900.0}
    assert found(lines, 30.0).orders[:1] == (2,)
    assert found(lines, (30.0, 20.0)).orders == ()
