"""The scores of the benchmark: one door to all of them."""

from __future__ import annotations

from emgkit.benchmark.evoked_scores import evoked_scores
from emgkit.benchmark.masked import snr
from emgkit.benchmark.scene import Scene, scene_of
from emgkit.benchmark.scored import SCORES, Score, Scored, Undefined, missing
from emgkit.benchmark.voluntary_scores import voluntary_scores

__all__ = [
    "SCORES",
    "Scene",
    "Score",
    "Scored",
    "Undefined",
    "evoked_scores",
    "missing",
    "scene_of",
    "snr",
    "voluntary_scores",
]
