"""Which recordings a batch runs over, and where the results of each go."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Job", "Plan", "Skipped", "plan"]

# companions of a recording that carry its name and an ending that a reader knows
_COMPANIONS = ("_channels.tsv", "_electrodes.tsv", "_events.tsv", "_evoked.csv", "_voluntary.csv")


@dataclass(frozen=True)
class Job:
    """One recording and the name of its results.

    Parameters
    ----------
    source : Path
        The recording.
    name : str
        Path of the results below the output folder, without ending: ``"day1/p07"`` for ``day1/p07.h5``.
    """

    source: Path
    name: str


@dataclass(frozen=True)
class Skipped:
    """A file or folder that was found and is not run, and why."""

    path: Path
    why: str


@dataclass(frozen=True)
class Plan:
    """What is run, and what was left aside.

    Parameters
    ----------
    jobs : tuple of Job
        In the order of the names.
    skipped : tuple of Skipped
        What lies in the folders and is no recording, and folders that cannot be read.
    """

    jobs: tuple[Job, ...]
    skipped: tuple[Skipped, ...]


def plan(inputs: Iterable[str | Path], suffixes: Sequence[str], out: str | Path) -> Plan:
    """Find the recordings in files and folders, and give each a place for its results.

    Parameters
    ----------
    inputs : iterable of path
        Files are taken as they are named, whatever their ending, also those that do not exist (they fail later
        by name). Folders are searched with all folders below.
    suffixes : sequence of str
        Endings of recordings, in small letters with the dot.
    out : path
        The output folder; nothing is searched in it.

    Returns
    -------
    Plan
        Results keep the path below the folder that was named, or below the folder that holds everything if several
        were named, so that equal file names never collide; two recordings that differ in the ending only keep it.
    """
    named = [Path(os.path.abspath(item)) for item in inputs]
    found: dict[Path, Path] = {}
    skipped: list[Skipped] = []
    for item in named:
        listed = _search(item, tuple(suffixes), Path(os.path.abspath(out)), skipped) if item.is_dir() else [item]
        for file in listed:
            found.setdefault(Path(os.path.realpath(file)), file)
    root = _root(named)
    return Plan(_jobs(sorted(found.values()), root), tuple(skipped))


def _root(named: Sequence[Path]) -> Path:
    folders = {item if item.is_dir() else item.parent for item in named}
    return Path(os.path.commonpath(folders)) if folders else Path()


def _jobs(files: Sequence[Path], root: Path) -> tuple[Job, ...]:
    names = {file: _stem(file, root) for file in files}
    for _ in range(2):  # a name that has got its ending may meet another one
        counts = Counter(name.lower() for name in names.values())
        twins = [file for file, name in names.items() if counts[name.lower()] > 1]
        names |= {file: f"{_stem(file, root)}_{file.suffix[1:]}" for file in twins}
    return tuple(sorted((Job(file, name) for file, name in names.items()), key=lambda job: job.name))


def _stem(file: Path, root: Path) -> str:
    return file.relative_to(root).with_suffix("").as_posix()


def _search(folder: Path, suffixes: tuple[str, ...], out: Path, skipped: list[Skipped]) -> Iterator[Path]:
    seen = {os.path.realpath(folder)}

    def cannot_read(error: OSError) -> None:
        skipped.append(Skipped(Path(error.filename), f"folder cannot be read: {error.strerror}"))

    for place, folders, files in os.walk(folder, onerror=cannot_read, followlinks=True):
        folders[:] = sorted(name for name in folders if _enter(Path(place, name), out, seen))
        for name in sorted(files):
            why = _why_not(name, suffixes)
            if why:
                skipped.append(Skipped(Path(place, name), why))
            else:
                yield Path(place, name)


def _enter(folder: Path, out: Path, seen: set[str]) -> bool:
    real = os.path.realpath(folder)  # links to folders are followed, but never in a circle
    if folder.name.startswith(".") or real == os.path.realpath(out) or real in seen:
        return False
    seen.add(real)
    return True


def _why_not(name: str, suffixes: tuple[str, ...]) -> str:
    if name.startswith("."):
        return "hidden"
    if name.lower().endswith(_COMPANIONS):
        return "companion of a recording"
    return "" if name.lower().endswith(suffixes) else "no recording by its ending"
