"""The joint fit of times and waveform where the artifact hardly determines it."""

import numpy as np
import pytest

from emgkit.detect.fit import _factored
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
