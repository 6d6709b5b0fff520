"""A protocol says what is done in words that are checked against the verbs they are for."""

import contextlib
import inspect
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgkit.errors import MissingFileError, ProtocolError
from emgkit.protocol import SECTIONS, Protocol
from emgkit.protocol.arguments import arguments_of

EXAMPLES = sorted(Path(__file__).parents[1].glob("datasets/protocols/*.toml"))
WHOLE = """
[read]
emg = ["VL", "VM"]
aux = ["TRIG", "force"]

[[marks]]
label = "voluntary"
start = 1.0
stop = 5

[pulses]
presence = "required"
channel = "TRIG"
rate = 30

[separate]
method = "auto"

[evoked]
window = [0.002, 0.030]
features = ["vpp", "m_wave_mdf"]

[voluntary]
during = "voluntary"
length = 1.0
features = ["rms", { name = "mdf", band = [20, 450] }]

[trend]
method = "theil_sen"

[compare]
feature_a = "mdf"
feature_b = "m_wave_mdf"
"""


@dataclass(frozen=True)
class Halver:
    """A lab's own method: half of everything is artifact."""

    name: ClassVar[str] = "halver"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "evoked", "voluntary")
    share: float = 0.5

    def separate(self, signal, fs, pulses):
        raise AssertionError("not run here")


def written(tmp_path, text):
    path = tmp_path / "fatigue.toml"
    path.write_text(text)
    return path


def parsed(text):
    return Protocol.from_dict(tomllib.loads(text), "fatigue.toml")


def refusal(text):
    with pytest.raises(ProtocolError) as caught:
        parsed(text)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_whole_protocol_is_read_with_the_defaults_of_the_verbs(tmp_path):
    protocol = Protocol.from_toml(written(tmp_path, WHOLE))
    assert protocol.evoked.cut["window"] == (0.002, 0.030)
    assert [feature.name for feature in protocol.voluntary.features] == ["rms", "mdf"]
    assert protocol.voluntary.features[1].band == (20, 450)
    assert protocol.voluntary.cut["overlap"] == 0.0
    assert protocol.pulses.detect["rate"] == 30.0
    assert protocol.trend["method"] == "theil_sen"
    assert protocol.compare[0]["feature_b"] == "m_wave_mdf"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_protocols_are_valid(path):
    assert len(Protocol.from_toml(path).sha256) == 64


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_resolved_protocol_is_a_protocol_that_does_the_same(path):
    protocol = Protocol.from_toml(path)
    again = Protocol.from_dict(json.loads(protocol.text))
    assert again.text == protocol.text


def test_the_fingerprint_tells_what_is_done_and_not_how_it_is_written():
    spelled_out = WHOLE.replace("length = 1.0", "length = 1\noverlap = 0.0  # the default")
    assert parsed(spelled_out).sha256 == parsed(WHOLE).sha256


# M-02: every parameter that is changed changes what is done
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('emg = ["VL", "VM"]', 'emg = ["VM", "VL"]'),
        ("stop = 5", "stop = 6"),
        ("rate = 30", "rate = 31"),
        ('presence = "required"', 'presence = "optional"'),
        ('method = "auto"', 'method = "phase_spline"'),
        ("0.030", "0.025"),
        ('"vpp", ', '"area", '),
        ("length = 1.0", "length = 0.5"),
        ("[20, 450]", "[20, 400]"),
        ('"theil_sen"', '"ols"'),
        ('"mdf"\nfeature_b', '"rms"\nfeature_b'),
    ],
)
def test_every_change_of_meaning_changes_the_fingerprint(old, new):
    assert old in WHOLE
    assert parsed(WHOLE.replace(old, new)).sha256 != parsed(WHOLE).sha256


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[evoked]", "[evokd]", ["evokd", "did you mean 'evoked'"]),
        ("window =", "windw =", ["[evoked] windw", "unknown key", "did you mean 'window'"]),
        ("[0.002, 0.030]", "[0.002]", ["[evoked] window", "got [0.002]"]),
        ("[0.002, 0.030]", '"early"', ["[evoked] window", "got 'early'"]),
        ('"m_wave_mdf"]', '"m_wave_mdff"]', ["[evoked.features]", "did you mean 'm_wave_mdf'"]),
        ('"vpp", ', '"rms", ', ["[evoked] features", "rms is not for evoked"]),
        ('"vpp", "m_wave_mdf"', "", ["[evoked] features", "at least one feature"]),
        ('"vpp", "m_wave_mdf"', '"vpp", "vpp"', ["[evoked] features", "vpp is asked for twice"]),
        ("band = [20, 450]", "bnd = [20, 450]", ["[voluntary.features.mdf] bnd", "did you mean 'band'"]),
        ("band = [20, 450]", "band = [450, 20]", ["[voluntary.features.mdf]"]),
        ('name = "mdf"', "nme = 3", ["[voluntary.features]", "a table with a name is needed"]),
        ("length = 1.0", 'length = "1.0"', ["[voluntary] length", "got '1.0'", "a number"]),
        ('presence = "required"', 'presence = "requird"', ["[pulses] presence", "did you mean 'required'"]),
        ("rate = 30", "rate = true", ["[pulses] rate", "got True", "a number"]),
        ('channel = "TRIG"', "chanel = 3", ["[pulses] chanel", "did you mean 'channel'", "presence"]),
        ('method = "auto"', 'method = "phase_splin"', ["[separate]", "did you mean 'phase_spline'"]),
        ('method = "auto"', 'method = "auto"\nwindow = 3', ["[separate] window", "name a method"]),
        ('"theil_sen"', '"theilsen"', ["[trend]", "method='theilsen'", "did you mean 'theil_sen'"]),
        ('feature_a = "mdf"', 'feature_a = "mfd"', ["[compare] feature_a", "did you mean 'mdf'"]),
        ("stop = 5", "stop = 0.5", ["[marks]", "stops (0.5 s) before it starts"]),
        ("stop = 5", "", ["[marks] stop", "is missing"]),
        ('emg = ["VL", "VM"]', "emg = 5", ["[read] emg", "got 5"]),
        ('emg = ["VL", "VM"]', 'egm = ["VL"]', ["[read] egm", "did you mean 'emg'"]),
        ('emg = ["VL", "VM"]', 'format = "matlb"', ["[read] format", "did you mean 'matlab'"]),
        ('emg = ["VL", "VM"]', 'format = "bdf"\nvariable = "emg"', ["[read] variable", "unknown key"]),
        ('emg = ["VL", "VM"]', "variable = 3", ["[read] variable", "got 3"]),
        ('emg = ["VL", "VM"]', 'unit = "furlong"', ["[read]", "'furlong' is no unit of voltage"]),
        # wrong values that only the verbs know
        ("[0.002, 0.030]", "[0.030, 0.002]", ["[evoked]", "window must start before it stops"]),
        ("length = 1.0", "length = -1", ["[voluntary]", "length must be above 0"]),
        ("length = 1.0", "overlap = 1.5", ["[voluntary]", "overlap must lie within"]),
        ("rate = 30", "rate = -30", ["[pulses]", "rate must be above 0"]),
        ('method = "theil_sen"', "level = 1.5", ["[trend]", "level"]),
        ('feature_a = "mdf"', 'feature_a = "mdf"\nshare = 0.9', ["[compare]", "share must lie within"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_file_key_and_the_nearest(old, new, expected):
    assert old in WHOLE
    message = refusal(WHOLE.replace(old, new))
    assert message.startswith("fatigue.toml: ")
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "nothing is to be measured"),
        ('[read]\nlayout = "matrix"\n[voluntary]\nfeatures = ["rms"]', "sweeps"),
        ('[read]\nlayout = "matrix"\n[pulses]\n[evoked]\nfeatures = ["vpp"]', "[pulses]: sweeps"),
        ('[read]\nlayout = "matrx"\n[evoked]\nfeatures = ["vpp"]', "did you mean 'matrix'"),
        ('[pulses]\npresence = "none"\n[evoked]\nfeatures = ["vpp"]', "no responses without pulses"),
        ('[separate]\nmethod = "blanking"\n[voluntary]\nfeatures = ["rms"]', "blanking cannot tell 'voluntary' apart"),
        ('[pulses]\nonsets = [1.0]\nrate = 3\n[evoked]\nfeatures = ["vpp"]', "[pulses] onsets"),
        ("evoked = 3", "[evoked]: a section with keys is needed, got 3"),
        ('marks = "x"\n[voluntary]\nfeatures = ["rms"]', "[marks]"),
        ('[voluntary]\nfeatures = ["no_module_here:X"]', "cannot be loaded"),
    ],
)
def test_a_protocol_that_contradicts_itself_is_refused(text, expected):
    assert expected in refusal(text)


def test_a_part_that_the_method_can_give_may_be_chosen():
    blanking = '[separate]\nmethod = "blanking"\nfill = "line"\n[voluntary]\npart = "clean"\nfeatures = ["rms"]'
    protocol = parsed(blanking)
    assert protocol.method.fill.name == "line"
    assert protocol.voluntary.part == "clean"


def test_a_lab_names_its_own_method_and_its_parameters_are_checked():
    name = f"{__name__}:Halver"
    text = f'[separate]\nmethod = "{name}"\nshare = 0.25\n[voluntary]\nfeatures = ["rms"]'
    protocol = parsed(text)
    assert protocol.method.share == 0.25
    assert protocol.resolved()["separate"] == {"method": name, "share": 0.25}
    assert "did you mean 'share'" in refusal(text.replace("share", "sahre"))


def test_objects_may_stand_in_place_of_names():
    from emgkit.features.spectrum import MDF

    content = {"pulses": {"presence": "none"}, "voluntary": {"features": [MDF(band=(30, 400))]}}
    assert Protocol.from_dict(content).voluntary.features[0].band == (30, 400)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[read\n", "no valid TOML"),
        (b"\xff\xfe\x00binary", "no text in UTF-8"),
        (b"[read]\nfs = 1\nfs = 2\n", "no valid TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_in_one_line(tmp_path, content, expected):
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(ProtocolError, match=expected) as caught:
        Protocol.from_toml(path)
    assert "broken.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_protocol_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"nowhere\.toml"):
        Protocol.from_toml(tmp_path / "nowhere.toml")


def test_a_folder_is_no_protocol(tmp_path):
    with pytest.raises(ProtocolError, match="cannot be read"):
        Protocol.from_toml(tmp_path)


def test_options_for_reading_go_before_those_of_the_file(tmp_path):
    protocol = Protocol.from_toml(written(tmp_path, WHOLE), read={"emg": ["RF"], "unit": "mV"})
    assert protocol.resolved()["read"] == {"emg": ["RF"], "aux": ["TRIG", "force"], "unit": "mV"}


@given(st.dictionaries(st.sampled_from([*SECTIONS, "nonsense"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
), max_size=4))  # fmt: skip
def test_whatever_stands_in_a_protocol_it_is_read_or_refused(content):
    with contextlib.suppress(ProtocolError):  # anything else would be a fault of ours
        assert Protocol.from_dict(content).sha256


def test_the_keys_of_every_section_are_the_arguments_of_its_verb():
    from emgkit.cut import cut_m_waves, cut_windows
    from emgkit.detect.detect_pulses import detect_pulses
    from emgkit.study.change import change
    from emgkit.study.compare import compare
    from emgkit.study.trend import trend

    resolved = parsed(WHOLE).resolved()
    verbs = {
        "pulses": (detect_pulses, {"recording"}, {"presence"}),
        "evoked": (cut_m_waves, {"recording", "pulses"}, {"features", "part"}),
        "voluntary": (cut_windows, {"recording"}, {"features", "part"}),
        "trend": (trend, {"table", "feature"}, set()),
        "change": (change, {"table", "feature"}, set()),
    }
    for section, (verb, given_by_us, own) in verbs.items():
        assert set(resolved[section]) == (set(inspect.signature(verb).parameters) - given_by_us) | own
    assert set(resolved["compare"][0]) == set(arguments_of(compare)) - {"table_a", "table_b"}
