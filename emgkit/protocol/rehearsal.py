"""Try a verb's arguments on something tiny, so that a wrong value is refused before any recording is read.

The verbs know which values they allow; asking them keeps that knowledge in one place.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from emgkit.errors import EmgkitError, ParameterError, UnitError
from emgkit.protocol.where import Where
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.tables import FeatureTable

__all__ = ["rehearse", "tiny_recording", "tiny_table"]


def rehearse(where: Where, verb: Callable[..., Any], *inputs: Any, **arguments: Any) -> None:
    """Call a verb and pass on only what it says against its arguments; tiny inputs may fail for other reasons.

    Raises
    ------
    ProtocolError
        If an argument is outside its range.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            verb(*inputs, **arguments)
        except (ParameterError, UnitError) as error:
            raise where.error(str(error)) from None
        except EmgkitError:
            pass  # a tiny recording has no such channel, no pulses, no whole window: only recordings can tell


def tiny_recording() -> tuple[Recording, Pulses]:
    """Make 0.1 s of silence, sampled so finely that no window is too short, and one pulse."""
    return Recording(np.zeros((1, 10_000)), fs=100_000.0), Pulses(np.array([0.01]))


def tiny_table(feature: str) -> FeatureTable:
    """Make a table of twenty values of one feature."""
    rows = np.linspace(1.0, 2.0, 20)[:, np.newaxis]
    return FeatureTable(
        values={feature: rows},
        standard_errors={feature: 0.1 * rows},
        units={feature: "1"},
        reasons={feature: np.full(rows.shape, "")},
        valid_fraction=np.ones(rows.shape),
        features=(),
        starts=np.arange(20.0),
        kind="voluntary",
        train=np.zeros(20, dtype=np.int64),
        channel_names=("EMG1",),
    )
