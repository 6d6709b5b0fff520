"""Whether a recording is already done: same file, same protocol, same version, results file whole."""

from __future__ import annotations

from pathlib import Path

from emgkit.errors import EmgkitError

__all__ = ["why_not_done"]


def why_not_done(results_file: Path, source_sha256: str, protocol_sha256: str) -> str:
    """Say why a recording must be measured (again); empty if its results file is whole and up to date.

    Parameters
    ----------
    results_file : Path
        Where its results would lie.
    source_sha256 : str
        Fingerprint of the recording as it is now.
    protocol_sha256 : str
        Fingerprint of the protocol as it is now.
    """
    from emgkit import __version__
    from emgkit.io.hdf5_results import load_results
    from emgkit.io.validate import validate_results

    if not results_file.is_file():
        return "not measured before"
    try:
        if validate_results(results_file):
            return "results file is damaged"
        results = load_results(results_file)
    except (EmgkitError, OSError, KeyError, ValueError):
        return "results file is damaged"
    now = (source_sha256, protocol_sha256, __version__)
    before = (results.source_sha256, results.protocol_sha256, results.version)
    changed = zip(("recording", "protocol", "emgkit"), now, before, strict=True)
    return ", ".join(f"{what} has changed" for what, new, old in changed if new != old)
