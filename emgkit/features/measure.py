"""Measure features on segments."""

from __future__ import annotations

from collections.abc import Iterable

from emgkit.errors import ParameterError, ShapeError
from emgkit.features.base import Feature, Measured
from emgkit.plugins import load, names
from emgkit.segments import Segments
from emgkit.step import Step
from emgkit.tables import FeatureTable

__all__ = ["measure"]


def measure(segments: Segments, features: str | Feature | Iterable[str | Feature]) -> FeatureTable:
    """Measure features on every segment and channel, each with its standard error or the reason why it is missing.

    Parameters
    ----------
    segments : Segments
        From `cut_m_waves`, `cut_windows` or `read_sweeps`.
    features : str, feature object, or sequence of them
        Names ("vpp", "mdf", or "my_module:MyFeature") stand for the feature with its default parameters.

    Returns
    -------
    FeatureTable
        Values, standard errors, units and reasons, with the feature objects.

    Raises
    ------
    UnknownNameError
        If there is no such feature; the nearest name is offered.
    ParameterError
        If a feature is not made for this kind of segments, or two features have one name.

    Examples
    --------
    >>> import numpy as np
    >>> import emgkit as ek
    >>> noise = 1e-4 * np.random.default_rng(0).normal(size=(5, 1, 2000))
    >>> windows = ek.Segments(noise, fs=2000, starts=np.arange(5.0), first=0.0, kind="voluntary")
    >>> ek.measure(windows, ["rms", ek.MDF(band=(20, 400))]).names
    ('rms', 'mdf')
    """
    listed = _resolve(features)
    for feature in listed:
        _check_kind(feature, segments)
    measured = {feature.name: _checked(feature, feature.measure(segments), segments) for feature in listed}
    return FeatureTable(
        values={name: one.values for name, one in measured.items()},
        standard_errors={name: one.standard_errors for name, one in measured.items()},
        shared_errors={name: one.shared_errors for name, one in measured.items()},
        units={feature.name: feature.unit for feature in listed},
        reasons={name: one.reasons for name, one in measured.items()},
        valid_fraction=segments.valid.mean(axis=-1),
        features=listed,
        starts=segments.starts,
        kind=segments.kind,
        train=segments.train,
        channel_names=segments.channel_names,
        intensity=segments.intensity,
        history=(*segments.history, Step("measure", {"features": listed})),
    )


def _resolve(features: str | Feature | Iterable[str | Feature]) -> tuple[Feature, ...]:
    one = isinstance(features, str | type) or hasattr(features, "measure")
    asked: list[object] = [features] if one else list(features)  # type: ignore[arg-type]
    if not asked:
        raise ParameterError(f"No feature was asked for; there are: {', '.join(names('emgkit.features'))}.")
    listed = tuple(_feature(item) for item in asked)
    twice = sorted({item.name for item in listed if sum(other.name == item.name for other in listed) > 1})
    if twice:
        raise ParameterError(f"The feature {twice[0]!r} was asked for twice; measure it in two tables.")
    return listed


def _feature(item: object) -> Feature:
    found = load("emgkit.features", item) if isinstance(item, str) else item
    made = found() if isinstance(item, str) and isinstance(found, type) else found
    if isinstance(made, type) or not isinstance(made, Feature):
        raise ParameterError(
            f"A feature is a name or an object such as ek.MDF(band=(20, 450)) with name, unit, kinds and measure(); "
            f"got {made!r}."
        )
    return made


def _check_kind(feature: Feature, segments: Segments) -> None:
    if segments.kind in feature.kinds:
        return
    advice = {
        "evoked": "an M-wave is a transient, not a random process: use the M-wave features (m_wave_mdf, vpp, area ...)",
        "voluntary": "a window of voluntary EMG is a random process, not a response: use rms, arv, mdf, mnf",
    }[segments.kind]
    raise ParameterError(
        f"The feature {feature.name!r} is made for {' and '.join(feature.kinds)} segments, these are "
        f"{segments.kind}; {advice}."
    )


def _checked(feature: Feature, measured: Measured, segments: Segments) -> Measured:
    shape = (len(segments), segments.n_channels)
    if measured.values.shape != shape:
        raise ShapeError(f"The feature {feature.name!r} gave shape {measured.values.shape}, {shape} is needed.")
    return measured
