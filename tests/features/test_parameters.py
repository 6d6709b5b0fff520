"""Every parameter has an effect (M-02), and a value out of range is refused."""

from dataclasses import fields

import numpy as np
import pytest

import emgkit as ek

EFFECTS = [
    (ek.Vpp, "window", (0.0125, 0.030)),
    (ek.Vpp, "min_snr", 1e4),
    (ek.Area, "window", (0.0125, 0.030)),
    (ek.Area, "baseline", (0.0118, 0.0135)),
    (ek.Area, "min_snr", 1e4),
    (ek.Area, "max_end", 0.0),
    (ek.Area, "max_imbalance", 0.0),
    (ek.FirstPhaseAmplitude, "window", (0.0125, 0.030)),
    (ek.FirstPhaseAmplitude, "baseline", (0.0118, 0.0135)),
    (ek.FirstPhaseAmplitude, "min_snr", 1e4),
    (ek.FirstPhaseAmplitude, "min_share", 0.7),
    (ek.SecondPhaseAmplitude, "window", (0.0125, 0.030)),
    (ek.SecondPhaseAmplitude, "baseline", (0.0118, 0.0135)),
    (ek.SecondPhaseAmplitude, "min_snr", 1e4),
    (ek.SecondPhaseAmplitude, "min_share", 0.7),
    (ek.TangentLatency, "window", (0.0125, 0.030)),
    (ek.TangentLatency, "baseline", (0.0100, 0.0105)),
    (ek.TangentLatency, "min_snr", 1e4),
    (ek.TangentLatency, "min_share", 0.7),
    (ek.PeakFractionLatency, "window", (0.0125, 0.030)),
    (ek.PeakFractionLatency, "baseline", (0.0100, 0.0105)),
    (ek.PeakFractionLatency, "min_snr", 1e4),
    (ek.PeakFractionLatency, "fraction", 0.5),
    (ek.PeakFractionLatency, "min_share", 0.7),
    (ek.MWaveMDF, "window", (0.0125, 0.030)),
    (ek.MWaveMDF, "baseline", (0.0118, 0.0135)),
    (ek.MWaveMDF, "min_snr", 1e4),
    (ek.MWaveMDF, "band", (100, 200)),
    (ek.MWaveMDF, "max_end", 0.0),
    (ek.MWaveMDF, "max_imbalance", 0.0),
    (ek.MWaveMDF, "max_noise_share", 0.0),
    (ek.MWaveMNF, "window", (0.0125, 0.030)),
    (ek.MWaveMNF, "baseline", (0.0118, 0.0135)),
    (ek.MWaveMNF, "min_snr", 1e4),
    (ek.MWaveMNF, "band", (100, 200)),
    (ek.MWaveMNF, "max_end", 0.0),
    (ek.MWaveMNF, "max_imbalance", 0.0),
    (ek.MWaveMNF, "max_noise_share", 0.0),
    (ek.RMS, "min_valid", 0.95),
    (ek.ARV, "min_valid", 0.95),
    (ek.MDF, "band", (50, 200)),
    (ek.MDF, "taper", 1.0),
    (ek.MDF, "min_valid", 0.95),
    (ek.MNF, "band", (50, 200)),
    (ek.MNF, "taper", 1.0),
    (ek.MNF, "min_valid", 0.95),
]
WITHOUT_EFFECT = {(ek.Vpp, "baseline")}  # a difference does not depend on the zero line; its window must lie inside


def segments(known, feature):
    if "evoked" in feature.kinds:
        return known.evoked(count=30, noise=3e-5)
    signal = known.emg(np.random.default_rng(0), 6, 2000)
    valid = np.ones(signal.shape, dtype=bool)
    valid[:, 900:1100] = False
    return known.windows(signal, valid=valid)


def test_every_parameter_is_in_the_list():
    classes = {feature for feature, _, _ in EFFECTS}
    assert {(c, item.name) for c in classes for item in fields(c)} == {e[:2] for e in EFFECTS} | WITHOUT_EFFECT


@pytest.mark.parametrize(("feature", "name", "value"), EFFECTS, ids=lambda item: getattr(item, "name", str(item)))
def test_changing_a_parameter_changes_the_output(known, feature, name, value):
    """M-02."""
    plain, changed = (f.measure(segments(known, feature)) for f in (feature(), feature(**{name: value})))
    assert np.isfinite(plain.values).all(), np.unique(plain.reasons)
    assert not np.array_equal(plain.values, changed.values, equal_nan=True)


@pytest.mark.parametrize(
    ("feature", "name", "value"),
    [
        (ek.Vpp, "window", (0.03, 0.002)),
        (ek.Vpp, "window", 3),
        (ek.Area, "max_end", 1.5),
        (ek.Area, "min_snr", -1),
        (ek.PeakFractionLatency, "fraction", "half"),
        (ek.FirstPhaseAmplitude, "min_share", 2),
        (ek.MWaveMDF, "band", (-5, 100)),
        (ek.MDF, "band", (450, 20)),
        (ek.MDF, "band", (-20, 450)),
        (ek.MDF, "taper", 1.1),
        (ek.RMS, "min_valid", -0.1),
        (ek.ARV, "min_valid", float("nan")),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name(feature, name, value):
    with pytest.raises(ek.ParameterError, match=name):
        feature(**{name: value})
