"""Spatial removal: the rank that it finds, what it takes, what it leaves of the EMG, and whom it refuses."""

import numpy as np
import pytest

import emgkit as ek

FS = 2000.0


def array_recording(seed, clean_emg, rank, channels=16, size=1e-3):
    """EMG that neighbours share in part, and an artifact of some rank whose tail crosses into the M-wave."""
    rng = np.random.default_rng(seed)
    mixing = np.exp(-np.abs(np.subtract.outer(np.arange(channels), np.arange(channels))) / 0.7)
    emg = mixing @ clean_emg(seed, duration=12.0, channels=channels) / np.sqrt((mixing**2).sum(axis=1, keepdims=True))
    onsets = 0.3 + np.arange(340) / 29.97
    times = np.arange(emg.shape[1]) / FS
    artifact = np.zeros_like(emg)
    for number in range(rank):
        course = sum(
            np.where(times >= onset, np.exp(-(times - onset).clip(0) / (0.001 + 0.002 * number)), 0.0)
            for onset in onsets
        )
        artifact += size * rng.uniform(0.5, 1.5, (channels, 1)) * rng.choice([-1, 1], (channels, 1)) * course
    return emg, artifact, ek.Pulses(onsets)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_the_rank_of_the_artifact_is_found(rank, clean_emg):
    for seed in range(5):
        emg, artifact, pulses = array_recording(seed, clean_emg, rank)
        parts = ek.Spatial(learned_until=0.003).separate(emg + artifact, FS, pulses)
        assert parts.quality["components"] == rank, parts.quality["locked_share"]


@pytest.mark.parametrize("rank", [1, 2])
def test_the_artifact_goes_and_the_gain_is_as_stated(rank, clean_emg):
    gains, left = [], []
    for seed in range(5):
        emg, artifact, pulses = array_recording(seed, clean_emg, rank)
        parts = ek.Spatial(learned_until=0.003, after=0.0031).separate(emg + artifact, FS, pulses)
        near = np.abs(parts.render("artifact", emg)).max(axis=0) > 0
        clean = parts.render("clean", emg + artifact)[:, near]
        gains.append(clean.std(axis=1) / emg[:, near].std(axis=1) / parts.quality["gain_on_clean"])
        left.append((clean - emg[:, near]).std() / artifact[:, near].std())
    assert np.median(gains) == pytest.approx(1.0, abs=0.01)
    assert np.abs(np.array(gains) - 1).max() < 0.06
    assert max(left) < 0.05


def test_nothing_is_taken_where_nothing_repeats(clean_emg):
    for seed in range(5):
        emg, _, pulses = array_recording(seed, clean_emg, 0)
        parts = ek.Spatial().separate(emg, FS, pulses)
        assert not parts.render("artifact", emg).any()
        assert parts.quality["gain_on_clean"] == pytest.approx(1.0)


def test_few_channels_and_few_pulses_are_refused_in_one_line(clean_emg):
    emg = clean_emg(0, duration=2.0, channels=7)
    with pytest.raises(ek.ParameterError, match="at least 8 channels, got 7"):
        ek.Spatial().separate(emg, FS, ek.Pulses(0.2 + np.arange(50) / 30))
    with pytest.raises(ek.TimingError, match="needs 10 pulses, got 9"):
        ek.Spatial().separate(np.vstack([emg, emg]), FS, ek.Pulses(0.2 + np.arange(9) / 30))


@pytest.mark.parametrize("wrong", [lambda: ek.Spatial(most=0), lambda: ek.Spatial(learned_until=0.02)])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ek.ParameterError):
        wrong()
