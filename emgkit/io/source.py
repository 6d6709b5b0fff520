"""The file itself: is it there, may it be read, and what is its fingerprint."""

from __future__ import annotations

import hashlib
from pathlib import Path

from emgkit.errors import FormatError, MissingFileError

__all__ = ["existing_file", "sha256"]


def existing_file(path: str | Path) -> Path:
    """Check that a path is a file that can be read and is not empty.

    Raises
    ------
    MissingFileError
        If there is nothing of that name.
    FormatError
        If it is a folder, is empty, or may not be read.
    """
    file = Path(path).expanduser()
    try:
        return _readable(file)
    except PermissionError:
        raise FormatError(
            f"{file} cannot be read: no permission. Ask its owner, or copy it to where you may read."
        ) from None


def _readable(file: Path) -> Path:
    if not file.exists():
        raise MissingFileError(f"There is no file {file}{_neighbour(file)}.")
    if file.is_dir():
        raise FormatError(f"{file} is a folder, a recording file is needed: name a file in it.")
    with file.open("rb") as stream:
        if not stream.read(1):
            raise FormatError(f"{file} is empty (0 bytes): copy it again from the recorder.")
    return file


def _neighbour(file: Path) -> str:
    from emgkit._checks import nearest

    if not file.parent.is_dir():
        return f", not even its folder {file.parent}"
    # the nearest name only: a folder of recordings is too long for a message
    found = nearest(file.name, sorted(item.name for item in file.parent.iterdir() if item.is_file()))
    return f": {found.split('?')[0]}?" if "?" in found else ""


def sha256(path: str | Path) -> str:
    """Give the SHA-256 fingerprint of a file as 64 hexadecimal digits.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    str
        The fingerprint; equal for equal bytes whatever the file is called.
    """
    with existing_file(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
