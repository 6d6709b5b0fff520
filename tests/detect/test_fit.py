"""The joint fit of times and waveform where the artifact hardly determines it."""

import numpy as np
import pytest

from emgkit.detect.fit import Fit, _factored
from emgkit.detect.waveform import Span
from emgkit.errors import TimingError


def test_matrices_that_rounding_made_singular_are_damped_and_hopeless_ones_refused_in_one_line():
    columns = np.random.default_rng(0).standard_normal((8, 5))
    singular = columns @ columns.T
    singular[0, 0] -= 1e-12 * singular[0, 0]
    factor, lower = _factored(singular, np.diag(singular))
    kept = np.tril(factor) @ np.tril(factor).T if lower else np.triu(factor).T @ np.triu(factor)
    assert np.abs(kept - singular).max() < 1e-5 * singular.max()
    with pytest.raises(TimingError, match="cannot be refined"):
        _factored(-singular, np.diag(singular))


@pytest.mark.parametrize("pattern", [(1, -1), (1, -1, -1, 1)])
def test_artifacts_that_nobody_turned_over_leave_finite_times(pattern):
    """Their mean is nothing, so that their sizes are as often above it as below."""
    fs, rate = 2000.0, 25.0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        onsets = 0.1 + np.arange(200) / rate
        times, signal = np.arange(round(8.5 * fs)) / fs, 1e-5 * rng.standard_normal((2, round(8.5 * fs)))
        for onset, sign in zip(onsets, np.resize(pattern, onsets.size), strict=True):
            signal += sign * 1e-2 * np.exp(-0.5 * ((times - onset - 3e-4) / 2e-4) ** 2)
        fit = Fit(np.diff(signal), onsets + 1e-5, np.zeros(200, np.int64), Span.about(fs, onsets, 1 / rate))
        assert np.isfinite(fit.model).all(), seed
        assert np.isfinite(fit.search(onsets)).all(), seed
