"""What the simulator refuses, in one line, and what it accepts at the edges of its ranges."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.simulate import (
    SCENARIOS,
    Effort,
    FatigueParameters,
    FrontEnd,
    PoolParameters,
    Surroundings,
    endurance,
    hold,
    scenario,
    simulate,
    tiny,
)
from emgkit.simulate.pool import make_pool


@pytest.mark.parametrize("rng", [1, None, np.random.RandomState(1)])
def test_a_source_of_chance_that_is_none_is_refused(rng):
    with pytest.raises(ek.ParameterError, match="rng must be a numpy"):
        tiny(rng=rng)


@pytest.mark.parametrize("session", [1, None, "tiny", tiny])
def test_a_session_that_is_none_is_refused(session):
    with pytest.raises(ek.ParameterError, match="session must be a Session"):
        simulate(session, rng=np.random.default_rng(1))


@pytest.mark.parametrize("name", [1, None, ["tiny"], {"tiny": 1}])
def test_a_scenario_s_name_that_is_none_is_refused(name):
    with pytest.raises(ek.UnknownNameError, match="There is no scenario"):
        scenario(name)


@pytest.mark.parametrize("wrong", ["pool", "parameters", "rng"])
@pytest.mark.parametrize("verb", [hold, endurance])
def test_a_held_force_is_asked_for_with_values_of_the_right_kind(verb, wrong):
    right = {
        "pool": make_pool(PoolParameters(), rng=np.random.default_rng(1)),
        "parameters": FatigueParameters(),
        "rng": np.random.default_rng(1),
    }
    with pytest.raises(ek.ParameterError, match=f"^{wrong} must be a"):
        verb(target=0.3, path="nerve", **{**right, wrong: "tiny"})


@pytest.mark.parametrize("name", ["noise", "ecg", "movement", "mains_amplitude", "pop_size"])
@pytest.mark.parametrize("per_volt", [1e6, 1e3])
def test_surroundings_in_microvolt_or_in_loud_millivolt_are_refused(name, per_volt):
    """50 µV of anything but noise, and 10 µV of noise, given in the wrong unit, are more than anybody records."""
    level = 10e-6 if name == "noise" else 200e-6
    with pytest.raises(ek.ParameterError, match=f"^{name} must lie within"):
        Surroundings(**{name: level * per_volt})
    assert getattr(Surroundings(**{name: level}), name) == level


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
                ({"second_rank": 0.1, "taus": (), "shares": ()}, "a tail: give taus and shares"),
                ({"block": 0.5, "bursts": 0}, "firing rates above 50 Hz: give rate"),
                ({"block_recovery": 2.0, "bursts": 0}, "firing rates above 50 Hz: give rate"),
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
        *(
            (name, changes, f"^{next(iter(changes))} has no effect in {name} without {words}, too")
            for name, changes, words in (
                *(
                    ("recruitment", {one: value}, "slowing: give it")
                    for one, value in {"limit": 0.2, "shared": 0.5, "recovery": 30.0, "after_potential": 0.1}.items()
                ),
                *(
                    ("recruitment", {one: value}, "weakening: give it")
                    for one, value in {"weakest": 0.2, "force_recovery": 50.0, "activation_share": 0.5}.items()
                ),
                *(
                    (name, {one: value}, "an effort: give effort, and bursts, contractions or profile")
                    for name in ("recruitment", "recovery", "intermittent_nmes")
                    for one, value in {
                        "common_drive": 0.1,
                        "synchrony": 0.1,
                        "entrainment": 0.1,
                        "quantity": "force",
                        "rise": 0.5,
                        "burst_length": 2.0,
                    }.items()
                ),
                ("recruitment", {"size_effect": 0.6}, "fatigue: give slowing, weakening or, above 50 Hz, block"),
                ("tiny", {"block_recovery": 2.0, "block": 0.0}, "a block: give block"),
                ("recovery", {"conduction": 0.01}, "an effort or an H-reflex: give effort and bursts, or h_reflex"),
                (
                    "intermittent_nmes",
                    {"conduction": 0.01},
                    "an effort or an H-reflex: give effort and bursts, or h_reflex",
                ),
                ("recovery", {"effort": 0.3}, "a contraction: give bursts, contractions or profile"),
                ("tiny", {"bursts": 2, "effort": 0.0}, "an effort: give effort"),
                ("tiny", {"rise": 0.1, "bursts": 0}, "an effort: give effort, and bursts, contractions or profile"),
                ("tiny", {"entrainment": 0.3, "rate": 2.0}, "pulses less than 0.2 s apart: give rate"),
                *((name, {"shift": 0.005}, "a second pair of electrodes: give lateral") for name in SCENARIOS),
            )
        ),
        (
            "tiny",
            {"sizes": (1.0, 0.5)},
            "sizes must hold at most as many entries as there are muscles in tiny, 1, got 2",
        ),
        (
            "tiny",
            {"efforts_of": (Effort(bursts=0), Effort(bursts=0))},
            "efforts_of must hold at most .* muscles in tiny, 1",
        ),
        ("foot_drop", {"gains": (1.0, 0.5, 2.0)}, "gains must hold at most .* as there are channels in foot_drop, 2"),
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
        {
            "slowing": 0.0,
            "limit": 0.4,
            "weakening": 0.0,
            "weakest": 0.05,
            "shift": 0.0,
            "gains": (1.0, -0.6, 0.8, -0.4),
        },
        {"bursts": 0, "burst_length": 1.0, "common_drive": 0.0, "conduction": 0.017},
        {"bursts": 0, "effort": 0.0},
        {"lateral": (0.0, 0.01), "channel_names": ("A", "B"), "shift": 0.004},
        {"rate": 60.0, "slowing": 0.0, "weakening": 0.0, "size_effect": 0.5},
        {"rate": 20.0, "entrainment": 0.3},
        {"effort": 0.0},
        # what is as it was without may be said again
        {"packet": 0.013, "heart_rate": 70.0, "levels": [1.0], "packet_slip": False, "neighbour": 0.0},
    )
    for changes in there:
        assert np.isfinite(tiny(rng=rng, **few, **changes).recording.signal).all()
    # what the scenario has itself may be too much: 20 levels, now for one train
    made = SCENARIOS["recruitment"](rng=rng, trains=((1.0, 4.0),), h_reflex=0.0, duration=5.0, **few)
    assert made.pulses.n_trains == 1


def test_what_another_change_gives_an_effect_to_is_taken():
    rng, few = np.random.default_rng(1), {"units": 3, "fibres_per_unit": 1, "trains": ((1.0, 4.0),), "duration": 5.0}
    for changes in (
        {"slowing": 0.01, "limit": 0.2, "shared": 0.5, "recovery": 30.0, "after_potential": 0.1, "size_effect": 0.5},
        {"weakening": 0.01, "weakest": 0.2, "force_recovery": 50.0, "activation_share": 0.5},
        {"bursts": 1, "burst_length": 1.0, "common_drive": 0.1, "synchrony": 0.1, "quantity": "force", "rise": 0.1},
        {"profile": ((0.0, 0.3),), "common_drive": 0.1, "conduction": 0.01},
        {"conduction": 0.01},  # it has an H-reflex
    ):
        assert np.isfinite(SCENARIOS["recruitment"](rng=rng, **few, **changes).recording.signal).all(), changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"duration": 1.0}, "bursts must lie within 0 ... 0 where each takes burst_length=1 s of the 0.8 s .* got 1"),
        ({"duration": 1.0}, "burst_length of at most 0.8 s, or a longer duration"),
        ({"stimulation": (0.0, 0.01)}, "bursts must lie within 0 ... 0 .* burst_length of at most"),
        ({"bursts": 3}, "bursts must lie within 0 ... 2 .* got 3"),
        # a longer recording would not help here: the trains stay as they are
        ({"trains": ((0.1, 0.5),)}, "bursts .* of the 0.4 s of stimulation, got 1: .* trains .* given, longer ones"),
    ],
)
def test_contractions_that_take_too_long_are_told_with_what_would_fit(changes, words):
    with pytest.raises(ek.ParameterError, match=words) as refused:
        tiny(rng=np.random.default_rng(1), **changes)
    assert "\n" not in str(refused.value)


def test_bursts_that_are_said_to_fit_do():
    for changes in ({"bursts": 2}, {"duration": 1.0, "burst_length": 0.8}, {"duration": 1.0, "bursts": 0}):
        assert tiny(rng=np.random.default_rng(1), units=3, fibres_per_unit=1, **changes).pulses.n_trains


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
