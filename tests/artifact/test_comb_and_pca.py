"""Comb and template with components: what they take, where, and how many components they find."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.comb import delayed
from emgkit.artifact.rank import hard_threshold

FS = 2000.0


def response(phase):
    place = (phase - 0.009) / 0.003
    return -place * np.exp(-(place**2))


def stimulated(onsets, sizes, count=20000, noise=1e-5, seed=0):
    times = np.arange(count) / FS
    signal = noise * np.random.default_rng(seed).normal(size=count)
    return (signal + sum(size * response(times - onset) for onset, size in zip(onsets, sizes, strict=True)))[np.newaxis]


@pytest.mark.parametrize("samples", [0.0, 0.25, 10.5, 66.6673, -33.41])
def test_a_delay_by_parts_of_a_sample_is_a_delay(samples):
    count = 2000
    for frequency in (5.0, 80.0, 350.0, 700.0):
        times = np.arange(count) / FS
        moved = delayed(np.sin(2 * np.pi * frequency * times), samples)
        wanted = np.sin(2 * np.pi * frequency * (times - samples / FS))
        middle = slice(120, -120)
        assert np.abs(moved - wanted)[middle].max() < 0.004, frequency


@pytest.mark.parametrize("rate", [17.3, 30.0, 41.7])
def test_the_comb_takes_what_is_periodic_at_any_period(rate):
    onsets = 0.2 + np.arange(int(9.4 * rate)) / rate
    onsets = np.delete(onsets, [20, 61])  # pulses that were not given are neither removed nor averaged
    signal = stimulated(onsets, np.full(onsets.size, 1e-3))
    parts = ek.Comb().separate(signal, FS, ek.Pulses(onsets))
    left = parts.render("voluntary", signal)[0]
    assert left.std() < 1.1 * 1e-5 * np.sqrt(1 + 1 / 10)


def test_a_causal_comb_never_looks_ahead():
    onsets = 0.2 + np.arange(200) / 30.03
    signal = stimulated(onsets, np.full(200, 1e-3))
    changed = signal.copy()
    changed[:, 10000:] *= 3
    method = ek.Comb(causal=True)
    one, two = (method.separate(x, FS, ek.Pulses(onsets)).components["locked"] for x in (signal, changed))
    assert np.abs(one - two)[:, : 10000 - 1].max() < 1e-6 * np.abs(one).max() + np.abs(np.mean(changed - signal))


def test_pulses_without_a_period_are_refused():
    rng = np.random.default_rng(0)
    onsets = 0.2 + np.cumsum(rng.uniform(0.02, 0.05, 100))
    with pytest.raises(ek.TimingError, match="needs a constant period"):
        ek.Comb().separate(np.zeros((1, 20000)), FS, ek.Pulses(onsets))
    with pytest.raises(ek.TimingError, match="needs 2 pulses"):
        ek.Comb().separate(np.zeros((1, 20000)), FS, ek.Pulses([1.0]))


def test_responses_of_changing_size_are_followed_by_regression_only():
    """A 5 % size that changes at random stays in a template's residue and not in that of a regression."""
    left = {"moving_template": [], "template_pca": []}
    for seed in range(5):
        onsets = 0.2 + np.arange(280) / 29.97
        sizes = 1e-3 * (1 + 0.05 * np.random.default_rng(seed).normal(size=280))
        signal = stimulated(onsets, sizes, noise=1e-6, seed=seed)
        for method in (ek.MovingTemplate(), ek.TemplatePCA()):
            left[method.name].append(method.separate(signal, FS, ek.Pulses(onsets)).render("voluntary", signal).std())
    assert max(left["template_pca"]) < 0.2 * min(left["moving_template"])


@pytest.mark.parametrize("method", [ek.MovingTemplate(), ek.TemplatePCA(), ek.Comb()], ids=repr)
def test_an_offset_of_the_amplifier_is_not_taken_for_response(method):
    """Otherwise trains would lie beside the pauses between them."""
    onsets = np.concatenate([start + np.arange(60) / 29.97 for start in (1.0, 4.0, 7.0)])
    for offset in (0.05, -0.002):
        signal = offset + stimulated(onsets, np.full(180, 1e-3))
        left = method.separate(signal, FS, ek.Pulses(onsets)).render("voluntary", signal)[0]
        assert np.abs(left - offset).max() < 8e-5


def residues(components, frames=200, samples=66, seed=0):
    """Frames of coloured noise with so many components of three times its size."""
    rng = np.random.default_rng(seed)
    white = rng.normal(size=(frames, samples + 20))
    kernel = np.hanning(9)
    noise = np.array([np.convolve(row, kernel, "same")[10:-10] for row in white])
    shapes = np.linalg.qr(rng.normal(size=(samples, max(components, 1))))[0][:, :components]
    lagged = np.correlate(kernel, kernel, "full")[8:]
    covariance = np.array(
        [[lagged[abs(i - j)] if abs(i - j) < 9 else 0.0 for j in range(samples)] for i in range(samples)]
    )
    return noise + 30 * rng.normal(size=(frames, components)) @ shapes.T, covariance


@pytest.mark.parametrize("components", [0, 1, 3])
def test_the_threshold_finds_the_components(components):
    rule = ek.SingularValueThreshold()
    found = [rule.count(*residues(components, seed=seed)) for seed in range(20)]
    assert found == [components] * 20


def test_the_threshold_of_a_square_matrix_is_four_over_root_three():
    assert hard_threshold((100, 100)) == pytest.approx(4 / np.sqrt(3) * 10)


def test_ranks_out_of_range_are_refused():
    for wrong in (lambda: ek.FixedRank(-1), lambda: ek.SingularValueThreshold(most=1.5), lambda: ek.Comb(periods=0)):
        with pytest.raises(ek.ParameterError):
            wrong()


def test_a_pulse_alone_in_its_train_costs_its_own_response_only():
    onsets = 0.2 + np.arange(60) / 30
    alone = ek.Pulses(np.append(onsets, 6.0), train=np.append(np.zeros(60, dtype=int), 1))
    signal = stimulated(alone.onsets, np.full(61, 1e-3))
    parts = ek.Comb().separate(signal, FS, alone)
    usual = ek.Comb().separate(signal, FS, ek.Pulses(onsets))
    about = np.flatnonzero(parts.lost[0])
    assert (about.min() / FS, about.max() / FS) == pytest.approx((6.0 - 0.0015, 6.1), abs=1 / FS)
    assert np.array_equal(parts.components["locked"], usual.components["locked"])
    assert "1 of 61 pulses" in parts.messages[0]
    with pytest.raises(ek.TimingError, match="all trains have 1"):
        ek.Comb().separate(signal, FS, ek.Pulses([1.0, 6.0], train=[0, 1]))
