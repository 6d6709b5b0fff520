"""The run's log: what was run when, where and how. Results files hold none of this, so that they stay comparable."""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from emgkit.errors import OutputError

__all__ = ["LOG_NAME", "append", "package_versions", "run_record"]

LOG_NAME = "run_log.jsonl"


def append(out: Path, event: str, record: Mapping[str, Any]) -> None:
    """Add one line to the log of an output folder, with the time.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    line = json.dumps({"event": event, "time": datetime.now(UTC).isoformat(), **record}, ensure_ascii=False)
    try:
        # one write to the end of the file: two runs into one folder do not mix within a line
        handle = os.open(out / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError(f"The log {out / LOG_NAME} cannot be written: {error.strerror}.") from None


def run_record(protocol: str, protocol_sha256: str, inputs: Sequence[str]) -> dict[str, Any]:
    """Describe a run: where, with which words, of which versions."""
    return {
        "command": sys.argv,
        "folder": str(Path.cwd()),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "platform": platform.platform(),
        "versions": package_versions(),
        "protocol": protocol,
        "protocol_sha256": protocol_sha256,
        "inputs": list(inputs),
    }


def package_versions() -> dict[str, str]:
    """Give the versions of Python, emgkit and what it needs."""
    needed = [item.split(";")[0] for item in requires("emgkit") or [] if "extra ==" not in item]
    names = ["emgkit", *(_distribution(item) for item in needed)]
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


def _distribution(requirement: str) -> str:
    end = next((at for at, sign in enumerate(requirement) if not (sign.isalnum() or sign in "-_.")), len(requirement))
    return requirement[:end]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
