"""Recordings of many channels: groups give what all at once would, and need no more memory than a signal."""

import tracemalloc

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact import spline_groups
from emgkit.artifact.spline_found import Wanted
from emgkit.artifact.spline_groups import channels_by_evidence
from emgkit.artifact.spline_model import LockedModel
from emgkit.benchmark.cases import CASES
from emgkit.benchmark.speed import speed_test

FS = 2000.0


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    """Short recordings are long enough for groups here."""
    monkeypatch.setattr(spline_groups, "MOST_SAMPLES", 1)


@pytest.fixture(scope="module")
def many():
    """Twelve channels of one experiment: gains from 0.1 to 3 of either sign, voluntary EMG and noise of their own."""
    rng = np.random.default_rng(3)
    made = [CASES["jitter15_exact"].make(np.random.default_rng(seed)) for seed in (41, 42, 43)]
    pulses = made[0].pulses
    gains = np.exp(rng.uniform(np.log(0.1), np.log(3), 12)) * rng.choice([-1, 1], 12)
    locked = np.concatenate([made[0].truth.artifact + made[0].truth.evoked] * 6) * gains[:, np.newaxis]
    voluntary = np.concatenate([one.truth.voluntary + one.truth.noise for one in made] * 2)
    return locked + voluntary, voluntary, pulses


def snr(truth, found):
    return 10 * np.log10(truth.var(axis=1) / (truth - found).var(axis=1))


def test_groups_lose_little_against_all_channels_at_once(many, monkeypatch):
    """Four channels instead of twelve tell of every pulse's jitter of 15 µs."""
    signal, voluntary, pulses = many
    recording = ek.Recording(signal, FS)
    grouped = ek.separate(recording, pulses, "phase_spline")
    monkeypatch.setattr(spline_groups, "AT_ONCE", 100)
    at_once = ek.separate(recording, pulses, "phase_spline")
    loss = snr(voluntary, at_once.voluntary.signal) - snr(voluntary, grouped.voluntary.signal)
    said = f"median {np.median(loss):.2f}, worst {loss.max():.2f} dB"
    assert np.median(loss) < 0.5, said
    assert loss.max() < 1.0, said
    assert set(grouped.quality) >= set(at_once.quality)
    assert grouped.quality["response_evidence"].shape == (12,)


def test_parts_of_groups_add_up_and_channels_keep_their_places(many):
    signal, _, pulses = many
    separation = ek.separate(ek.Recording(signal, FS), pulses, "phase_spline")
    names = ("artifact", "evoked", "interference", "voluntary")
    parts = {name: getattr(separation, name).signal for name in names}
    assert np.abs(sum(parts.values()) - signal).max() < 1e-15
    order = np.random.default_rng(0).permutation(12)
    turned = ek.separate(ek.Recording(signal[order], FS), pulses, "phase_spline")
    for name in names:
        assert np.abs(getattr(turned, name).signal - parts[name][order]).max() < 1e-12, name


def test_channels_in_which_pulses_stand_out_lead_and_clipped_ones_do_not():
    rng = np.random.default_rng(1)
    onsets = 0.5 + np.arange(100) / 30
    times = np.arange(int(4.5 * FS)) / FS
    since = times - onsets[np.clip(np.searchsorted(onsets, times, side="right") - 1, 0, None)]
    artifact = np.where((since >= 0) & (since < 0.02), np.exp(-since / 0.003), 0.0)
    signal = np.array([0.0, 1e-5, 1e-3, 1e-2, 1e-4])[:, np.newaxis] * artifact + 1e-6 * rng.standard_normal((5, 9000))
    signal[3] = np.minimum(signal[3], 1e-3)
    assert channels_by_evidence(signal, FS, ek.Pulses(onsets)).tolist() == [2, 4, 1, 0, 3]
    signal[2] = np.nan
    assert channels_by_evidence(signal, FS, ek.Pulses(onsets)).tolist()[:2] == [4, 1]


@pytest.mark.slow
def test_mains_that_only_following_channels_have_is_taken_away_as_by_all_at_once(many, monkeypatch):
    signal, _, pulses = many
    order = channels_by_evidence(signal, FS, pulses)
    mains = 40e-6 * np.sqrt(2) * np.sin(2 * np.pi * 50.02 * np.arange(signal.shape[1]) / FS)
    last = int(order[-1])
    spoiled = signal.copy()
    spoiled[last] += mains
    left = []
    for at_once in (spline_groups.AT_ONCE, 100):
        monkeypatch.setattr(spline_groups, "AT_ONCE", at_once)
        found, plain = (
            ek.separate(ek.Recording(one, FS), pulses, "phase_spline").voluntary.signal[last]
            for one in (spoiled, signal)
        )
        left.append((found - plain).std() / mains.std())
    assert left[0] < max(0.1, 1.3 * left[1]), left


@pytest.mark.slow
def test_64_channels_of_ten_minutes_need_at_most_the_memory_of_the_signal_beyond_input_and_part(monkeypatch):
    """Leading channels, and two groups of the others: each of them needs as much again, and keeps as much."""
    peaks, kept = [], []

    class Watched(spline_groups.Session):
        def run(self):
            return self._watched(super().run)

        def follow(self, agreed):
            return self._watched(super().follow, agreed)

        def _watched(self, fit, *given):
            kept.append(tracemalloc.get_traced_memory()[0])
            tracemalloc.reset_peak()
            found = fit(*given)
            peaks.append(tracemalloc.get_traced_memory()[1])
            return found

    monkeypatch.setattr(spline_groups, "Session", Watched)
    monkeypatch.setattr(spline_groups, "AT_ONCE", 1)
    track, channels = speed_test(600.0, 4), 64
    size = track.recording.signal[0].nbytes * channels
    tracemalloc.start()
    found = spline_groups.fit_groups(track.recording.signal, track.recording.fs, track.pulses, 0.0015, 16.0, Wanted())
    assert len(peaks) == 3
    each = kept[2] - kept[1]
    groups = (channels - spline_groups.LEADERS) // spline_groups.TOGETHER
    needed = max(peaks[0], kept[1] + (groups - 1) * each + max(peaks[1] - kept[1], peaks[2] - kept[2]))
    assert needed <= size, f"{needed / size:.2f} of the signal"
    left = track.recording.signal.copy()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for part in (LockedModel.artifact, LockedModel.evoked, LockedModel.interference):
        found.part(part).take_from(left)
    needed = kept[1] + groups * each + tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert needed <= size, f"{needed / size:.2f} of the signal, beside the part"


@pytest.mark.parametrize(("at_once", "empty"), [pytest.param(3, 0.0, marks=pytest.mark.slow), (8, np.nan)])
def test_channels_without_a_signal_take_nothing_from_the_others(many, at_once, empty, monkeypatch):
    """Group by group, and all at once."""
    monkeypatch.setattr(spline_groups, "AT_ONCE", at_once)
    signal, _, pulses = many
    signal, place, pulses = signal[:5, : round(3 * FS)], 1, pulses.crop(0, 2.9)
    with_empty = np.insert(signal, place, empty, axis=0)
    alone = ek.separate(ek.Recording(signal, FS), pulses, "phase_spline")
    beside = ek.separate(ek.Recording(with_empty, FS), pulses, "phase_spline")
    assert np.abs(alone.evoked.signal).max() > 1e-5
    for part in ("artifact", "evoked", "voluntary", "interference"):
        rest = np.delete(getattr(beside, part).signal, place, axis=0)
        np.testing.assert_allclose(rest, getattr(alone, part).signal, atol=1e-12, rtol=0)
    assert not beside.evoked.valid[place].any()
    evidence = beside.quality["response_evidence"]
    np.testing.assert_allclose(np.delete(evidence, place), alone.quality["response_evidence"])
    assert "EMG2 holds no signal: all of it is marked as lost." in beside.messages
    assert len(beside.messages) == len(alone.messages) + 1
