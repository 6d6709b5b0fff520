"""One feature of one channel over time, and how far its values scatter about their course."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.errors import EmgkitWarning, ParameterError
from emgkit.tables import FeatureTable

__all__ = [
    "MOVES",
    "Array",
    "Scatter",
    "Series",
    "check_level",
    "check_one_context",
    "fieller",
    "scatter",
    "series",
    "t_quantile",
]

Array = NDArray[np.float64]

MISSING_SHARE = 0.1  # a mean over survivors is worth a warning from this share of missing values on
CLOSED_FORM_WEIGHT = 4  # degrees of freedom that the features' own standard errors count for
CORRELATION_FROM = 12  # values; from fewer, serial correlation cannot be told
CORRELATION_ALONE_FROM = 60  # values; from fewer, it is told from all stretches together
HETEROSCEDASTIC_FROM = 30  # values; from fewer, one variance for all


MOVES = 0.35  # of the error that all values have alike: by so much it differs from the first to the last of them
LEAST_SHARE = 0.5  # of the values must be there for a mean or a trend


@dataclass(frozen=True, eq=False)
class Series:
    """Values that are there, in the order of time.

    Parameters
    ----------
    times, values, errors : array, shape (values,)
        s, and the feature's unit; ``errors`` are the values' own standard errors, NaN where unknown.
    alike : float
        Standard error that all values have alike, in the feature's unit; no mean makes it smaller.
    overlap : float
        Correlation factor of windows that overlap: 1 if they do not.
    asked : int
        Values that were asked for, missing ones counted; 0 if unknown.
    """

    times: Array
    values: Array
    errors: Array
    alike: float = 0.0
    overlap: float = 1.0
    asked: int = 0

    def __len__(self) -> int:
        return int(self.values.size)

    @property
    def speaks(self) -> bool:
        """Whether at least half of the values are there: what is left of fewer is a choice of the large ones."""
        return len(self) >= LEAST_SHARE * self.asked


def series(table: FeatureTable, feature: str, channel: int, keep: Any = slice(None)) -> Series:
    """Take one feature of one channel out of a table, without missing values."""
    values = table.values[feature][keep, channel]
    there = np.isfinite(values)
    errors, alike = (part[feature][keep, channel][there] for part in (table.standard_errors, table.shared_errors))
    own = np.sqrt(np.maximum(errors**2 - alike**2, 0.0))
    common = float(np.sqrt(np.mean(alike**2))) if alike.size else 0.0
    return Series(table.starts[keep][there], values[there], own, common, _overlap(table), values.size)


def _overlap(table: FeatureTable) -> float:
    """Factor by which the variance of a mean grows because windows share samples: 1 + 2 Σ shared parts."""
    cuts = [step.parameters for step in table.history if step.name == "cut_windows"]
    overlap = float(cuts[-1].get("overlap", 0.0)) if cuts else 0.0
    apart = np.arange(1, int(np.ceil(1 / (1 - overlap))) + 1) * (1 - overlap)
    return 1.0 + 2.0 * float(np.maximum(1 - apart, 0.0).sum())


def check_level(level: Any) -> float:
    """Check a confidence level, 0.5 ... 0.9999."""
    return in_range("level", level, 0.5, 0.9999)


def check_one_context(table: FeatureTable, feature: str) -> None:
    """Refuse to pool single probe pulses with pulses within trains, and warn when many values are missing.

    M-waves are smaller within trains than after single pulses (Lagerquist and Collins 2010): two quantities.
    """
    table.require(feature)
    if table.kind == "evoked" and len(table):
        sizes = np.unique(table.train, return_counts=True)[1]
        if (sizes == 1).sum() > 1 and (sizes > 2).any():
            raise ParameterError(
                f"The table holds {int((sizes == 1).sum())} single pulses beside {int((sizes > 2).sum())} trains: "
                f"M-waves of probes and of trains are two quantities. Take one of them with table.select(...)."
            )
    missing = np.isnan(table.values[feature]).mean(axis=0) if len(table) else np.zeros(0)
    many = [table.channel_names[row] for row in np.flatnonzero(missing > MISSING_SHARE)]
    if many:
        warnings.warn(
            f"{100 * missing.max():.0f} % of the values of {feature!r} are missing on {', '.join(many)}: the answer "
            f"speaks for the others only; table.reasons tells why.",
            EmgkitWarning,
            stacklevel=3,
        )


@dataclass(frozen=True, eq=False)
class Scatter:
    """How far values scatter about their smooth course.

    Parameters
    ----------
    variances : array, shape (values,)
        Variance of each value; serial correlation counted as if it were more variance.
    freedom : float
        Degrees of freedom behind the variances.
    inflation : float
        Factor for serial correlation that ``variances`` hold.
    """

    variances: Array
    freedom: float
    inflation: float


def scatter(one: Series, alike: Sequence[Series] = ()) -> Scatter:
    """Estimate the scatter of a series about its course.

    The course is a polynomial in time: of degree 3 from 30 values on, 2 from 12, 1 from 5, else a constant. So a
    trend is part of what is estimated and not of its error. Below 30 values the variance of the residuals is joined
    with that of the other stretches and with the values' own standard errors, which count for four degrees of freedom,
    as long as all agree (F test at 5 %); from 30 values on each value keeps its own squared residual (White 1980;
    divided by one minus its leverage). Serial correlation enters as the long-run variance of a prewhitened series
    (Andrews and Monahan 1992: first-order autoregression, corrected for its bias, then Bartlett weights over 1.3 √n
    lags with fewer degrees of freedom, Lazarus and others 2018), never below that of independent values. A series
    of less than 60 values takes its first-order correlation from all stretches of the same kind together.

    Parameters
    ----------
    one : Series
        The values.
    alike : sequence of Series, optional
        Other stretches of the same quantity, which share the serial correlation.
    """
    count, degree = len(one), _degree(one)
    residuals, leverage = _residuals(one)
    own = count - degree - 1
    inflation, correlation = _serial(one, residuals, alike)
    inflation = max(inflation, one.overlap)
    freedom = own * (1 - correlation) / (1 + correlation)
    if count >= CORRELATION_ALONE_FROM:
        freedom = min(freedom, 1.5 * count / _lags(count))
    if count >= HETEROSCEDASTIC_FROM:
        return Scatter(residuals**2 / (1 - leverage) * inflation, max(freedom, 1.0), inflation)
    variance, joint = _joined(one, alike)
    return Scatter(np.full(count, variance * inflation), max(joint / inflation, 1.0), inflation)


def _degree(one: Series) -> int:
    count = len(one)
    return 3 if count >= HETEROSCEDASTIC_FROM else 2 if count >= CORRELATION_FROM else 1 if count >= 5 else 0


def _residuals(one: Series) -> tuple[Array, Array]:
    """Give what the smooth course leaves, and the leverage of each value on its own fit."""
    span = np.ptp(one.times) or 1.0
    basis = np.polynomial.legendre.legvander(2 * (one.times - one.times.mean()) / span, _degree(one))
    left, _, _ = np.linalg.svd(basis, full_matrices=False)
    return one.values - left @ (left.T @ one.values), np.minimum(np.sum(left**2, axis=1), 0.9)


def _serial(one: Series, residuals: Array, alike: Sequence[Series]) -> tuple[float, float]:
    """Long-run over plain variance, at least 1, and the first-order correlation, 0 ... 0.97."""
    if len(one) >= CORRELATION_ALONE_FROM or (len(one) >= CORRELATION_FROM and not alike):
        return _inflation(residuals, _correlation([one]))
    if sum(len(other) for other in alike) < CORRELATION_ALONE_FROM:
        return (1.0, 0.0) if len(one) < CORRELATION_FROM else _inflation(residuals, _correlation([one]))
    correlation = _correlation(alike)
    return (1 + correlation) / (1 - correlation), correlation


def _correlation(alike: Sequence[Series]) -> float:
    """First-order correlation of the residuals of several stretches, corrected for its bias, 0 ... 0.97."""
    squares, weighted = 0.0, 0.0
    for one in (other for other in alike if len(other)):
        residuals, degree, count = _residuals(one)[0], _degree(one), len(one)
        product, square = float(np.sum(residuals[1:] * residuals[:-1])), float(np.sum(residuals**2))
        # the fit of the course draws the correlation down by about (degree + 1 + (degree + 3) r) / n
        weighted += product + ((degree + 1) * square + (degree + 3) * product) / count
        squares += square
    return float(np.clip(weighted / squares, 0.0, 0.97)) if squares > 0 else 0.0


def _joined(one: Series, alike: Sequence[Series]) -> tuple[float, float]:
    """Variance of one value and its degrees of freedom: own residuals, those of the other stretches, closed form."""
    from scipy.special import fdtri

    squares, own = _squares(one)
    others = [_squares(other) for other in alike if not np.array_equal(other.times, one.times)]
    prior, weight = sum(part for part, _ in others), float(sum(part for _, part in others))
    closed = float(np.mean(one.errors**2)) if np.isfinite(one.errors).all() else 0.0
    if closed > 0:
        prior, weight = prior + CLOSED_FORM_WEIGHT * closed, weight + CLOSED_FORM_WEIGHT
    if weight == 0 or (own > 0 and squares / own > prior / weight * float(fdtri(own, weight, 0.95))):
        return squares / max(own, 1), float(max(own, 0))
    return (squares + prior) / (own + weight), own + weight


def _squares(one: Series) -> tuple[float, int]:
    """Sum of squared residuals and its degrees of freedom."""
    own = len(one) - _degree(one) - 1
    return (float(np.sum(_residuals(one)[0] ** 2)), own) if own > 0 else (0.0, 0)


def _inflation(residuals: Array, correlation: float) -> tuple[float, float]:
    count, total = residuals.size, float(np.sum(residuals**2))
    if total == 0.0:
        return 1.0, 0.0
    white = residuals[1:] - correlation * residuals[:-1]
    long_run = _bartlett(white) / (1 - correlation) ** 2
    return max(long_run / (total / count), (1 + correlation) / (1 - correlation), 1.0), correlation


def _bartlett(white: Array) -> float:
    """Long-run variance with Bartlett weights (Newey and West 1987)."""
    count = white.size
    lags = _lags(count)
    products = [float(np.sum(white[lag:] * white[: count - lag])) / count for lag in range(lags + 1)]
    weights = [1.0 if lag == 0 else 2 * (1 - lag / (lags + 1)) for lag in range(lags + 1)]
    return max(float(np.dot(weights, products)), 0.0)


def _lags(count: int) -> int:
    if count < HETEROSCEDASTIC_FROM:
        return 0
    return int(1.3 * np.sqrt(count)) if count >= CORRELATION_ALONE_FROM else 3


def t_quantile(level: float, freedom: float, of_scatter: float = 1.0) -> float:
    """Two-sided quantile of Student's t for a confidence level.

    Parameters
    ----------
    level : float
        0 ... 1.
    freedom : float
        Degrees of freedom behind the scatter.
    of_scatter : float, default 1.0
        Share of the variance that comes from the scatter; the rest is known (Welch and Satterthwaite).
    """
    from scipy.special import stdtrit

    known_too = freedom / of_scatter**2 if of_scatter > 0 else np.inf
    return float(stdtrit(max(known_too, 1.0), 0.5 + level / 2))


def fieller(top: float, bottom: float, covariance: Array, quantile: float) -> tuple[float, float]:
    """Give the interval of a ratio top/bottom (Fieller 1954); unbounded if the bottom may be zero.

    Parameters
    ----------
    top, bottom : float
        Estimates.
    covariance : array, shape (2, 2)
        Of (top, bottom).
    quantile : float
        Of Student's t.
    """
    square = quantile**2
    a = bottom**2 - square * covariance[1, 1]
    b = top * bottom - square * covariance[0, 1]
    c = top**2 - square * covariance[0, 0]
    if a <= 0:
        return -np.inf, np.inf
    root = np.sqrt(max(b**2 - a * c, 0.0))
    return float((b - root) / a), float((b + root) / a)
