"""Imports point down only: the layers of the architecture, imports inside functions too."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import emgkit

PACKAGE = Path(emgkit.__file__).parent
LAYERS = [
    {"errors", "_checks", "_processes", "_text", "plugins"},
    {
        "step",
        "traces",
        "recording",
        "pulses",
        "segments",
        "parts",
        "separation",
        "shared_error",
        "emg_gain",
        "tables",
        "grades",
    },
    {"detect"},
    {"artifact", "features", "cut", "cut_guards", "simulate"},
    {"study", "results", "excerpts"},
    {"io"},
    {"protocol", "pipeline"},
    {"batch", "report", "benchmark", "testing"},
    {"cli"},
]
LAYER_OF = {room: number for number, rooms in enumerate(LAYERS, start=1) for room in rooms}
# rooms of one layer that may see each other: the plain foundations, the values, a protocol and what runs it
TOGETHER = [LAYERS[0], LAYERS[1], LAYERS[6], {"study"}, {"results", "excerpts"}, {"cut", "cut_guards"}]
FORBIDDEN_BELOW_IO = {"mne", "h5py", "edfio"}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide the direction"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def emgkit_rooms(path: Path) -> set[str]:
    inside = {name.split(".")[1] for name in imported_modules(path) if name.startswith("emgkit.")}
    return {room for room in inside if room in LAYER_OF}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_import_points_down(path):
    room = room_of(path)
    assert room in LAYER_OF, f"{room} has no place in the layers"
    for other in emgkit_rooms(path) - {room}:
        down = LAYER_OF[other] < LAYER_OF[room]
        beside = any({room, other} <= group for group in TOGETHER)
        assert down or beside, f"{path.relative_to(PACKAGE)} imports {other}: sideways or upward"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_file_formats_are_known_to_io_only(path):
    tops = {name.split(".")[0] for name in imported_modules(path)}
    allowed = LAYER_OF[room_of(path)] >= LAYER_OF["io"]
    assert allowed or not tops & FORBIDDEN_BELOW_IO


@pytest.mark.parametrize("command", ["import emgkit", "from emgkit.cli import main; main(['--help'])"])
def test_import_and_help_load_nothing_heavy(command):
    report = "import sys, atexit; atexit.register(lambda: print('LOADED', *sorted(sys.modules)))\n"
    run = subprocess.run([sys.executable, "-c", report + command], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.rpartition("LOADED")[2].split())
    assert not loaded & {"scipy.signal", "matplotlib", "pandas", "mne"}


def test_every_public_name_can_be_loaded():
    for name in emgkit.__all__:
        assert getattr(emgkit, name) is not None
    assert set(emgkit.__all__) <= set(dir(emgkit))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        emgkit.nonsense  # noqa: B018
