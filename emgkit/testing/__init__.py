"""Contract checks that every plug-in must pass, the built-in ones and those of a lab."""

from __future__ import annotations

from emgkit.testing.artifact_method import check_artifact_method

__all__ = ["check_artifact_method"]
