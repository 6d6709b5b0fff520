"""The gain on clean EMG that a method publishes is the one that is measured with pulses that were never given."""

import numpy as np
import pytest

import emgkit as ek

METHODS = [
    ek.MovingTemplate(),
    ek.MovingTemplate(neighbours=6),
    ek.MovingTemplate(fit_gain=True),
    ek.MovingTemplate(fit_gain=True, fit_shift=True),
    ek.MovingTemplate(neighbours=20, fit_shift=True),
    ek.MovingTemplate(causal=True, neighbours=12),
    ek.MovingTemplate(causal=True, fit_gain=True),
    ek.AdaptiveFilter(),
    ek.AdaptiveFilter(forgetting=0.9),
]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_the_published_gain_is_the_measured_one(method, sham_gains):
    ratios, _ = sham_gains(method, 29.98, seeds=range(4))
    off = np.abs(np.median(ratios) - 1), np.abs(ratios - 1).max()
    assert off[0] < 0.005, f"median {off[0]:.4f}"
    assert off[1] < 0.01, f"worst {off[1]:.4f}"


@pytest.mark.parametrize("neighbours", [4, 10, 20, 50])
def test_a_template_raises_the_rms_by_its_closed_form(neighbours, sham_gains):
    ratios, published = sham_gains(ek.MovingTemplate(neighbours=neighbours), 29.98, seeds=range(4))
    assert published == pytest.approx(np.full_like(published, np.sqrt(1 + 1 / neighbours)), rel=1e-12)
    assert np.median(ratios) == pytest.approx(1.0, abs=0.005)


@pytest.mark.parametrize("method", [ek.LinearPrediction(), ek.LinearPrediction(order=2), ek.LinearPrediction(order=10)])
def test_the_published_gain_of_a_projection_is_the_measured_one(method, sham_gains):
    """What a projection on so few frames takes differs from minute to minute: single ones may be 2 % off."""
    ratios, _ = sham_gains(method, 29.98, seeds=range(4), duration=60.0)
    off = np.abs(np.median(ratios) - 1), np.abs(ratios - 1).max()
    assert off[0] < 0.01, f"median {off[0]:.4f}"
    assert off[1] < 0.02, f"worst {off[1]:.4f}"
