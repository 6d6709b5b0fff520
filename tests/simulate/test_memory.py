"""Memory: a long session of several channels fits into a small computer."""

import tracemalloc

import numpy as np
import pytest

from emgkit.simulate import Effort, FrontEnd, PoolParameters, Session, simulate


def peak(**parameters):
    efforts = (Effort(effort=0.5, contractions=((0.5, 59.0),)),)
    session = Session(**{"channel_names": ("A", "B", "C", "D"), "efforts_of": efforts, **parameters})
    tracemalloc.start()
    try:
        simulate(session, rng=np.random.default_rng(1))
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("front_end", [FrontEnd(), FrontEnd(rail=0.05, rail_recovery=0.01)], ids=["linear", "clipped"])
def test_a_minute_of_four_channels_of_the_default_pool_takes_less_than_400_mb(front_end):
    assert peak(front_end=front_end) < 400


def test_memory_does_not_hold_every_unit_at_every_ms():
    """60 units more would be 29 MB for each table of units by ms."""
    small, large = (
        peak(channel_names=("A",), pool=PoolParameters(units=units, fibres_per_unit=1)) for units in (5, 65)
    )
    assert large < small + 25, (small, large)
