"""A pipeline does with a recording what the protocol says, as the verbs would by hand."""

import pickle
import warnings

import numpy as np
import pytest

import emgkit as ek
from emgkit.pipeline import Pipeline

FS = 2000.0
BASE = {
    "evoked": {"window": [0.005, 0.030], "features": ["vpp", "m_wave_mdf"]},
    "voluntary": {"length": 0.5, "features": ["rms", "mdf"]},
    "compare": {"feature_a": "mdf", "feature_b": "m_wave_mdf"},
}


def stimulated(rate=20.0, duration=6.0, seed=0):
    """EMG: a short artifact and a slow M-wave after every pulse (none for rate 0), and noise; and the onsets."""
    times = np.arange(int(duration * FS)) / FS
    signal = 0.02e-3 * np.random.default_rng(seed).normal(size=times.size)
    onsets = np.arange(0.5, duration - 0.1, 1 / rate) + 1.37e-4 if rate else np.zeros(0)
    for onset in onsets:
        since = times - onset
        signal += 8e-3 * np.exp(-((since - 4e-4) ** 2) / (2 * 1.5e-4**2))
        signal += 2e-3 * np.sin(2 * np.pi * 70 * (since - 0.012)) * np.exp(-((since - 0.012) ** 2) / (2 * 0.003**2))
    return ek.Recording(signal, FS, ["VL"], source="made up"), onsets


@pytest.fixture(scope="module")
def measured():
    recording, onsets = stimulated()
    return recording, onsets, Pipeline.from_dict(BASE).run(recording, ek.Pulses(onsets))


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


# M-01: one code path
def test_a_pipeline_gives_what_the_verbs_give_by_hand(measured):
    recording, onsets, results = measured
    pulses = ek.Pulses(onsets)
    parts = ek.separate(recording, pulses)
    evoked = ek.measure(ek.cut_m_waves(parts.clean, pulses, window=(0.005, 0.030)), ["vpp", "m_wave_mdf"])
    effort = ek.measure(ek.cut_windows(parts.voluntary, length=0.5), ["rms", "mdf"])
    for kind, table in (("evoked", evoked), ("voluntary", effort)):
        for name in table.names:
            assert same(results.tables[kind].values[name], table.values[name])
            assert same(results.tables[kind].standard_errors[name], table.standard_errors[name])
    (comparison,) = results.comparisons
    assert same(comparison.difference, ek.compare(effort, evoked, "mdf", "m_wave_mdf").difference)
    assert [trend.feature for trend in results.trends] == ["vpp", "m_wave_mdf", "rms", "mdf"]
    assert [change.feature for change in results.changes] == ["vpp", "m_wave_mdf", "rms", "mdf"]


# M-12: method, version and parameters travel with each number
def test_results_say_how_they_were_made(measured):
    _, onsets, results = measured
    assert results.source == "made up"
    assert results.version == ek.__version__
    assert results.protocol_sha256 == Pipeline.from_dict(BASE).sha256
    assert results.separation.method == "phase_spline"
    assert results.separation.why
    assert len(results.pulses) == onsets.size
    assert len(results.m_waves) <= onsets.size
    assert {excerpt.label for excerpt in results.excerpts} == {"pulses fresh", "pulses fatigued", "fresh", "fatigued"}


def test_the_same_input_gives_the_same_numbers_bit_by_bit(measured):
    recording, onsets, results = measured
    again = pickle.loads(pickle.dumps(Pipeline.from_dict(BASE))).run(recording, ek.Pulses(onsets))
    for kind, table in results.tables.items():
        for name in table.names:
            assert same(table.values[name], again.tables[kind].values[name])
    assert again.protocol == results.protocol


def test_pulses_are_required_optional_or_none():
    silent, _ = stimulated(rate=0.0)
    with pytest.raises(ek.NoPulsesError):
        Pipeline.from_dict(BASE).run(silent)
    optional = Pipeline.from_dict({**BASE, "pulses": {"presence": "optional"}}).run(silent)
    assert set(optional.tables) == {"voluntary"}
    assert optional.pulses is None
    assert optional.comparisons == ()
    assert any("only voluntary activity was measured" in message for message in optional.messages)
    none = Pipeline.from_dict({"pulses": {"presence": "none"}, "voluntary": BASE["voluntary"]}).run(silent)
    assert same(none.tables["voluntary"].values["rms"], optional.tables["voluntary"].values["rms"])


def test_pulses_that_the_protocol_states_are_used():
    recording, onsets = stimulated()
    stated = Pipeline.from_dict({**BASE, "pulses": {"onsets": onsets.tolist()}}).run(recording)
    assert same(stated.pulses.onsets, onsets)
    assert stated.pulses.time_source == "schedule"


# T-01
def test_pulses_outside_the_recording_are_refused():
    recording, onsets = stimulated(duration=2.0)
    with pytest.raises(ek.TimingError, match="outside the recording"):
        Pipeline.from_dict(BASE).run(recording, ek.Pulses([*onsets, 2.5]))


def test_a_window_longer_than_the_interval_is_refused():
    recording, onsets = stimulated(rate=40.0)
    with pytest.raises(ek.ParameterError, match="beyond the next pulse"):
        Pipeline.from_dict(BASE).run(recording, ek.Pulses(onsets))


def test_marks_of_the_protocol_take_the_place_of_those_of_the_same_label():
    recording, _ = stimulated(rate=0.0)
    marked = recording.with_marks([ek.Mark("rest", 0.0, 1.0), ek.Mark("voluntary", 0.0, 1.0)])
    protocol = {
        "marks": [{"label": "voluntary", "start": 2.0, "stop": 4.0}],
        "pulses": {"presence": "none"},
        "voluntary": {"during": "voluntary", "length": 1.0, "features": ["rms"]},
    }
    results = Pipeline.from_dict(protocol).run(marked)
    assert results.tables["voluntary"].starts.tolist() == [2.0, 3.0]
    assert [(mark.label, mark.start) for mark in results.recording.marks] == [("rest", 0.0), ("voluntary", 2.0)]


def test_a_mark_beyond_the_recording_is_refused():
    recording, _ = stimulated(rate=0.0, duration=2.0)
    protocol = {
        "marks": [{"label": "voluntary", "start": 20.0, "stop": 30.0}],
        "pulses": {"presence": "none"},
        "voluntary": {"features": ["rms"]},
    }
    with pytest.raises(ek.TimingError, match="marks 'voluntary' from 20 to 30 s"):
        Pipeline.from_dict(protocol).run(recording)


# E-02, T-02: masks travel from saturation to features
def test_clipped_samples_reach_no_number():
    recording, onsets = stimulated()
    clipped = ek.Recording(np.clip(recording.signal, -1e-3, 1e-3), FS, ["VL"])
    results = Pipeline.from_dict(BASE).run(clipped, ek.Pulses(onsets))
    assert results.recording.saturated_fraction[0] > 0.01
    assert np.isnan(results.tables["evoked"].values["vpp"]).all()
    assert set(np.unique(results.tables["evoked"].reasons["vpp"])) == {"clipped"}


def test_what_cannot_be_answered_is_a_message_and_the_tables_stay():
    recording, _ = stimulated(rate=0.0, duration=1.0)
    protocol = {"pulses": {"presence": "none"}, "voluntary": {"length": 1.0, "features": ["rms"]}}
    results = Pipeline.from_dict(protocol).run(recording)
    assert len(results.tables["voluntary"]) == 1
    assert results.changes == ()
    assert any(message.startswith("No change of rms:") for message in results.messages)


def test_warnings_of_emgkit_become_messages_and_others_pass(monkeypatch):
    recording, _ = stimulated(rate=0.0)
    protocol = {"pulses": {"presence": "optional"}, "voluntary": {"features": ["rms"]}}

    def noisy(*given, **named):
        warnings.warn("a stranger's warning", UserWarning, stacklevel=1)
        raise ek.NoPulsesError("none there")

    monkeypatch.setattr("emgkit.detect.detect_pulses.detect_pulses", noisy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = Pipeline.from_dict(protocol).run(recording)
    assert [str(item.message) for item in caught] == ["a stranger's warning"]
    assert results.messages == ("No pulses, so only voluntary activity was measured: none there",)


def test_a_recording_of_several_files_has_one_fingerprint_over_all(tmp_path):
    pipeline = Pipeline.from_dict({"pulses": {"presence": "none"}, "voluntary": {"features": ["rms"]}})
    for name in ("a.vhdr", "a.eeg", "a.vmrk", "b.eeg"):
        (tmp_path / name).write_text(name)
    before = pipeline.fingerprint(tmp_path / "a.vhdr")
    (tmp_path / "b.eeg").write_text("another recording")
    assert pipeline.fingerprint(tmp_path / "a.vhdr") == before
    (tmp_path / "a.eeg").write_text("other samples")
    assert pipeline.fingerprint(tmp_path / "a.vhdr") != before
    with pytest.raises(ek.MissingFileError):
        pipeline.fingerprint(tmp_path / "c.vhdr")


@pytest.mark.real
@pytest.mark.parametrize(("name", "kinds"), [("stim_on", {"evoked", "voluntary"}), ("stim_off", {"voluntary"})])
def test_the_real_recordings_run_from_start_to_finish(real_data, name, kinds, pytestconfig):
    protocol = pytestconfig.rootpath / "datasets" / "protocols" / f"volitional_{name}.toml"
    results = Pipeline.from_toml(protocol).run(real_data / "volitional-tscs" / f"{name}.mat")
    assert set(results.tables) == kinds
    assert len(results.source_sha256) == 64
    assert np.isfinite(results.tables["voluntary"].values["rms"]).all()


@pytest.mark.real
def test_recruitment_sweeps_run_from_start_to_finish(real_data, pytestconfig):
    protocols = pytestconfig.rootpath / "datasets" / "protocols"
    soleus = Pipeline.from_toml(protocols / "recruitment_soleus.toml")
    table = soleus.run(real_data / "recruitment-soleus" / "example-waveforms.csv").tables["evoked"]
    assert table.values["vpp"][table.intensity == 6.0].mean() == pytest.approx(4.15e-3, rel=0.01)
    mouse = Pipeline.from_toml(protocols / "recruitment_mouse.toml")
    results = mouse.run(real_data / "recruitment-mouse" / "recruitment_10kHz.csv")
    table = results.tables["evoked"]
    plateau = table.values["vpp"][table.intensity > 0.75]
    assert 12.6e-3 <= np.median(plateau) <= 12.8e-3
    # sweeps of rising intensity have no fresh and no fatigued
    assert results.recording is None
    assert results.changes == results.trends == ()


def sweeps_file(tmp_path):
    times = np.arange(-2.0, 30.0, 0.5)
    rows = [",".join([f"{time}", f"{np.sin(time)}", f"{2 * np.sin(time)}"]) for time in times]
    path = tmp_path / "sweeps.csv"
    path.write_text("\n".join(["0,1.5,2.0", *rows]))
    return path


@pytest.mark.parametrize("window", [[-0.01, 0.02], [0.01, 0.05], [0.0100, 0.0101]])
def test_a_window_outside_the_sweeps_is_refused(tmp_path, window):
    read = {"layout": "matrix", "unit": "mV", "time_unit": "ms"}
    pipeline = Pipeline.from_dict({"read": read, "evoked": {"window": window, "features": ["vpp"]}})
    with pytest.raises(ek.TimingError, match="does not lie within the sweeps"):
        pipeline.run(sweeps_file(tmp_path))


def test_the_window_of_sweeps_is_half_open_and_keeps_their_times(tmp_path):
    read = {"layout": "matrix", "unit": "mV", "time_unit": "ms"}
    pipeline = Pipeline.from_dict({"read": read, "evoked": {"window": [0.005, 0.025], "features": ["vpp"]}})
    m_waves = pipeline.run(sweeps_file(tmp_path)).m_waves
    assert m_waves.times[0] == pytest.approx(np.arange(5.0, 25.0, 0.5) / 1000)
    assert m_waves.intensity.tolist() == [1.5, 2.0]


def test_sweeps_take_no_recording_and_no_pulses(tmp_path):
    read = {"layout": "matrix", "unit": "mV", "time_unit": "ms"}
    pipeline = Pipeline.from_dict({"read": read, "evoked": {"window": [0.005, 0.025], "features": ["vpp"]}})
    with pytest.raises(ek.ParameterError, match="runs on a file"):
        pipeline.run(stimulated()[0])
    with pytest.raises(ek.ParameterError, match="takes no pulses"):
        pipeline.run(sweeps_file(tmp_path), ek.Pulses([0.1]))
