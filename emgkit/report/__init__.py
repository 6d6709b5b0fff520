"""Figures and pages: what was measured, in one file that a person can read."""

from emgkit.report.page import write_report

__all__ = ["write_report"]
