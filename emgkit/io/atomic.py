"""Write a file whole or not at all: under a temporary name, to the disk, then renamed."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emgkit.errors import OutputError

__all__ = ["is_running", "written_whole"]


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary name in the same folder; afterwards the file is on the disk and has its own name.

    What a process that was killed has left of the same file is taken away.

    Raises
    ------
    OutputError
        If the folder is missing or not writable, or the disk is full. Nothing is left behind then, and a file that
        was there before stays as it was.
    """
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        _forget_left_over(target)
        yield unfinished
        _to_disk(unfinished)
        unfinished.replace(target)
        _to_disk(target.parent)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{target.name} cannot be written to {target.parent}: {_reason(error, target)}.") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _reason(error: OSError, target: Path) -> str:
    """Say what the system says; HDF5 puts it between much else."""
    if not target.parent.is_dir():
        return "there is no such folder"
    said = re.search(r"error message = '([^']+)'", str(error))
    return said.group(1) if said else error.strerror or str(error).partition("\n")[0]


def _forget_left_over(target: Path) -> None:
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.unfinished"):
        owner = path.name.removesuffix(".unfinished").rpartition(".")[2]
        if owner.isdecimal() and not is_running(int(owner)):
            path.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Tell whether a process of this computer runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
