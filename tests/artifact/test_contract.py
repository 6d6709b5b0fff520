"""Every published method keeps the contract, and the contract finds methods that break it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import emgkit as ek
from emgkit import plugins
from emgkit.artifact.base import windows_mask
from emgkit.testing.stimulated import KINDS

# its slow baseline and its mains windows are counted from the first sample, and doublets are not its trains
TOLERANCE = {"phase_spline": 0.02}
KINDS_OF = {"phase_spline": ["edges"], "tail_fit": ["edges"]}  # they take seconds each time: others are slow tests
OTHERS = {"phase_spline": ["train", "two_trains", "two_stimulators"], "tail_fit": ["edges", "single"]}
METHOD_OF = {"tail_fit": ek.TailFit(high_pass=5.0, high_pass_order=1)}  # to find the amplifier takes longest
VARIANTS = [
    pytest.param(ek.TailFit(), marks=pytest.mark.slow),
    ek.Blanking(after=0.003, fill=ek.Line()),
    ek.Interpolation(fill=ek.ARInnovation()),
    ek.MovingTemplate(fit_gain=True, fit_shift=True),
    ek.MovingTemplate(causal=True, fit_shift=True),
    ek.TemplatePCA(rank=ek.FixedRank(2)),
    ek.Comb(causal=True, blanking=ek.Blanking()),
    ek.LinearPrediction(order=3, blanked=0.0, divide_out=True),
    ek.LocalPolynomial(half_width=0.01, after=0.02),
    ek.Spatial(learned_until=0.002),
]


@pytest.mark.parametrize("name", plugins.names("emgkit.artifact"))
def test_every_method_keeps_the_contract(name):
    method, kinds = METHOD_OF.get(name) or plugins.load("emgkit.artifact", name)(), KINDS_OF.get(name, KINDS)
    most = TOLERANCE.get(name, 1e-6)
    ek.testing.check_artifact_method(method, rates=[2000.0], kinds=kinds, shift_tolerance=most)
    if name != "phase_spline":
        others, kinds = [1000.0, 5000.0], KINDS_OF.get(name, ["train"])
        ek.testing.check_artifact_method(method, rates=others, kinds=kinds, seeds=[1], shift_tolerance=most)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_slow_methods_keep_the_contract_in_all_their_trains(name):
    method, most = METHOD_OF.get(name) or plugins.load("emgkit.artifact", name)(), TOLERANCE.get(name, 1e-6)
    ek.testing.check_artifact_method(method, rates=[2000.0], kinds=OTHERS[name], shift_tolerance=most)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1000.0, 5000.0])
def test_phase_spline_keeps_the_contract_at_other_rates(rate):
    most = TOLERANCE["phase_spline"]
    ek.testing.check_artifact_method(ek.PhaseSpline(), rates=[rate], kinds=["train"], seeds=[1], shift_tolerance=most)


@pytest.mark.parametrize("method", VARIANTS, ids=repr)
def test_every_variant_keeps_the_contract(method):
    ek.testing.check_artifact_method(method, rates=[1925.926], kinds=["train"], seeds=[2])


@dataclass(frozen=True)
class Sound:
    """Take a constant share of what follows each pulse: harmless, and lawful."""

    name: ClassVar[str] = "sound"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "clean")

    def separate(self, signal, fs, pulses):
        near = windows_mask(pulses.onsets, fs, signal.shape[1], 0.0, 0.002)
        return ek.Parts({"artifact": self.taken(signal, near, fs)}, "clean", None, 0.002, (0.0, 0.002))

    def taken(self, signal, near, fs):
        return np.where(near & np.isfinite(signal), 0.5 * signal, 0.0)


class Edits(Sound):
    def taken(self, signal, near, fs):
        signal *= 0.99
        return 0.0 * signal


class Rectifies(Sound):
    def taken(self, signal, near, fs):
        return np.abs(super().taken(signal, near, fs))


class Thresholds(Sound):
    def taken(self, signal, near, fs):
        return np.where(np.abs(signal) > 1e-3, super().taken(signal, near, fs), 0.0)


class FavoursTheFirst(Sound):
    def taken(self, signal, near, fs):
        return super().taken(signal, near, fs) * (np.arange(len(signal)) == 0)[:, np.newaxis]


class ReachesFar(Sound):
    def taken(self, signal, near, fs):
        return super().taken(signal, np.ones_like(near), fs)


class CountsFromTheStart(Sound):
    def taken(self, signal, near, fs):
        return super().taken(signal, near, fs) * np.cos(np.arange(signal.shape[1]) / fs)


class Random(Sound):
    def taken(self, signal, near, fs):
        return super().taken(signal, near, fs) * np.random.default_rng().uniform()


class SpreadsMissing(Sound):
    def taken(self, signal, near, fs):
        return np.where(near, signal * 0.5 + 0.0 * signal.sum(), 0.0)


class NotFinite(Sound):
    def taken(self, signal, near, fs):
        return np.where(near, np.inf, 0.0) + 0.0 * signal


class GivesOther(Sound):
    gives: ClassVar[tuple[str, ...]] = ("locked", "voluntary")


class Refuses(Sound):
    def separate(self, signal, fs, pulses):
        raise ek.TimingError("not today")


def test_a_lawful_method_passes():
    ek.testing.check_artifact_method(Sound(), rates=[2000.0])


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (Edits, "the input was modified"),
        (Rectifies, "opposite polarity does not pass through"),
        (Thresholds, "another unit does not pass through"),
        (FavoursTheFirst, "another order of the channels does not pass through"),
        (ReachesFar, "outside the declared reach"),
        (CountsFromTheStart, "a shift by 37 samples does not pass through"),
        (Random, "a second run gives other bits"),
        (SpreadsMissing, "not finite"),
        (NotFinite, "is not finite"),
        (GivesOther, "as stated"),
        (Refuses, "refuses every train"),
    ],
)
def test_a_broken_law_is_named(broken, law):
    with pytest.raises(ek.ContractError, match=law):
        ek.testing.check_artifact_method(broken(), rates=[2000.0])
