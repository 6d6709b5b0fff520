"""Tables of numbers and answers, and why a value is missing."""

from emgkit.tables.change import Change
from emgkit.tables.comparison import Comparison
from emgkit.tables.feature_table import FeatureTable
from emgkit.tables.reasons import REASONS
from emgkit.tables.trend import Trend

__all__ = ["REASONS", "Change", "Comparison", "FeatureTable", "Trend"]
