"""Figures and pages: what was measured, in one file that a person can read."""

from emgkit.report.page import write_report
from emgkit.report.simulation_figures import draw_simulation, write_simulation_figure

__all__ = ["draw_simulation", "write_report", "write_simulation_figure"]
