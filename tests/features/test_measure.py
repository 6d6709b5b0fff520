"""The verb `measure`: names, objects, kinds, reasons, provenance."""

from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
import pytest

import emgkit as ek
from emgkit.features.base import Feature, Measured
from emgkit.plugins import load, names

EVOKED = ["vpp", "area", "amp_phase1", "amp_phase2", "latency", "latency_peak_fraction", "m_wave_mdf", "m_wave_mnf"]
VOLUNTARY = ["rms", "arv", "mdf", "mnf"]


@dataclass(frozen=True)
class Mean:
    """A feature of a lab: the mean of each segment."""

    name: ClassVar[str] = "mean"
    unit: ClassVar[str] = "V"
    kinds: ClassVar[tuple[str, ...]] = ("evoked", "voluntary")

    def measure(self, segments):
        values = segments.signal.mean(axis=-1)
        return Measured(values, np.full(values.shape, np.nan), np.full(values.shape, ""))


def test_every_published_feature_measures_its_kind_with_value_error_and_unit(known):
    assert sorted(EVOKED + VOLUNTARY) == sorted(names("emgkit.features"))
    noise = 1e-4 * known.emg(np.random.default_rng(0), 12, 2000)
    for segments, asked in ((known.evoked(noise=2e-5), EVOKED), (known.windows(noise), VOLUNTARY)):
        table = ek.measure(segments, asked)
        assert table.names == tuple(asked)
        for name in asked:
            inner = slice(1, -1)
            assert np.isfinite(table.values[name]).all(), (name, np.unique(table.reasons[name]))
            assert (table.standard_errors[name][inner] > 0).all(), name
            assert table.units[name] in {"V", "V·s", "s", "Hz"}


def test_every_feature_follows_the_protocol_and_is_a_frozen_value():
    for name in names("emgkit.features"):
        feature = load("emgkit.features", name)()
        assert isinstance(feature, Feature)
        assert feature.name == name
        assert feature == replace(feature)
        for item in fields(feature):
            with pytest.raises(AttributeError):
                setattr(feature, item.name, 1)


def test_objects_and_names_of_other_modules_are_taken(known):
    table = ek.measure(known.evoked(count=5), ["vpp", Mean()])
    assert table.names == ("vpp", "mean")
    assert ek.measure(known.evoked(count=5), "emgkit.features.amplitude:Area").names == ("area",)


def test_parameters_and_their_provenance_travel_with_the_table(known):
    """M-12, N-16: what was measured with what stands in the table."""
    table = ek.measure(known.evoked(count=5), [ek.MWaveMDF(band=(10, 500))])
    assert table.features == (ek.MWaveMDF(band=(10, 500)),)
    step = table.history[-1]
    assert step.name == "measure"
    assert step.parameters["features"][0]["band"] == (10.0, 500.0)
    assert step.version == ek.__version__


def test_an_evoked_and_a_voluntary_spectrum_are_never_mixed_up(known):
    """E-01, E-04: two estimators, two names."""
    noise = known.windows(known.emg(np.random.default_rng(0), 3, 2000))
    with pytest.raises(ek.ParameterError, match=r"'mdf' is made for voluntary .* are evoked; .*m_wave_mdf"):
        ek.measure(known.evoked(count=5), "mdf")
    with pytest.raises(ek.ParameterError, match="'m_wave_mdf' is made for evoked segments, these are voluntary"):
        ek.measure(noise, ["m_wave_mdf"])
    assert {ek.MDF().name, ek.MWaveMDF().name} == {"mdf", "m_wave_mdf"}


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (["vp"], ek.UnknownNameError, "no feature 'vp': did you mean 'vpp'"),
        (["vpp", ek.Vpp(window=(0.004, 0.02))], ek.ParameterError, "'vpp' was asked for twice"),
        ([], ek.ParameterError, "No feature was asked for"),
        ([ek.Vpp], ek.ParameterError, "name or an object"),
        ([3], ek.ParameterError, "name or an object"),
    ],
)
def test_bad_requests_are_refused_with_advice(known, features, error, message):
    with pytest.raises(error, match=message):
        ek.measure(known.evoked(count=5), features)


def test_a_feature_that_gives_another_shape_is_refused(known):
    @dataclass(frozen=True)
    class Wrong(Mean):
        def measure(self, segments):
            return Measured(np.zeros((1, 1)), np.zeros((1, 1)), np.full((1, 1), ""))

    with pytest.raises(ek.ShapeError, match="gave shape"):
        ek.measure(known.evoked(count=5), [Wrong()])


def test_a_number_beside_a_reason_becomes_nan_and_nan_needs_a_reason():
    """M-04, M-05: missing is NaN plus a reason, never a number, never text in a numeric column."""
    measured = Measured([[1.0]], [[0.1]], [["pinned"]])
    assert np.isnan(measured.values).all()
    assert np.isnan(measured.standard_errors).all()
    with pytest.raises(ek.ShapeError, match="needs a reason"):
        Measured([[np.nan]], [[0.1]], [[""]])


def dead(known, kind, content):
    shape = (6, 2, 2000 if kind == "voluntary" else 56)
    first = 0.0 if kind == "voluntary" else 0.002
    signal = np.full(shape, content)
    return ek.Segments(signal, fs=2000, starts=np.arange(6.0), first=first, kind=kind)


@pytest.mark.parametrize("content", [0.0, 5e-4, 1.0, np.nan])
@pytest.mark.parametrize(("kind", "asked"), [("evoked", EVOKED), ("voluntary", VOLUNTARY)])
def test_zero_constant_and_missing_input_give_nan_and_a_reason(known, kind, asked, content):
    """F-07."""
    table = ek.measure(dead(known, kind, content), asked)
    for name in asked:
        assert np.isnan(table.values[name]).all(), name
        assert (table.reasons[name] != "").all()
        if np.isnan(content):
            assert (table.reasons[name] == "lost").all()


@pytest.mark.parametrize(("kind", "asked"), [("evoked", EVOKED), ("voluntary", VOLUNTARY)])
def test_an_empty_table_is_no_error(known, kind, asked):
    table = ek.measure(dead(known, kind, 0.0).select([]), asked)
    assert len(table) == 0


@pytest.mark.parametrize(
    ("fs", "channels"),
    [(500, 2), (1000, 2), (1925.926, 2), (2000, 1), (2000, 2), (2000, 32), (2048, 2), (5000, 2), (10_000, 2)],
)
def test_any_rate_and_number_of_channels_works(known, fs, channels):
    """I-15, I-16, F-03."""
    one = known.evoked(count=12, fs=fs, noise=1e-5)
    segments = ek.Segments(
        np.repeat(one.signal, channels, axis=1), fs=fs, starts=one.starts, first=one.first, kind="evoked"
    )
    table = ek.measure(segments, EVOKED)
    assert table.values["vpp"].shape == (12, channels)
    assert np.isfinite(table.values["vpp"]).all()
    # at 500 Hz the response itself is folded
    assert table.values["m_wave_mdf"] == pytest.approx(0.1731 / 1.5e-3, rel=0.02 if fs > 500 else 0.06)


GAIN_POWER = {"vpp": 1, "area": 1, "amp_phase1": 1, "amp_phase2": 1, "rms": 1, "arv": 1}


@pytest.mark.parametrize(("kind", "asked"), [("evoked", EVOKED), ("voluntary", VOLUNTARY)])
def test_gain_scales_amplitudes_and_nothing_else_and_polarity_flips_signs_only(known, kind, asked):
    """Gain, offset and polarity laws (M-08, N-13, X-04)."""
    rng = np.random.default_rng(3)
    base = known.evoked(count=20, noise=2e-5) if kind == "evoked" else known.windows(1e-4 * known.emg(rng, 5, 1000))
    plain = ek.measure(base, asked)
    for gain in (1000.0, -0.01):
        scaled = ek.measure(replace(base, signal=base.signal * gain, valid=base.valid), asked)
        for name in asked:
            factor = abs(gain) ** GAIN_POWER.get(name, 0) * (np.sign(gain) if name.startswith("amp") else 1)
            np.testing.assert_allclose(scaled.values[name], factor * plain.values[name], rtol=1e-6)
            np.testing.assert_allclose(
                scaled.standard_errors[name], abs(factor) * plain.standard_errors[name], rtol=1e-6, equal_nan=True
            )


def test_an_offset_does_not_change_voluntary_features(known):
    """M-08, N-13."""
    base = known.windows(1e-4 * known.emg(np.random.default_rng(3), 5, 1000))
    shifted = replace(base, signal=base.signal + 0.5, valid=base.valid)
    for name in VOLUNTARY:
        np.testing.assert_allclose(
            ek.measure(shifted, name).values[name], ek.measure(base, name).values[name], rtol=1e-9
        )


def test_an_offset_under_m_waves_is_seen_or_taken_off_by_a_baseline(known):
    """N-13: an area or spectrum with a wrong zero line is missing, not wrong."""
    base = known.evoked(count=40)
    shifted = replace(base, signal=base.signal + 1e-3, valid=base.valid)
    table = ek.measure(shifted, ["vpp", "area", "m_wave_mdf", "m_wave_mnf"])
    np.testing.assert_allclose(table.values["vpp"], ek.measure(base, "vpp").values["vpp"], rtol=1e-9)
    for name in ("area", "m_wave_mdf", "m_wave_mnf"):
        assert (table.reasons[name] == "truncated").all()
    mended = ek.measure(shifted, ek.Area(baseline=(0.024, 0.030)))
    np.testing.assert_allclose(mended.values["area"], ek.measure(base, "area").values["area"], rtol=1e-3)


STEPS = {
    "clipped": (ek.Step("mark_saturation"),),
    "blanked": (
        ek.Step("mark_saturation"),
        ek.Step("separate", {"method": "blanking", "part": "clean", "evoked_lost_until": 0.001}),
    ),
    "lost": (),
}


@pytest.mark.parametrize("reason", ["clipped", "blanked", "lost"])
def test_one_invalid_sample_makes_every_m_wave_feature_missing_and_says_why(known, reason):
    base = known.evoked(count=10)
    valid = np.ones(base.signal.shape, dtype=bool)
    valid[4, 0, 30] = False
    table = ek.measure(replace(base, valid=valid, history=STEPS[reason]), EVOKED)
    for name in EVOKED:
        assert table.reasons[name][4, 0] == reason
        assert np.isfinite(table.values[name][[0, 1, 2, 7, 8, 9]]).all()


def test_no_invalid_sample_reaches_a_feature(known):
    """Poisoned samples that are not valid change nothing: neither where they lie nor in the neighbours."""
    base = known.evoked(count=40, noise=2e-5)
    valid = np.ones(base.signal.shape, dtype=bool)
    valid[7, 0, 20:25] = False
    poisoned = np.where(valid, base.signal, 1e6)
    a, b = (ek.measure(replace(base, signal=s, valid=valid), EVOKED) for s in (base.signal, poisoned))
    for name in EVOKED:
        np.testing.assert_array_equal(a.values[name], b.values[name])
        np.testing.assert_array_equal(a.standard_errors[name], b.standard_errors[name])


def test_a_window_outside_the_segments_is_refused(known):
    with pytest.raises(ek.ParameterError, match=r"window 0.05 .* holds 0 samples"):
        ek.measure(known.evoked(count=5), [ek.Vpp(window=(0.05, 0.06))])


def test_an_offset_of_the_amplifier_is_no_response():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(200, 1, 56)) * 30e-6 + 76e-3
    segments = ek.Segments(noise, fs=2000, starts=np.arange(200) / 30, first=0.002, kind="evoked")
    table = ek.measure(segments, ["vpp"])
    assert (table.reasons["vpp"] == "no_response").mean() > 0.97
