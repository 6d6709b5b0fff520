"""split_tail against closed forms: exponentials through a known high-pass under a response of known shape."""

import sys
from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy.signal import butter, sosfilt
from scipy.stats import multivariate_normal
from threadpoolctl import threadpool_info, threadpool_limits

import emgkit as ek
from emgkit.artifact.split_tail import split_rows, split_tail
from emgkit.artifact.tail_amplifier import amplifiers_of_noise, slow_or_not
from emgkit.artifact.tail_atoms import TAUS, choose_tails, tail_basis
from emgkit.artifact.tail_evidence import Setting, Weighing
from emgkit.artifact.tail_posterior import followed
from emgkit.artifact.tail_prior import HighPass, filtered_grid, response_covariance
from emgkit.artifact.tail_rows import TailRows
from emgkit.errors import ParameterError, ShapeError

FINE = 40_000.0  # Hz
FS = 4000.0
USUAL = HighPass(10.0)
NOISE = 2e-6  # V, standard error of the mean response


def wave(times, onset=0.0042, length=0.018):
    """A response of both signs that begins and ends with its slope at zero, and has no net area."""
    place = np.clip((times - onset) / length, 0, 1)
    return np.sin(2 * np.pi * place) * np.sin(np.pi * place) ** 2


def through(entering, high_pass, interval, times):
    """High-pass a waveform on the fine grid and add what earlier pulses left."""
    if high_pass.corner:
        sections = butter(high_pass.order, high_pass.corner, "highpass", fs=FINE, output="sos")
        entering = sosfilt(sections, entering, axis=-1)
    fine, total = np.arange(entering.shape[-1]) / FINE, 0.0
    for shift in np.arange(0.0, fine[-1] - times[-1], interval) if interval else [0.0]:
        total = total + np.stack([np.interp(times + shift, fine, row) for row in entering])
    return total


def background(rng, rows, count):
    sections = butter(2, (20, 400), "bandpass", fs=FS, output="sos")
    drawn = sosfilt(sections, rng.standard_normal((rows, count + 4000)), axis=-1)[:, 4000:]
    return NOISE * drawn / np.sqrt(np.mean(sosfilt(sections, rng.standard_normal(100_000)) ** 2))


def made(seed, rows=4, high_pass=USUAL, interval=1 / 30, ratio=(0.2, 1.0), **shape):
    """Responses with tails of two exponentials: times, sum, response alone."""
    rng = np.random.default_rng(seed)
    fine = np.arange(int(0.8 * FINE)) / FINE
    times = rng.uniform(0, 1 / FS) + np.arange(int((interval or 0.1) * FS) - 1) / FS
    response = 2e-3 * through(np.stack([wave(fine, **shape)] * rows), high_pass, interval, times)
    pulse = (fine < 3e-4).astype(float)
    decays = [
        50 * pulse
        + rng.uniform(1, 5) * np.exp(-fine / rng.uniform(5e-4, 1.5e-3))
        + np.exp(-fine / rng.uniform(4e-3, 12e-3))
        for _ in range(rows)
    ]
    tails = through(np.stack(decays), high_pass, interval, times)
    under = (times > 0.003) & (times < 0.025)
    size = rng.uniform(*ratio, rows) * 1e-3 / np.abs(tails[:, under]).max(axis=1)
    return times, size[:, np.newaxis] * tails + response + background(rng, rows, times.size), response


def split(times, responses, interval=1 / 30, high_pass=USUAL):
    known = {"high_pass": high_pass.corner, "high_pass_order": high_pass.order} if high_pass else {}
    errors = np.full(len(responses), NOISE)
    return split_tail(times, responses, errors, fs=FS, interval=interval, pulse_end=3e-4, **known)


def relative(times, found, truth):
    under = (times > 0.003) & (times < 0.025)
    return np.sqrt(((found - truth)[:, under] ** 2).mean(axis=1) / (truth[:, under] ** 2).mean(axis=1))


@pytest.mark.parametrize(
    ("high_pass", "interval"),
    [(HighPass(0.0), None), (HighPass(10.0), 1 / 30), (HighPass(20.0, 2), 1 / 25), (HighPass(5.0), None)],
)
def test_exponentials_through_a_known_filter_are_told_from_the_response(high_pass, interval):
    errors, stated = [], []
    for seed in range(2):
        times, responses, truth = made(seed, high_pass=high_pass, interval=interval)
        parts = split(times, responses, interval, high_pass)
        errors.append(relative(times, parts.evoked, truth))
        stated.append(parts.overlap)
        assert parts.artifact + parts.evoked == pytest.approx(responses, abs=1e-15)
    errors, stated = np.concatenate(errors), np.concatenate(stated)
    assert np.median(errors) < 0.02, f"median {np.median(errors):.3f}, worst {errors.max():.3f}"
    assert errors[~stated].max() < 0.08, f"median {np.median(errors):.3f}, worst {errors.max():.3f}"


def test_without_a_tail_the_response_stays_as_it_is():
    times, responses, truth = made(11, ratio=(0.0, 0.0))
    parts = split(times, responses)
    errors = relative(times, parts.evoked, truth)
    assert errors.max() < 0.01, errors
    assert not parts.overlap.any()


def test_nothing_is_invented_where_there_is_nothing():
    rng = np.random.default_rng(5)
    times = np.arange(130) / FS
    noise = background(rng, 3, 130)
    parts = split(times, noise)
    assert (np.sqrt((parts.evoked**2).mean(axis=1)) < NOISE).all()
    assert (np.sqrt((parts.tail[:, times > parts.start] ** 2).mean(axis=1)) < NOISE).all()


def test_the_intervals_hold_the_truth():
    held = []
    for seed in range(6):
        high_pass, interval = ((HighPass(10.0), 1 / 30), (HighPass(20.0, 2), 1 / 20))[seed % 2]
        times, responses, truth = made(
            100 + seed, rows=3, high_pass=high_pass, interval=interval, onset=0.003 + 0.0004 * seed
        )
        parts = split(times, responses, interval, high_pass)
        under = (times > 0.003) & (times < 0.025)
        held.append((np.abs(parts.evoked - truth) < 1.645 * parts.evoked_error)[:, under].mean(axis=1))
    share = np.concatenate(held)
    assert share.mean() > 0.85, f"mean {share.mean():.2f}, worst {share.min():.2f}"


@pytest.mark.parametrize(("interval", "shape"), [(1 / 30, {"onset": 0.0005}), (1 / 80, {"length": 0.022})])
def test_what_lies_on_top_of_the_pulse_is_said_to_overlap_or_told_apart(interval, shape):
    high_pass = HighPass(20.0, 2)
    times, responses, truth = made(21, high_pass=high_pass, interval=interval, **shape)
    parts = split(times, responses, interval, high_pass)
    errors, wide = relative(times, parts.evoked, truth), np.abs(parts.evoked - truth) > 3 * parts.evoked_error
    assert (parts.overlap | (errors < 0.1)).all(), (errors, parts.reason)
    assert wide[:, times > 0.003].mean() < 0.15, wide.mean(axis=1)


def test_a_response_that_fills_the_whole_interval_overlaps():
    times, responses, truth = made(22, rows=4, interval=1 / 80, length=0.024)
    parts = split(times, responses, 1 / 80)
    errors = relative(times, parts.evoked, truth)
    assert (parts.overlap | (errors < 0.05)).all(), (errors, parts.reason)
    assert parts.overlap.any()
    assert all("overlap" in reason for reason in np.array(parts.reason)[parts.overlap])


def test_scale_and_polarity_pass_through():
    times, responses, _ = made(31, rows=2)
    once = split(times, responses)
    other = split_tail(
        times,
        -3 * responses,
        np.full(2, 3 * NOISE),
        fs=FS,
        interval=1 / 30,
        high_pass=10.0,
        high_pass_order=1,
        pulse_end=3e-4,
    )
    assert other.evoked == pytest.approx(-3 * once.evoked, abs=1e-9)
    assert other.evoked_error == pytest.approx(3 * once.evoked_error, rel=1e-4)


def test_rows_do_not_influence_each_other_but_by_what_they_tell_of_the_leads():
    times, responses, _ = made(32, rows=3)
    covariance = np.tile(NOISE**2 * np.eye(times.size), (3, 1, 1))
    together, alone = (
        split_rows(TailRows(times, responses[part], covariance[part], 1 / 30, 3e-4), {USUAL: 1.0})
        for part in (slice(0, 3), slice(1, 2))
    )
    assert alone.evoked[0] == pytest.approx(together.evoked[1], abs=1e-12)
    assert split(times, responses[1:2]).evoked[0] == pytest.approx(split(times, responses).evoked[1], abs=NOISE)


def test_the_same_filter_splits_other_responses():
    times, responses, _ = made(33, rows=2)
    parts = split(times, responses)
    assert parts.evoked_of(responses) == pytest.approx(parts.evoked, abs=1e-12)
    assert parts.evoked_of(0.5 * responses) == pytest.approx(0.5 * parts.evoked, abs=1e-12)


def test_missing_samples_are_not_needed():
    times, responses, truth = made(34, rows=3)
    holed = responses.copy()
    holed[:, times < 0.0022] = np.nan
    parts = split(times, holed)
    assert np.isfinite(parts.evoked).all()
    errors = relative(times, parts.evoked, truth)
    assert ((errors < 0.05) | parts.overlap).all(), (errors, parts.reason)


def test_an_unknown_high_pass_is_found_well_enough():
    errors, overlap = [], []
    for seed, high_pass in enumerate((HighPass(20.0), HighPass(20.0, 2))):
        times, responses, truth = made(40 + seed, rows=2, high_pass=high_pass)
        parts = split(times, responses, high_pass=None)
        errors.append(relative(times, parts.evoked, truth))
        overlap.append(parts.overlap)
    errors, overlap = np.concatenate(errors), np.concatenate(overlap)
    assert np.median(errors) < 0.04, errors
    assert errors[~overlap].max() < 0.1, errors


def test_the_grid_gives_what_the_filter_gives_in_a_steady_train():
    high_pass, interval = HighPass(20.0, 2), 0.025
    times = 0.0003 + np.arange(95) / FS
    grid = filtered_grid(times, high_pass, 0.045, interval)
    fine = np.arange(int(0.8 * FINE)) / FINE
    expected = through(wave(fine)[np.newaxis], high_pass, interval, times)[0]
    assert grid.matrix @ wave(grid.places) == pytest.approx(expected, abs=2e-3)


def test_the_expected_response_has_next_to_no_net_area_and_is_zero_before_its_onset():
    places = np.arange(225) * 0.2e-3
    expected = response_covariance(places, np.array([0.004]), 10e-3, 3e-3)[0]
    assert not expected[places <= 0.004].any()
    free = np.sqrt(expected.trace()) * places.size
    assert np.sqrt(expected.sum()) < 0.01 * free
    assert np.linalg.eigvalsh(expected).min() > -1e-9 * expected.trace()


def test_what_does_not_fit_is_refused():
    times, responses, _ = made(1, rows=2)
    with pytest.raises(ShapeError, match="responses"):
        split(times[:-1], responses)
    with pytest.raises(ShapeError, match="errors"):
        split_tail(times, responses, np.ones(3), fs=FS)
    with pytest.raises(ParameterError, match="equal steps"):
        split(np.append(times[:-1], 1.0), responses)
    with pytest.raises(ParameterError, match="at least"):
        split(times, np.where(times < 0.03, np.nan, responses))


def passed(high_pass, seed, seconds=12.0, effort=0.0):
    """White and 1/f noise, and voluntary EMG half of the time, behind an amplifier."""
    rng, fs = np.random.default_rng(seed), 1000.0
    count = round(seconds * fs)
    spectrum = np.fft.rfft(rng.standard_normal((2, count)))
    spectrum *= np.sqrt(1 + 20 / np.maximum(np.fft.rfftfreq(count, 1 / fs), 0.05))
    noise = np.fft.irfft(spectrum, count)
    voluntary = sosfilt(butter(2, (30, 200), "bandpass", fs=fs, output="sos"), rng.standard_normal((2, count)))
    total = noise + effort * voluntary * (np.arange(count) < count / 2)
    if high_pass.corner:
        total = sosfilt(butter(high_pass.order, high_pass.corner, "highpass", fs=fs, output="sos"), total)
    return 2e-6 * total, fs


@pytest.mark.parametrize("effort", [0.0, 30.0])
def test_the_spectrum_tells_amplifiers_apart(effort):
    right = []
    for seed in range(4):
        for high_pass in (HighPass(0.0), HighPass(10.0), HighPass(20.0, 2)):
            signal, fs = passed(high_pass, seed, effort=effort)
            found = amplifiers_of_noise(signal, np.ones(signal.shape[1], bool), fs)
            assert sum(found.values()) == pytest.approx(1.0)
            alike = [one for one in found if abs(one.corner - high_pass.corner) <= max(0.5 * high_pass.corner, 1.0)]
            right.append(sum(found[one] for one in alike if one.order == high_pass.order or not high_pass.corner))
    assert np.median(right) > 0.7, np.round(right, 2)
    assert min(right) > 0.1, np.round(right, 2)


def test_no_spectrum_tells_nothing():
    found = amplifiers_of_noise(np.zeros((1, 500)), np.zeros(500, bool), 1000.0)
    assert set(found.values()) == {1 / len(found)}


def test_knowledge_of_the_amplifier_is_used():
    high_pass = HighPass(20.0, 2)
    times, responses, truth = made(50, rows=1, high_pass=high_pass)
    errors = np.full(1, NOISE)
    known = {high_pass: 0.9, HighPass(15.0, 2): 0.1}
    parts = split_tail(times, responses, errors, fs=FS, interval=1 / 30, amplifiers=known)
    assert parts.high_pass == high_pass
    assert relative(times, parts.evoked, truth)[0] < 0.05
    with pytest.raises(ParameterError, match="high_pass_order"):
        split_tail(times, responses, errors, fs=FS, high_pass_order=3)


def test_every_choice_of_exponentials_has_the_evidence_of_its_own_gaussian():
    rng = np.random.default_rng(7)
    times, noise, amplitude = np.sort(rng.uniform(0, 0.05, 30)), 0.3, 2.0
    basis, seen = tail_basis(times, USUAL), rng.standard_normal(30)
    gram, projected = basis.T @ basis / noise**2, basis.T @ seen / noise**2
    silent = multivariate_normal(np.zeros(30), noise**2 * np.eye(30)).logpdf(seen)
    found = choose_tails(gram[np.newaxis], projected[np.newaxis], np.array([silent]), amplitude, 2, 2).evidence[0]
    number = TAUS.size
    subsets = [(), *combinations(range(number), 1), *combinations(range(number), 2)]
    assert found.size == 1 + len(subsets)
    for place in (0, 1, 9, 14, 40, len(subsets) - 1):
        columns = [0, 1, *(2 + one + shift for one in subsets[place] for shift in (0, number))]
        scale = np.where(np.array(columns) == 1, 0.3, 1.0) * amplitude  # the level is expected smaller
        total = noise**2 * np.eye(30) + (basis[:, columns] * scale**2) @ basis[:, columns].T
        of_its_size = comb(number, len(subsets[place]))
        expected = multivariate_normal(np.zeros(30), total).logpdf(seen) - np.log(of_its_size)
        assert found[1 + place] == pytest.approx(expected, rel=1e-9)


def test_the_small_matrices_take_one_thread(monkeypatch):
    seen = []

    def spy(rows, prior):
        seen.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return {USUAL: 1.0}

    monkeypatch.setattr(sys.modules[split_tail.__module__], "find_amplifiers", spy)
    times, seen_sum, _ = made(1, rows=1)
    with threadpool_limits(limits=2, user_api="blas"):
        split_tail(times, seen_sum, np.array([NOISE]), fs=FS, interval=1 / 30)
    assert seen
    assert set(seen) == {1}


@pytest.mark.parametrize(("corner", "order"), [(0.0, 1), (0.5, 1), (8.0, 1), (10.0, 2), (20.0, 2)])
def test_drift_tells_slow_amplifiers_from_others_and_nothing_more(corner, order):
    shares = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        frequencies = np.fft.rfftfreq(20_000, 1 / 1000)
        white = np.fft.rfft(rng.standard_normal(20_000))
        drift = np.fft.irfft(white / np.sqrt(np.maximum(frequencies, 0.05)) * (frequencies > 0))
        if corner:
            drift = sosfilt(butter(order, corner, "highpass", fs=1000, output="sos"), drift)
        noise = drift + 0.1 * drift.std() * rng.standard_normal(20_000)
        found = slow_or_not(noise[np.newaxis], np.ones(20_000, dtype=bool), 1000.0)
        shares.append(sum(share for one, share in found.items() if one.corner <= 2))
        assert sum(found.values()) == pytest.approx(1)
        assert len({share for one, share in found.items() if one.corner > 2}) == 1
    assert min(shares) > 0.8 if corner <= 2 else max(shares) < 0.3, shares


def test_tails_that_hardly_differ_beside_next_to_no_noise_keep_their_evidence_finite():
    """Rounding makes what exponentials add to each other negative, and the logarithm of that NaN."""
    worst = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        columns = 1 + 2 * TAUS.size
        seen = rng.standard_normal((40, 2)) @ rng.standard_normal((2, columns))
        gram = 10.0 ** rng.uniform(10, 20) * (seen.T @ seen)[np.newaxis]
        response = rng.standard_normal((1, columns)) * np.sqrt(np.diagonal(gram, axis1=1, axis2=2))
        choices = choose_tails(gram, response, np.zeros(1), 1.0, 1, 3)
        worst += int((~np.isfinite(choices.evidence)).sum())
    assert worst == 0


@pytest.mark.parametrize("rate", [140.0, 150.0])
def test_intervals_shorter_than_any_edge_are_split_or_left(rate):
    """All times since the pulse lie where its edges are looked for."""
    simulation = ek.simulate.tiny(rng=np.random.default_rng(1), rate=rate)
    parts = ek.separate(simulation.recording, simulation.pulses)
    total = sum(getattr(parts, name).signal for name in ("artifact", "evoked", "voluntary", "interference"))
    assert np.abs(total - simulation.recording.signal).max() < 1e-12


def test_a_response_out_of_the_question_counts_nothing_and_ends_nothing():
    """Kilovolts over nanovolts of noise: rounding left no positive covariance, and a sound train was refused."""
    times = np.arange(0.0, 0.03, 0.0005)
    response = 1e-3 * np.sin(2 * np.pi * times / 0.012) * np.exp(-times / 0.01)
    rows = TailRows(times, response[np.newaxis], 1e-16 * np.eye(times.size)[np.newaxis], 1 / 30, 3e-4)
    weighing = Weighing(rows.problem(0, USUAL))
    usual = Setting(10e-3, 3e-3, 1e-3, 1e-3, 0.2e-3, 3e-4)
    assert weighing.evidence(replace(usual, size=1e6)) < weighing.evidence(usual)


@pytest.mark.parametrize(("count", "most", "near"), [(20, 32, 0.1), (400, 32, 0.1), (400, 8, 0.25)])
def test_many_settings_of_about_the_same_share_are_followed_by_some_of_them(count, most, near):
    """One pulse in 0.2 s took half a minute, nearly all of it for hundreds of settings that nothing tells apart."""
    shares = np.random.default_rng(count).dirichlet(np.full(count, 3.0))
    values = np.cumsum(np.random.default_rng(1).standard_normal(count))
    weights = followed(shares, most)
    few, all_of_them = np.average(values, weights=weights), np.average(values, weights=shares)
    assert np.count_nonzero(weights) <= most
    assert 0.97 <= weights.sum() <= 1.0 + 1e-12
    assert abs(few - all_of_them) <= near * values.std()


@pytest.mark.parametrize("high_pass", [HighPass(2.0), HighPass(10.0), HighPass(5.0, 2), HighPass(25.0, 2)], ids=str)
@pytest.mark.parametrize("interval", [0.0125, 0.0333])
def test_a_steady_train_sees_the_sum_of_all_single_responses(high_pass, interval):
    times = np.arange(0.001, interval, 0.0003)
    steady = filtered_grid(times, high_pass, 0.045, interval).matrix
    earlier = sum(
        filtered_grid(times + number * interval, high_pass, 0.045, None).matrix
        for number in range(round(4 / high_pass.corner / interval) + 2)
    )
    np.testing.assert_allclose(steady, earlier, atol=1e-6)
