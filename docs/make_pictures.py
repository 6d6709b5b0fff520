"""Draw one picture per simulated scenario and list the simulator's unverified constants, for the documentation.

Runs at the beginning of every build of the documentation; what is newer than the simulator is kept.
"""

from __future__ import annotations

import re
from pathlib import Path

import emgkit as ek
from emgkit.simulate import SCENARIOS

PACKAGE = Path(ek.__file__).parent
CHANNELS = {"foot_drop": ("TA", "GM"), "acl_session": ("VL_involved", "VL_other")}
SEED = 5


def make(folder: Path) -> None:
    """Write the pictures and the table into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [*(PACKAGE / "simulate").glob("*.py"), *(PACKAGE / "report").glob("*.py"), Path(__file__)]
    newest = max(source.stat().st_mtime for source in sources)
    for name in SCENARIOS:
        _draw(name, folder, newest)
    (folder / "unverified.txt").write_text(unverified(), encoding="utf-8")


def _draw(name: str, folder: Path, newest: float) -> None:
    import numpy as np

    channels = CHANNELS.get(name, (None,))
    pictures = [folder / f"{name}.png" if channel is None else folder / f"{name}_{channel}.png" for channel in channels]
    if all(picture.is_file() and picture.stat().st_mtime > newest for picture in pictures):
        return
    simulation = SCENARIOS[name](rng=np.random.default_rng(SEED))
    for channel, picture in zip(channels, pictures, strict=True):
        ek.write_simulation_figure(simulation, picture, channel)


def unverified() -> str:
    """List the constants that the simulator's source calls unverified, as a table."""
    rows = [row for source in sorted((PACKAGE / "simulate").glob("*.py")) for row in _constants(source)]
    cells = "".join(
        f"   * - {module}\n     - ``{name}``\n     - ``{value}``\n     - {what}\n" for module, name, value, what in rows
    )
    head = "   * - module\n     - constant\n     - value\n     - meaning\n"
    return f".. list-table::\n   :header-rows: 1\n   :widths: 14 26 20 40\n\n{head}{cells}"


def _constants(source: Path) -> list[tuple[str, str, str, str]]:
    pattern = re.compile(r"^([A-Z][A-Z_, ]*) = (.+?)  # (.*\bunverified\b.*)$", re.MULTILINE)
    found = pattern.findall(source.read_text(encoding="utf-8"))
    return [(source.stem, name, value, _meaning(what)) for name, value, what in found]


def _meaning(comment: str) -> str:
    text = re.sub(r";?\s*unverified\b( constant)?", "", comment).strip(" ;,")
    return text.replace("*", "\\*")
