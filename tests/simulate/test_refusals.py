"""What the simulator refuses, in one line, and what it accepts at the edges of its ranges."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.simulate import SCENARIOS, FrontEnd, tiny


@pytest.mark.parametrize("rng", [1, None, np.random.RandomState(1)])
def test_a_source_of_chance_that_is_none_is_refused(rng):
    with pytest.raises(ek.ParameterError, match="rng must be a numpy"):
        tiny(rng=rng)


def test_recoveries_faster_than_the_first_stage_is_computed_are_refused():
    with pytest.raises(ek.ParameterError, match="rail_recovery must be 0 or at least"):
        FrontEnd(rail_recovery=1e-6)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_converter_stays_within_its_range_and_codes(bits):
    codes = np.unique(FrontEnd(bits=bits, full_scale=1e-3).convert(np.linspace(-2e-3, 2e-3, 2**18 + 1)))
    assert codes.size <= 2**bits
    assert np.abs(codes).max() <= 1e-3
    assert np.ptp(np.diff(codes)) < 1e-12


def test_tails_may_be_as_long_as_stated():
    assert np.isfinite(tiny(rng=np.random.default_rng(1), taus=[2.0], shares=[0.5]).recording.signal).all()


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("hybrid_fes", {"bursts": 2}, "bursts has no effect in hybrid_fes, where profile stands instead of it"),
        ("hybrid_fes", {"effort": 0.9}, "effort has no effect in hybrid_fes"),
        ("hybrid_fes", {"rise": 0.1}, "rise has no effect in hybrid_fes"),
        ("hybrid_fes", {"contractions": ((1.0, 2.0),)}, "profile stands instead of contractions"),
        ("foot_drop", {"bursts": 2}, "bursts has no effect in foot_drop, where contractions stands"),
        ("foot_drop", {"on": 1.0, "off": 1.0}, "trains stand instead of stimulation, on and off"),
        ("recovery", {"stimulation": (1.0, 9.0)}, "trains stand instead of stimulation, on and off"),
        ("tiny", {"trains": ((0.5, 2.5),), "on": 0.5, "off": 0.5}, "trains stand instead of"),
        ("tiny", {"intervals": (0.1, 0.1), "rate": 20.0}, "rate has no effect in tiny, where intervals stands"),
        (
            "tiny",
            {"packet_loss": 0.2, "packet": 1.0},
            "packet must be at most 0.3 s, so that the recording has at least",
        ),
        *(
            ("tiny", changes, f"^{next(iter(changes))} has no effect in tiny without {words}, too")
            for changes, words in (
                ({"rail_recovery": 0.01}, "a rail: give rail"),
                ({"rail_recovery": 0.01, "slew": 300.0}, "a rail: give rail"),
                ({"high_pass_order": 2, "high_pass": None}, "a high-pass: give high_pass"),
                ({"droop": 5.0}, "blanking hardware: give blanking"),
                ({"droop": 5.0, "blanking": 0.003, "blanked_to": "zero"}, 'a held value: give blanked_to="held"'),
                ({"blanked_to": "zero"}, "blanking hardware: give blanking"),
                ({"packet": 0.1}, "lost packets: give packet_loss"),
                ({"packet_slip": True}, "lost packets: give packet_loss"),
                ({"modulation_period": 3.0}, "a modulation: give modulation"),
                ({"h_latency": 0.035}, "an H-reflex: give h_reflex"),
                ({"h_current": 0.5}, "an H-reflex: give h_reflex"),
                ({"pop_size": 1e-3}, "pops: give pops"),
                ({"heart_rate": 90.0}, "a heart: give ecg"),
                ({"mains": 60.0, "mains_amplitude": 0.0}, "mains: give mains_amplitude"),
                ({"flicker": 5.0, "noise": 0.0}, "noise: give noise"),
                ({"neighbour": 0.1}, "a second channel: give channel_names"),
                ({"power_exponent": 0.3}, "a power tail: give power_share"),
                ({"potentiation_on": 3.0}, "potentiation: give it"),
                ({"potentiation_off": 3.0}, "potentiation: give it"),
                ({"threshold_time": 30.0, "threshold_rise": 0.0}, "a rise of the thresholds: give threshold_rise"),
                ({"gap": 1e-4, "shape": "monophasic"}, "a second phase, or cycles: give shape or cycles"),
                ({"imbalance": 0.1, "shape": "monophasic"}, "a second phase: give shape"),
            )
        ),
        (
            "tiny",
            {"levels": (1.0, 0.5)},
            "levels must hold at most as many entries as there are trains in tiny, 1, got 2",
        ),
        (
            "tiny",
            {"efforts": (1.0, 0.5)},
            "efforts must hold at most as many entries as there are contractions in tiny, 1",
        ),
        ("recruitment", {"efforts": (0.5,)}, "as there are contractions in recruitment, 0, got 1"),
    ],
)
def test_what_would_have_no_effect_is_refused(name, changes, words):
    with pytest.raises(ek.ParameterError, match=words) as refused:
        SCENARIOS[name](rng=np.random.default_rng(1), **changes)
    assert "\n" not in str(refused.value)


def test_what_belongs_to_something_that_is_there_is_taken():
    few, rng = {"units": 3, "fibres_per_unit": 1}, np.random.default_rng(1)
    there = (
        {"rail": 0.004, "rail_recovery": 0.01},
        {"blanking": 0.003, "droop": 5.0},
        {"shape": "monophasic", "gap": 1e-4, "cycles": 2},
        {"trains": ((0.5, 1.0), (1.5, 2.0)), "levels": (1.0, 0.5)},
        {"channel_names": ("VL", "VM"), "neighbour": 0.1},
        # what is as it was without may be said again
        {"packet": 0.013, "heart_rate": 70.0, "levels": [1.0], "packet_slip": False, "neighbour": 0.0},
    )
    for changes in there:
        assert np.isfinite(tiny(rng=rng, **few, **changes).recording.signal).all()
    # what the scenario has itself may be too much: 20 levels, now for one train
    made = SCENARIOS["recruitment"](rng=rng, trains=((1.0, 4.0),), h_reflex=0.0, duration=5.0, **few)
    assert made.pulses.n_trains == 1


def test_what_stands_instead_may_be_given_up():
    few = {"units": 3, "fibres_per_unit": 1, "duration": 40.0}
    made = SCENARIOS["hybrid_fes"](rng=np.random.default_rng(1), profile=None, bursts=2, effort=0.3, **few)
    assert [mark.label for mark in made.recording.marks].count("voluntary") == 2
    assert made.truth.drive.max() < 0.5
    made = SCENARIOS["tiny"](rng=np.random.default_rng(1), trains=((0.5, 1.5),), on=None, off=None, bursts=0)
    assert made.truth.onsets.max() < 1.5
    lost = SCENARIOS["tiny"](rng=np.random.default_rng(1), packet_loss=0.5, packet=0.3).truth.condition == 4
    assert lost.any()


@pytest.mark.parametrize(
    "changes",
    [
        {"velocity": 1.5},
        {"velocity": 3.0, "slowing": 0.05, "duration": 60.0},
        {"slowing": 0.05, "limit": 0.5, "duration": 120.0},
        {"slowing": 0.05, "limit": 0.6, "duration": 120.0},
    ],
)
def test_m_waves_that_outlast_the_window_of_their_features_are_refused(changes):
    with pytest.raises(ek.ParameterError, match=r"velocity must be at least .* m/s.* got .* m/s") as refused:
        tiny(rng=np.random.default_rng(1), **changes)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("changes", [{"limit": 0.6}, {"velocity": 2.6, "slowing": 0.0}])
def test_limits_and_velocities_are_accepted_where_m_waves_end_in_time(changes):
    assert np.isfinite(tiny(rng=np.random.default_rng(1), **changes).truth.features["m_wave_mnf"]).all()
