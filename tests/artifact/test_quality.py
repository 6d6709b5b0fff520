"""Quality and grades of a separation, from its parts alone."""

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

import emgkit as ek
from emgkit.artifact.grading import graded
from emgkit.artifact.m_wave_evidence import MWaveEvidence, m_wave_evidence
from emgkit.artifact.quality import mean_minus_median
from emgkit.artifact.voluntary_evidence import VoluntaryEvidence, voluntary_evidence
from emgkit.grades import GRADES, USES, Grade, grades_text, quality_text
from emgkit.results import summarise_separation

FS = 2000.0
CLEAN = {"power": 1e-9, "early": 0.0, "response": 0.0, "misses": 0.0, "lines": 0.0, "noise": 0.005, "slow": 0.005}
VOLUNTARY = VoluntaryEvidence(**CLEAN, chance=0.005, compared=True, lost=0.0)
M_WAVE = MWaveEvidence(2e-3, 0.005, 0.01, 0.01, 0.0, 0.0, 0.0, True, 40, 45, (2e-3, 25e-3))


def grades(voluntary=VOLUNTARY, m_wave=M_WAVE, effective=100.0, evidence=100.0, **more):
    found = graded(voluntary, m_wave, effective, evidence, keeps=False, **more)
    return {use: one.grade for use, one in found.items()}


def changed(value, **fields):
    return type(value)(**{**{name: getattr(value, name) for name in value.__dataclass_fields__}, **fields})


@pytest.fixture(scope="module")
def made():
    return ek.simulate.tiny(rng=np.random.default_rng(3))


@pytest.fixture(scope="module")
def parts(made):
    return ek.separate(made.recording, made.pulses)


def test_clean_evidence_is_good_for_every_use():
    assert set(grades().values()) == {"good"}


@pytest.mark.parametrize("kind", ["early", "response", "misses", "lines", "noise", "slow"])
def test_foreign_power_lowers_the_grades_of_voluntary_emg_step_by_step(kind):
    found = [grades(changed(VOLUNTARY, **{kind: share}))["voluntary_amplitude"] for share in (0.01, 0.15, 0.6)]
    assert found == list(GRADES)
    assert grades(changed(VOLUNTARY, **{kind: 0.6}))["m_wave_size"] == "good"


def test_what_hides_the_m_wave_lowers_its_grades():
    assert grades(m_wave=changed(M_WAVE, head=0.3))["m_wave_size"] == "with care"
    assert grades(m_wave=changed(M_WAVE, head=0.9))["m_wave_spectrum"] == "reject"
    assert grades(m_wave=changed(M_WAVE, mixed=0.1))["m_wave_size"] == "with care"
    assert grades(m_wave=changed(M_WAVE, mixed=0.5))["m_wave_spectrum"] == "reject"
    assert grades(m_wave=changed(M_WAVE, told=0.1))["m_wave_size"] == "with care"
    assert grades(m_wave=changed(M_WAVE, told=0.5))["m_wave_size"] == "reject"
    assert grades(m_wave=changed(M_WAVE, pulses=2))["m_wave_size"] == "with care"
    assert grades(m_wave=changed(M_WAVE, whole=False))["m_wave_size"] == "reject"
    assert grades(m_wave=None)["m_wave_size"] == "reject"
    assert grades(evidence=1.0)["m_wave_size"] == "reject"


@dataclass(frozen=True)
class Mistaken:
    """PhaseSpline, which takes a share of the response for artifact."""

    name = "mistaken"
    gives = ek.PhaseSpline.gives
    share: float = 0.0

    def separate(self, signal, fs, pulses):
        found = ek.PhaseSpline().separate(signal, fs, pulses)
        artifact, evoked = (np.array(found.render(name, signal)) for name in ("artifact", "evoked"))
        parts = {"artifact": artifact + self.share * evoked, "evoked": (1 - self.share) * evoked}
        return replace(found, components={**found.components, **parts})


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
@pytest.mark.parametrize("share", [-1.0, -0.3, 0.0, 0.2])
def test_response_in_the_artifact_is_found_as_it_is_or_turned_over(share, seed):
    made = ek.simulate.tiny(rng=np.random.default_rng(seed))
    parts = ek.separate(made.recording, made.pulses, Mistaken(share))
    found = m_wave_evidence(parts, parts.voluntary)[0].mixed
    assert found == pytest.approx(abs(share) / (1 - share), abs=0.02), found
    assert (parts.grades["m_wave_size"][0].grade == "good") is (share == 0.0)


@dataclass(frozen=True)
class Stating:
    """PhaseSpline, which states another standard error of the evoked part, and where it overlaps."""

    name = "stating"
    gives = ek.PhaseSpline.gives
    error: float
    overlap: tuple[float, ...] = (0.0,)

    def separate(self, signal, fs, pulses):
        found = ek.PhaseSpline().separate(signal, fs, pulses)
        errors = np.full(signal.shape, self.error)
        quality = {**found.quality, "overlap": np.array(self.overlap)}
        return replace(found, standard_errors={"evoked": lambda: errors}, quality=quality)


def test_the_error_that_the_method_states_counts_at_both_ends_of_the_size(made):
    for error in (1e-6, 1e-4):
        parts = ek.separate(made.recording, made.pulses, Stating(error))
        for found, grade in zip(m_wave_evidence(parts, parts.voluntary), parts.grades["m_wave_size"], strict=True):
            assert found.told == pytest.approx(error * np.sqrt(2) / found.size)
            assert grade.error > found.told
    assert m_wave_evidence(ek.separate(made.recording, made.pulses, ek.Blanking()), parts.voluntary)[0].told == 0


def test_the_error_that_the_method_states_counts_for_the_spectrum(made):
    """Tails known to 3 to 8 % of the response shift its median frequency by as much; 0.4 to 1.6 % were stated."""
    parts = ek.separate(made.recording, made.pulses, Stating(1e-3))
    for found, grade in zip(m_wave_evidence(parts, parts.voluntary), parts.grades["m_wave_spectrum"], strict=True):
        assert 1e-3 / found.size < found.told_rms < 1e-3 / (found.size / 8)  # a response's RMS lies between those
        assert 0.6 * found.told_rms < grade.error < 0.9 * found.told_rms  # RMS ratio over 69 simulated tails: 0.7


def test_an_overlap_counts_for_its_channel():
    made = ek.simulate.tiny(rng=np.random.default_rng(0))
    both = ek.Recording(np.concatenate([made.recording.signal] * 2), made.recording.fs)
    found = ek.separate(both, made.pulses, Stating(1e-6, (0.0, 1.0))).grades["m_wave_size"]
    assert [one.grade for one in found] == ["good", "with care"]


def test_an_overlap_that_the_method_admits_forbids_good_m_waves():
    found = grades(overlap=True)
    assert found["m_wave_size"] == found["m_wave_spectrum"] == "with care"
    assert found["voluntary_amplitude"] == "good"
    assert grades(m_wave=changed(M_WAVE, head=0.9), overlap=True)["m_wave_size"] == "reject"


def test_averaging_few_pulses_lost_samples_and_full_intervals_lower_the_grades():
    assert grades(effective=6.0)["voluntary_amplitude"] == "with care"
    assert grades(effective=2.0)["voluntary_amplitude"] == "reject"
    assert grades(changed(VOLUNTARY, lost=0.1))["voluntary_spectrum"] == "with care"
    assert grades(changed(VOLUNTARY, lost=0.5))["voluntary_spectrum"] == "reject"
    assert grades(changed(VOLUNTARY, compared=False))["voluntary_amplitude"] == "with care"
    assert grades(changed(VOLUNTARY, power=float("nan")))["voluntary_amplitude"] == "reject"


def test_a_mean_frequency_far_above_the_median_is_an_alarm():
    assert grades(alarm=True)["voluntary_spectrum"] == "with care"
    times = np.arange(int(10 * FS)) / FS
    emg = sum(np.sin(2 * np.pi * f * times + f**2) for f in np.arange(40.3, 140, 1.7))
    spikes = np.zeros(times.size)
    spikes[:: int(FS / 25)] = 8 * emg.std()
    clean, spoiled = (
        mean_minus_median(x[np.newaxis], np.ones((1, x.size), bool), FS)[0][0] for x in (emg, emg + spikes)
    )
    assert spoiled > clean + 5


def test_every_kind_of_foreign_power_is_found_as_itself(made):
    """Effort and rest as noise; what is added to the output must show as what it is."""
    rng, count = np.random.default_rng(4), int(12 * FS)
    pulses = ek.Pulses(0.5 + np.arange(230) / 20)
    effort = np.repeat([0.1, 1.0, 0.1, 1.0], count // 4)
    emg = 3e-5 * effort * sosfilt(butter(2, (30, 250), "bandpass", fs=FS, output="sos"), 2 * rng.standard_normal(count))
    times = np.arange(count) / FS
    since = times - pulses.onsets[np.maximum(np.searchsorted(pulses.onsets, times, side="right") - 1, 0)]
    shape = np.where((since >= 0.004) & (since < 0.02), np.sin(2 * np.pi * (since - 0.004) / 0.016), 0.0)
    spike = np.where((since >= 0) & (since < 0.002), 1.0, 0.0)
    sizes = rng.standard_normal(400)[(times * 20).astype(int)]
    foreign = {
        "early": 6e-5 * spike,
        "response": 4e-5 * shape * sizes,
        "misses": 2e-3 * shape * (np.abs(times - 4.0) < 0.025),
        "lines": 2e-5 * np.sin(2 * np.pi * 150.1 * times),
        "slow": 3e-5 * np.sin(2 * np.pi * 2.3 * times),
    }
    taken = 2e-3 * shape
    for kind, added in foreign.items():
        output = emg + added
        found = [voluntary_evidence(ek.Recording(x, FS), ek.Recording(x + taken, FS), pulses)[0] for x in (emg, output)]
        assert getattr(found[0], kind) < 0.03, (kind, found[0])
        assert getattr(found[1], kind) > 0.05, (kind, found[1])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_responses_that_vary_are_as_large_as_they_are_wherever_the_ramp_is(share):
    """A share of the power during effort; trains that begin from zero have windows in which nothing varies."""
    count, onsets = int(14 * FS), 0.5 + np.arange(325) / 25
    times = np.arange(count) / FS
    pulse = np.maximum(np.searchsorted(onsets, times, side="right") - 1, 0)
    since, ramp = times - onsets[pulse], np.clip((onsets - 0.4) / 2.0, 0.0, 1.0)[pulse]
    shape = np.where((since >= 0.004) & (since < 0.02), np.sin(2 * np.pi * (since - 0.004) / 0.016), 0.0)
    effort = np.clip(np.minimum(times - 4, 8 - times), 0, 1) + np.clip(np.minimum(times - 10, 13.5 - times), 0, 1)
    found = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        noise = sosfilt(butter(2, (30, 250), "bandpass", fs=FS, output="sos"), rng.standard_normal((2, count)))
        emg = 3e-5 * effort * noise[0] / noise[0].std() + 2e-6 * noise[1] / noise[1].std()
        varies = ramp * shape * rng.standard_normal(onsets.size)[pulse]
        working = effort > 0.5
        varies *= np.sqrt(share / (1 - share) * np.mean(emg[working] ** 2) / np.mean(varies[working] ** 2))
        output, taken = emg + varies, 2e-3 * ramp * shape
        one = voluntary_evidence(ek.Recording(output, FS), ek.Recording(output + taken, FS), ek.Pulses(onsets))[0]
        found.append(one.response)
    middle, low, high = np.median(found), np.quantile(found, 0.1), np.quantile(found, 0.9)
    assert share / 1.5 <= middle <= 1.5 * share + 0.02, (share, middle, low, high)
    assert share / 3 <= low, (share, middle, low, high)
    assert high <= 2.5 * share + 0.05, (share, middle, low, high)


def test_pulses_of_a_stimulator_that_nobody_told_of_are_seen():
    """Its artifacts keep no place in the interval, so that neither means nor single known pulses show them."""
    for seed in range(6):
        rng, count = np.random.default_rng(seed), int(10 * FS)
        times, known = np.arange(count) / FS, 0.5 + np.arange(225) / 25.003
        noise = sosfilt(butter(2, (30, 250), "bandpass", fs=FS, output="sos"), rng.standard_normal(count))
        emg = 1e-4 * noise / noise.std() * np.where((times > 2) & (times < 7), 1.0, 0.05)
        emg += 2e-6 * rng.standard_normal(count)
        spikes = np.zeros(count)
        for onset in 0.7 + np.arange(150) / 17.01:
            spikes += 3e-3 * np.exp(-0.5 * ((times - onset) / 2.5e-4) ** 2)
        share = np.mean(spikes**2) / np.mean(emg**2)
        shares = []
        for output in (emg, emg + spikes):
            row = ek.Recording(output, FS)
            shares.append(voluntary_evidence(row, row, ek.Pulses(known))[0].misses)
        assert shares[0] < 0.02, (seed, shares)
        assert shares[1] > 0.5 * share / (1 + share), (seed, shares, share)


def test_numbers_and_grades_stand_in_repr_results_and_pickles(made, parts):
    assert set(parts.grades) == set(USES)
    assert all(len(one) == made.recording.n_channels for one in parts.grades.values())
    for use in USES:
        assert f"{use.replace('_', ' ')}: " in repr(parts)
        assert parts.quality[f"grade_{use}"].startswith(GRADES)
    one = next(iter(parts.grades["m_wave_size"]))
    assert pickle.loads(pickle.dumps(one)) == one
    assert str(one).startswith(one.grade)
    assert one.limit == USES["m_wave_size"].limit


def test_grades_reach_the_results(parts):
    kept = summarise_separation(parts).quality
    for use in USES:
        assert kept[f"grade_{use}"] == parts.quality[f"grade_{use}"]


def test_methods_that_keep_no_m_wave_or_leave_it_in_are_graded_so(made):
    template = ek.separate(made.recording, made.pulses, "moving_template")
    assert {one.grade for one in template.grades["m_wave_size"]} == {"reject"}
    blanked = ek.separate(made.recording, made.pulses, "blanking")
    assert {one.grade for one in blanked.grades["voluntary_amplitude"]} == {"reject"}
    assert "M-waves stay in it" in blanked.quality["grade_voluntary_amplitude"]


def test_grades_do_not_depend_on_scale_polarity_or_channel_order(made, parts):
    recording = made.recording
    other = ek.Recording(-4 * recording.signal[::-1], recording.fs)
    turned = ek.separate(other, made.pulses).grades
    for use, grades_ in parts.grades.items():
        assert [one.grade for one in grades_] == [one.grade for one in turned[use]][::-1]


@pytest.mark.parametrize("count", [1, 2, 6])
def test_a_few_pulses_are_graded_without_a_fault(made, count):
    few = ek.separate(made.recording, made.pulses.select(slice(0, count)))
    assert set(few.grades) == set(USES)
    assert {one.grade for use in few.grades for one in few.grades[use]} <= set(GRADES)


@pytest.mark.parametrize("method", ["blanking", "moving_template"])
def test_a_dead_channel_and_missing_samples_are_graded_without_a_fault(made, method):
    signal = np.repeat(made.recording.signal, 2, axis=0)
    signal[0] = 0.0
    signal[1, 900:1000] = np.nan
    parts = ek.separate(ek.Recording(signal, made.recording.fs), made.pulses, method)
    assert {one.grade for one in (parts.grades[use][0] for use in USES)} == {"reject"}


def test_a_short_gap_leaves_the_grades_of_m_waves_as_they_are(made, parts):
    """10 ms that were not measured, before one pulse of the first fifth: both uses were rejected."""
    signal = made.recording.signal.copy()
    first = round((made.pulses.onsets[3] - 0.012) * made.recording.fs)
    signal[0, first : first + 20] = np.nan
    found = ek.separate(ek.Recording(signal, made.recording.fs), made.pulses).grades
    for use in ("m_wave_size", "m_wave_spectrum"):
        assert found[use][0].error == pytest.approx(parts.grades[use][0].error, rel=0.3)


def test_the_text_of_many_channels_stays_short():
    own = [Grade("m_wave_size", GRADES[number % 2], "why.", 0.01) for number in range(64)]
    assert (
        grades_text(own, [f"E{number}" for number in range(64)])
        == "good in 32 channels: why. with care in 32 channels: why."
    )
    assert grades_text(own[:1], ["VL"]) == "good: why."
    assert quality_text("jitter", 2e-5) == "0.02000 ms"
    assert quality_text("snr_ceiling", [19.5, np.inf]) == "19.50, inf dB"
