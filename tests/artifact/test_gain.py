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
    ek.Comb(),
    ek.Comb(periods=2, causal=True),
    ek.Comb(blanking=ek.Blanking(after=0.004, fill=ek.Line())),
    ek.TemplatePCA(),
    ek.LocalPolynomial(),
    ek.LocalPolynomial(half_width=0.006, after=0.025),
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


@pytest.mark.parametrize("periods", [1, 4, 10, 50])
def test_a_comb_raises_the_rms_by_its_closed_form(periods, clean_emg):
    """√(1 + 1/n) with n periods: far from the ends of the train all of them are there."""
    gains = []
    for seed in range(6):
        signal = clean_emg(seed, channels=1)
        onsets = 0.3 + np.arange(880) / 29.98
        parts = ek.Comb(periods=periods, causal=True).separate(signal, 2000.0, ek.Pulses(onsets))
        inside = slice(round(onsets[periods + 1] * 2000), round(onsets[-1] * 2000))
        gains.append(parts.render("voluntary", signal)[0, inside].std() / signal[0, inside].std())
    assert np.median(gains) == pytest.approx(np.sqrt(1 + 1 / periods), rel=0.01)


PROJECTIONS = [
    ek.LinearPrediction(),
    pytest.param(ek.LinearPrediction(order=10), marks=pytest.mark.slow),
    ek.TemplatePCA(rank=ek.FixedRank(4)),
]


@pytest.mark.parametrize("method", PROJECTIONS, ids=repr)
def test_the_published_gain_of_a_projection_is_the_measured_one(method, sham_gains):
    """What a projection on so few frames takes differs from minute to minute: single ones may be 2 % off."""
    ratios, _ = sham_gains(method, 29.98, seeds=range(4), duration=60.0)
    off = np.abs(np.median(ratios) - 1), np.abs(ratios - 1).max()
    assert off[0] < 0.01, f"median {off[0]:.4f}"
    assert off[1] < 0.02, f"worst {off[1]:.4f}"
