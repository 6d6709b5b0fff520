"""Compare a feature fresh and fatigued."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emgkit._checks import in_range
from emgkit.errors import ParameterError
from emgkit.study.series import MOVES, Series, check_level, check_one_context, fieller, scatter, series, t_quantile
from emgkit.tables import Change, FeatureTable

__all__ = ["change", "fresh_and_fatigued"]


def fresh_and_fatigued(count: int, share: float = 0.2) -> tuple[slice, slice]:
    """Give the first and the last segments: a share of all, rounded, at least one each.

    Parameters
    ----------
    count : int
        Number of segments.
    share : float, default 0.2
        Share at either end.

    Returns
    -------
    (slice, slice)
        Fresh, fatigued.

    Examples
    --------
    >>> import emgkit as ek
    >>> from emgkit.study.change import fresh_and_fatigued
    >>> fresh_and_fatigued(30)
    (slice(0, 6, None), slice(24, 30, None))
    """
    few = max(int(np.floor(count * share + 0.5)), 1)
    return slice(0, few), slice(max(count - few, 0), count)


def change(table: FeatureTable, feature: str, *, share: float = 0.2, level: float = 0.95) -> Change:
    """Tell by how much a feature changed from fresh to fatigued, with intervals.

    Fresh and fatigued are the means over the first and the last fifth of the segments; the change is in per
    cent of fresh.

    Parameters
    ----------
    table : FeatureTable
        Measured features, in the order of time.
    feature : str
        Name of the feature.
    share : float, default 0.2
        Share of the segments at either end, 0.01 ... 0.5.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    Change
        Per channel; ``too_few`` where an end has fewer than three values (two, if they have standard errors) or
        less than half of its values.

    Raises
    ------
    UnknownNameError, ParameterError
        If the table has no such feature or too few segments, a parameter is no good, or probes stand beside trains.

    Warns
    -----
    EmgkitWarning
        If more than 10 % of a channel's values are missing.

    Notes
    -----
    What is estimated is the mean of the process over the segments used, so a trend within an end is no error: the
    scatter is taken about it, with the values' own standard errors where they are few, and with serial correlation
    (`emgkit.study.series.scatter`). The interval of the change is that of a ratio of independent means (Fieller
    1954), unbounded where fresh may be zero; degrees of freedom after Welch and Satterthwaite.

    The part of the standard errors that all values have alike (`FeatureTable.shared_errors`, as of a tail under the
    M-wave) is in both means whole; from the first to the last it differs by 0.35 of itself (standard deviation in
    simulated trains with tails, see `emgkit.study.series.MOVES`).
    """
    wanted, confidence = in_range("share", share, 0.01, 0.5), check_level(level)
    check_one_context(table, feature)
    if len(table) < 2:
        raise ParameterError(f"Fresh and fatigued need at least 2 segments, the table has {len(table)}.")
    ends = fresh_and_fatigued(len(table), wanted)
    pairs = [_ends(table, feature, row, ends, confidence) for row in range(len(table.channel_names))]
    relative = [_relative(fresh, tired, confidence) for fresh, tired in pairs]
    return Change(
        feature=feature,
        unit=table.units[feature],
        kind=table.kind,
        channel_names=table.channel_names,
        fresh=np.array([fresh.value for fresh, _ in pairs]),
        fresh_interval=np.array([fresh.interval for fresh, _ in pairs]),
        fatigued=np.array([tired.value for _, tired in pairs]),
        fatigued_interval=np.array([tired.interval for _, tired in pairs]),
        change=np.array([value for value, _ in relative]),
        change_interval=np.array([pair for _, pair in relative]),
        level=confidence,
        n_fresh=np.array([fresh.count for fresh, _ in pairs]),
        n_fatigued=np.array([tired.count for _, tired in pairs]),
        reasons=tuple("" if np.isfinite(value) else "too_few" for value, _ in relative),
    )


NAN = float("nan")


@dataclass(frozen=True)
class Mean:
    """A mean with its interval, the variance of the mean, its degrees of freedom, and the error that all have alike."""

    value: float
    interval: tuple[float, float]
    variance: float
    freedom: float
    alike: float
    count: int


def _ends(
    table: FeatureTable, feature: str, channel: int, ends: tuple[slice, slice], level: float
) -> tuple[Mean, Mean]:
    few = ends[0].stop
    blocks = [slice(start, start + few) for start in range(0, len(table) - few + 1, few)]
    alike = [series(table, feature, channel, block) for block in blocks]
    fresh, tired = (series(table, feature, channel, end) for end in ends)
    return _mean(fresh, alike, level), _mean(tired, alike, level)


def _mean(one: Series, alike: list[Series], level: float) -> Mean:
    count = len(one)
    fewest = 2 if count and np.isfinite(one.errors).all() else 3
    if count < fewest or not one.speaks:
        return Mean(NAN, (NAN, NAN), NAN, NAN, NAN, count)
    spread = scatter(one, alike)
    value, variance = float(one.values.mean()), float(spread.variances.sum()) / count**2
    total = variance + one.alike**2
    half = t_quantile(level, spread.freedom, variance / total if total > 0 else 1.0) * float(np.sqrt(total))
    return Mean(value, (value - half, value + half), variance, spread.freedom, one.alike, count)


def _relative(fresh: Mean, tired: Mean, level: float) -> tuple[float, tuple[float, float]]:
    if not fresh.value or np.isnan(fresh.value + tired.value):
        return NAN, (NAN, NAN)
    ratio = tired.value / fresh.value
    parts = (ratio**2 * fresh.variance, tired.variance)
    bottom = parts[0] ** 2 / fresh.freedom + parts[1] ** 2 / tired.freedom
    freedom = sum(parts) ** 2 / bottom if bottom > 0 else fresh.freedom + tired.freedom
    alike = np.array([tired.alike, fresh.alike])
    together = np.outer(alike, alike) * np.array([[1.0, 1 - MOVES**2 / 2], [1 - MOVES**2 / 2, 1.0]])
    covariance = np.diag([tired.variance, fresh.variance]) + together
    by_both = np.array([1.0, -ratio])
    total = float(by_both @ covariance @ by_both)
    quantile = t_quantile(level, freedom, sum(parts) / total if total > 0 else 1.0)
    low, high = fieller(tired.value, fresh.value, covariance, quantile)
    return 100 * (ratio - 1), (100 * (low - 1), 100 * (high - 1))
