"""Every published method keeps the contract, and the contract finds methods that break it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import emgkit as ek
from emgkit import plugins
from emgkit.artifact.base import windows_mask

# its slow baseline and its mains windows are counted from the first sample, and doublets are not its trains
LOOSER = {"phase_spline": {"shift_tolerance": 0.02, "kinds": ["train", "two_trains", "edges", "single"]}}


@pytest.mark.parametrize("name", plugins.names("emgkit.artifact"))
def test_every_method_keeps_the_contract(name):
    method = plugins.load("emgkit.artifact", name)()
    ek.testing.check_artifact_method(method, **LOOSER.get(name, {}))


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
        (NotFinite, "is not finite"),
        (GivesOther, "as stated"),
        (Refuses, "refuses every train"),
    ],
)
def test_a_broken_law_is_named(broken, law):
    with pytest.raises(ek.ContractError, match=law):
        ek.testing.check_artifact_method(broken(), rates=[2000.0])
