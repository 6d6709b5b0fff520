"""Draw simulated scenarios and separated parts, and list the simulator's unverified constants, for the documentation.

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
PARTS = ("typical", "tail_with_effort", "rate80_overlap")  # cases of the benchmark
OTHERS = ("moving_template", "template_pca")  # methods beside phase_spline
SHOWN = 0.11  # s


def make(folder: Path) -> None:
    """Write the pictures and the table into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [*(PACKAGE / "simulate").glob("*.py"), *(PACKAGE / "report").glob("*.py"), Path(__file__)]
    newest = max(source.stat().st_mtime for source in sources)
    for name in SCENARIOS:
        _draw(name, folder, newest)
    for name in PARTS:
        _draw_parts(name, folder / f"parts_{name}.png")
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


def _draw_parts(name: str, picture: Path) -> None:
    """Draw what phase_spline makes of a few pulses under effort beside the truth, and what others leave."""
    import matplotlib as mpl
    import numpy as np

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    from emgkit.benchmark.cases import CASES

    sources = [*(PACKAGE / "artifact").glob("*.py"), *(PACKAGE / "benchmark").glob("*.py"), Path(__file__)]
    if picture.is_file() and picture.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return
    made = CASES[name].make(np.random.default_rng(SEED))
    parts = ek.separate(made.recording, made.pulses, "phase_spline")
    truth, fs = made.truth, made.recording.fs
    begin = _loudest(truth.voluntary[0], made.pulses.onsets, fs)
    part = slice(round(begin * fs), round((begin + SHOWN) * fs))
    times = 1e3 * (np.arange(part.start, part.stop) / fs - begin)
    figure, axes = plt.subplots(4, 1, figsize=(8, 8), sharex=True, layout="constrained")
    rows = [
        ("recording, mV", 1e3, [("recorded", made.recording.signal[0], "0.3", "-")]),
        (
            "artifact, mV",
            1e3,
            [("truth", truth.artifact[0], "k", ":"), ("phase_spline", parts.artifact.signal[0], "C3", "-")],
        ),
        (
            "evoked, mV",
            1e3,
            [("truth", truth.evoked[0], "k", ":"), ("phase_spline", parts.evoked.signal[0], "C0", "-")],
        ),
        ("voluntary, µV", 1e6, [("truth", truth.voluntary[0], "k", ":")]),
    ]
    for number, method in enumerate(OTHERS):
        left = ek.separate(made.recording, made.pulses, method).voluntary.signal[0]
        rows[3][2].append((method, left, f"C{number + 1}", "-"))
    rows[3][2].append(("phase_spline", parts.voluntary.signal[0], "C0", "-"))
    for axis, (label, scale, lines) in zip(axes, rows, strict=True):
        for who, values, colour, style in lines:
            width = 0.8 if who in OTHERS else 1.4
            axis.plot(times, scale * values[part], style, color=colour, label=who, linewidth=width)
        axis.set_ylabel(label)
        axis.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8, ncols=len(lines), frameon=False)
    reach = 5e6 * np.abs(truth.voluntary[0, part]).std()
    axes[3].set_ylim(-reach, reach)
    axes[-1].set_xlabel("time, ms")
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def _loudest(voluntary: object, onsets: object, fs: float) -> float:
    """Begin just before the pulse after which voluntary EMG is largest, s, in the second half of the stimulation."""
    import numpy as np

    late = np.asarray(onsets)[len(onsets) // 2 : -10]
    power = [np.mean(np.asarray(voluntary)[round(one * fs) : round((one + SHOWN) * fs)] ** 2) for one in late]
    return float(late[int(np.argmax(power))]) - 0.005


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
