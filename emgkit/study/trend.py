"""Fit a straight line to a feature over time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emgkit._checks import interval, nearest
from emgkit.errors import ParameterError, TimingError
from emgkit.study.series import (
    MOVES,
    Array,
    Scatter,
    Series,
    check_level,
    check_one_context,
    fieller,
    scatter,
    series,
    t_quantile,
)
from emgkit.tables import FeatureTable, Trend

__all__ = ["trend"]

FEWEST = 5
PAIRS = 4_000_000  # pairwise slopes that are looked at; beyond, only pairs a multiple of some number apart


def trend(
    table: FeatureTable,
    feature: str,
    *,
    method: str = "ols",
    level: float = 0.95,
    between: tuple[float, float] | None = None,
) -> Trend:
    """Tell how a feature moves with time: slope, and slope in per cent of the value at the start, with intervals.

    Parameters
    ----------
    table : FeatureTable
        Measured features.
    feature : str
        Name of the feature.
    method : {"ols", "theil_sen"}, default "ols"
        Least squares, or the median of all pairwise slopes (Sen 1968), which a few wild values do not move.
    level : float, default 0.95
        Confidence level.
    between : (float, float), optional
        Use the segments that start in this half-open interval, s; all unless given. The slope of an evoked series
        depends on the stretch: it is stored with the slope.

    Returns
    -------
    Trend
        Per channel. Missing values are left out and ``n`` counts the others; a channel with fewer than five, or with
        less than half of its values, has the reason ``too_few``. A normalised interval is unbounded where the value
        at the start may be zero.

    Raises
    ------
    UnknownNameError
        If the table has no such feature.
    ParameterError, TimingError
        If method, level or interval are no good, nothing lies in the interval, or single probe pulses stand beside
        trains.

    Warns
    -----
    EmgkitWarning
        If more than 10 % of a channel's values are missing.

    Notes
    -----
    The normalised slope is 100·b/a with a the line's value at the first time used (Merletti's fatigue plot), its
    interval that of a ratio (Fieller 1954). Intervals count serial correlation, see `emgkit.study.series.scatter`;
    those of Theil-Sen are Sen's, with the variance of Kendall's S enlarged by it (Hamed and Rao 1998). The
    least-squares slope of a curved course is that of the line nearest to it; the median of pairwise slopes of a
    curved course depends on the noise too, so its interval is for straight courses. In series of less than about 100
    values, strong serial correlation (above 0.5 from one value to the next) makes all intervals too narrow. An error
    that all values have alike counts as in `change`.
    """
    if method not in _FITS:
        raise ParameterError(f"method={method!r}: {nearest(str(method), _FITS)}.")
    confidence = check_level(level)
    kept = _chosen(table, between)
    check_one_context(kept, feature)
    origin = float(kept.starts.min())
    fits = [_FITS[method](series(kept, feature, row), origin, confidence) for row in range(len(kept.channel_names))]
    columns = list(zip(*fits, strict=True))
    return Trend(
        feature=feature,
        unit=table.units[feature],
        kind=table.kind,
        channel_names=table.channel_names,
        method=method,
        slope=np.array(columns[0]),
        slope_interval=np.array(columns[1]),
        intercept=np.array(columns[2]),
        normalised_slope=np.array(columns[3]),
        normalised_slope_interval=np.array(columns[4]),
        level=confidence,
        n=np.array(columns[5]),
        t_start=origin,
        t_stop=float(kept.starts.max()),
        reasons=tuple("too_few" if np.isnan(slope) else "" for slope in columns[0]),
    )


Fit = tuple[float, tuple[float, float], float, float, tuple[float, float], int]
NAN = float("nan")


def _chosen(table: FeatureTable, between: tuple[float, float] | None) -> FeatureTable:
    start, stop = (-np.inf, np.inf) if between is None else interval("between", between)
    kept = table.select((table.starts >= start) & (table.starts < stop))
    if not len(kept):
        span = f"{table.starts.min():g} ... {table.starts.max():g} s" if len(table) else "empty"
        raise TimingError(f"No segment starts between {start:g} and {stop:g} s; the table is {span}.")
    return kept


def _ols(one: Series, origin: float, level: float) -> Fit:
    if not _enough(one):
        return _too_few(one)
    estimate, covariance, spread = _line(one, origin)
    own = float(covariance[0, 0])
    covariance = covariance + np.diag([_drift(one) ** 2, one.alike**2])
    variance = float(covariance[0, 0])
    quantile = t_quantile(level, spread.freedom, own / variance if variance > 0 else 1.0)
    half = quantile * float(np.sqrt(variance))
    return _fit(one, float(estimate[0]), half, half, float(estimate[1]), covariance, quantile)


def _theil_sen(one: Series, origin: float, level: float) -> Fit:
    if not _enough(one):
        return _too_few(one)
    _, covariance, spread = _line(one, origin)
    quantile, count = t_quantile(level, spread.freedom), len(one)
    slopes = _pairwise_slopes(one)
    kendall = np.sqrt(count * (count - 1) * (2 * count + 5) / 18 * spread.inflation)
    reach = min(quantile * kendall / (count * (count - 1)), 0.5)
    low, slope, high = np.quantile(slopes, [0.5 - reach, 0.5, 0.5 + reach])
    start = float(np.median(one.values - slope * (one.times - origin)))
    wide = (quantile * float(np.sqrt(covariance[0, 0]))) or 1.0
    scaled = covariance * ((high - low) / (2 * wide)) ** 2 + np.diag([_drift(one) ** 2, one.alike**2])
    further = t_quantile(level, np.inf) * _drift(one)
    below, above = (float(np.hypot(side, further)) for side in (slope - low, high - slope))
    return _fit(one, float(slope), below, above, start, scaled, quantile)


def _drift(one: Series) -> float:
    """Slope of the error that all values have alike, in unit/s: it is known from fifth to fifth."""
    return MOVES * one.alike / (0.8 * float(np.ptp(one.times)))


_FITS: dict[str, Callable[[Series, float, float], Fit]] = {"ols": _ols, "theil_sen": _theil_sen}


def _enough(one: Series) -> bool:
    return len(one) >= FEWEST and one.speaks and float(np.ptp(one.times)) > 0


def _too_few(one: Series) -> Fit:
    return NAN, (NAN, NAN), NAN, NAN, (NAN, NAN), len(one)


def _line(one: Series, origin: float) -> tuple[Array, Array, Scatter]:
    """Least-squares line: (slope, value at the origin), their covariance, and the scatter behind it."""
    design = np.column_stack([one.times - origin, np.ones(len(one))])
    inverse = np.linalg.inv(design.T @ design)
    weights = inverse @ design.T
    spread = scatter(one)
    return weights @ one.values, (weights * spread.variances) @ weights.T, spread


def _pairwise_slopes(one: Series) -> Array:
    count = len(one)
    stride = int(np.ceil(count**2 / 2 / PAIRS))
    parts = []
    for lag in range(stride, count, stride):
        gap = one.times[lag:] - one.times[:-lag]
        parts.append((one.values[lag:] - one.values[:-lag])[gap > 0] / gap[gap > 0])
    return np.concatenate(parts)


def _fit(
    one: Series, slope: float, below: float, above: float, start: float, covariance: Array, quantile: float
) -> Fit:
    low, high = fieller(slope, start, covariance, quantile)
    ratio = slope / start if start else NAN
    return slope, (slope - below, slope + above), start, 100 * ratio, (100 * low, 100 * high), len(one)
