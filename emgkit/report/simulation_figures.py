"""The overview of a simulated recording: what was measured, what is inside, spectra, recruitment and fatigue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from numpy.typing import NDArray

from emgkit._checks import nearest
from emgkit.errors import ChannelError, OutputError
from emgkit.io.atomic import written_whole
from emgkit.report.responses import Responses, responses_of, spectrum
from emgkit.report.style import COLOURS, RC, label, legend_over_data, scaled
from emgkit.simulate import Simulation

__all__ = ["check_figure_name", "draw_simulation", "write_simulation_figure"]

Array = NDArray[np.floating[Any]]

COLUMNS = 1500  # of a long trace: the lowest and highest value in each are all that can be seen
CLOSE_UP = 0.12  # s
SHOWN = 6
SMALLEST = 20e-6  # V, of a response worth following
HIGHEST = 300.0  # Hz, of the spectra that are shown
LINE_HEIGHT, PANEL_HEIGHT = 1.25, 2.6  # inches
UNDATED: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
OTHER_SHADES = ("#e69f00", "#56b4e9", "#cc79a7", "#f0e442")


def draw_simulation(simulation: Simulation, channel: str | None = None) -> Figure:
    """Draw one channel of a simulated recording and what is inside it.

    From above: the recording as measured with its marks, its evoked and its voluntary part, the force; a few pulses
    close up; the response to a pulse, early to late or at rising current; the spectra of voluntary and evoked part;
    M-wave and H-reflex against the current, where it varies; and their course over time.

    Parameters
    ----------
    simulation : Simulation
        What a scenario gives.
    channel : str, optional
        Name of the channel; the first unless given.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ChannelError
        If there is no such channel.
    """
    names = simulation.recording.channel_names
    chosen = names[0] if channel is None else channel
    if chosen not in names:
        raise ChannelError(f"There is no channel {chosen!r}: {nearest(chosen, names)}.")
    row = names.index(chosen)
    lines = _lines(simulation, row)
    panels = _panels(simulation, row, responses_of(simulation, row))
    long, rows = len(lines) + 1, len(lines) + 1 + -(-len(panels) // 2)
    heights = [LINE_HEIGHT] * long + [PANEL_HEIGHT] * (rows - long)
    with rc_context(RC):
        made = Figure(figsize=(9.6, sum(heights) + 0.5), layout="constrained")
        grid = GridSpec(rows, 2, made, height_ratios=heights)
        _draw_long(made, grid, simulation, lines)
        for number, draw in enumerate(panels):
            draw(made.add_subplot(grid[long + number // 2, number % 2]))
    return made


def write_simulation_figure(simulation: Simulation, path: str | Path, channel: str | None = None) -> Path:
    """Draw one channel of a simulated recording into a file, in the format that its ending names (png, svg, pdf).

    Raises
    ------
    ChannelError
        If there is no such channel.
    OutputError
        If the file cannot be written.
    """
    check_figure_name(path)
    return write_figure(draw_simulation(simulation, channel), path)


def write_figure(made: Figure, path: str | Path) -> Path:
    """Write a figure that was drawn here."""
    ending = check_figure_name(path)
    with written_whole(path) as unfinished, rc_context(RC):
        made.savefig(unfinished, format=ending, dpi=110, metadata=UNDATED[ending])
    return Path(path)


def check_figure_name(path: str | Path) -> str:
    """Give the format that the ending of a name means.

    Raises
    ------
    OutputError
        If there is none.
    """
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in UNDATED:
        raise OutputError(
            f"{Path(path).name}: figures are written as {', '.join(UNDATED)}; end the name in one of them."
        )
    return ending


def _lines(simulation: Simulation, row: int) -> list[tuple[str, str, Array]]:
    """Title, name and values of what is drawn over the whole time: the recording and its parts that are not empty."""
    recording, truth = simulation.recording, simulation.truth
    parts = (("evoked part", "evoked", truth.evoked[row]), ("voluntary part", "voluntary", truth.voluntary[row]))
    measured = (f"{recording.channel_names[row]}: as measured", "raw", recording.signal[row])
    return [measured, *(part for part in parts if part[2].any())]


def _draw_long(made: Figure, grid: GridSpec, simulation: Simulation, lines: list[tuple[str, str, Array]]) -> None:
    recording, force = simulation.recording, simulation.recording.aux["force"]
    below = made.add_subplot(grid[len(lines), :])
    below.plot(force.times, force.values, color=COLOURS["ink"])
    below.set_xlim(0, recording.duration)
    label(below, "force of all muscles", "time, s", force.unit)
    for number, (title, name, line) in enumerate(lines):
        axes = made.add_subplot(grid[number, :], sharex=below)
        values, unit = scaled(line.astype(np.float64, copy=False), "V")
        axes.fill_between(*_envelope(values, recording.fs), color=COLOURS[name], linewidth=0.4)
        axes.tick_params(labelbottom=False)
        label(axes, title, y=unit)
        if number == 0:
            _shade(axes, simulation)


def _envelope(line: Array, fs: float) -> tuple[Array, Array, Array]:
    """Give times and, around each, the lowest and the highest value; neighbours overlap, so that no gap shows."""
    size = max(line.size // COLUMNS, 1)
    count = line.size // size
    blocks = line[: count * size].reshape(count, size)
    low, high = blocks.min(axis=1), blocks.max(axis=1)
    low[1:], high[1:] = np.minimum(low[1:], blocks[:-1, -1]), np.maximum(high[1:], blocks[:-1, -1])
    return (np.arange(count) + 0.5) * size / fs, low, high


def _shade(axes: Axes, simulation: Simulation) -> None:
    marks = [mark for mark in simulation.recording.marks if mark.label != "rest"]
    names = list(dict.fromkeys(mark.label for mark in marks))
    others = iter(OTHER_SHADES * len(names))
    shades = {name: COLOURS["voluntary"] if name == "voluntary" else next(others) for name in names}
    told: set[str] = set()
    for mark in marks:
        shown = mark.label if mark.label not in told else None
        told.add(mark.label)
        axes.axvspan(mark.start, mark.stop, color=shades[mark.label], alpha=0.18, linewidth=0, label=shown)
    if told:
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(told), borderaxespad=0.0, handlelength=1.0)


def _panels(simulation: Simulation, row: int, responses: Responses) -> list[Callable[[Axes], None]]:
    stimulated = bool(np.any(responses.direct > 0))
    series = _is_series(responses)
    panels: list[Callable[[Axes], None]] = [lambda axes: _draw_close_up(axes, simulation, row, responses)]
    if stimulated:
        panels.append(lambda axes: _draw_responses(axes, responses, series))
    if stimulated or simulation.truth.voluntary[row].any():
        panels.append(lambda axes: _draw_spectra(axes, simulation, row, responses))
    if stimulated and np.ptp(responses.current[responses.stimulator == 0]) > 0:
        panels.append(lambda axes: _draw_recruitment(axes, responses))
    if stimulated and not series:
        panels.append(lambda axes: _draw_course(axes, simulation, row, responses))
    return panels


def _is_series(responses: Responses) -> bool:
    """Whether single pulses of many currents were given: the question is recruitment, not time."""
    return bool(np.unique(np.round(responses.current, 6)).size > 5 and responses.strongest.mean() < 0.2)


def _draw_close_up(axes: Axes, simulation: Simulation, row: int, responses: Responses) -> None:
    recording, truth = simulation.recording, simulation.truth
    begin = _worth_a_look(simulation, row, responses) - 0.01
    low = max(int(begin * recording.fs), 0)
    part = slice(low, low + int(CLOSE_UP * recording.fs))
    times = 1e3 * (np.arange(part.start, part.stop) / recording.fs - begin - 0.01)
    seen = np.concatenate([truth.evoked[row, part], truth.voluntary[row, part]])
    scale, unit = (1e-3, "mV") if np.abs(seen).max(initial=0.0) > 3e-4 else (1e-6, "µV")
    limit = 1.6 * max(float(np.abs(seen).max(initial=0.0)), 2e-5) / scale
    for name, line, wide in (
        ("raw", recording.signal[row, part], 1.6),
        ("evoked", truth.evoked[row, part], 1.0),
        ("voluntary", truth.voluntary[row, part], 1.0),
    ):
        shown = "as measured" if name == "raw" else name
        axes.plot(times[: line.size], line / scale, color=COLOURS[name], linewidth=wide, label=shown)
    axes.set_ylim(-limit, limit)
    axes.legend(loc="upper right", ncols=3, handlelength=1.0, borderaxespad=0.0)
    label(axes, f"close up, from {begin + 0.01:.2f} s (artifact cut off)", "time after a pulse, ms", unit)


def _worth_a_look(simulation: Simulation, row: int, responses: Responses) -> float:
    """Time with as much at once as there is: of the largest reflex, or of voluntary effort under stimulation."""
    if responses.late_sizes().any():
        return float(responses.onsets[np.argmax(responses.late_sizes())])
    drive = simulation.truth.drive
    own = drive[row * len(drive) // len(simulation.recording.channel_names)]
    if not np.any(responses.direct > 0):
        return float(np.argmax(own) / 1000.0)
    then = own[np.clip((responses.onsets * 1000).astype(int), 0, own.size - 1)] + 1e-3
    return float(responses.onsets[np.argmax(then * responses.current)])


def _draw_responses(axes: Axes, responses: Responses, series: bool) -> None:
    """Draw responses of which the others are like: one or more at each current, or some from early to late."""
    order = np.argsort(responses.current if series else responses.onsets, kind="stable")
    order = order if series else order[(responses.strongest & (responses.stimulator == 0))[order]]
    shown = order if series else order[np.unique(np.linspace(0, order.size - 1, SHOWN).astype(int))]
    whole = responses.direct + responses.late
    scale, unit = (1e-3, "mV") if np.nanmax(np.abs(whole)) > 3e-4 else (1e-6, "µV")
    waves = whole[shown] / scale
    for number, wave in enumerate(waves):
        axes.plot(1e3 * responses.times, wave, color=colormaps["viridis"](number / max(len(waves) - 1, 1) * 0.9))
    measured = responses.measured[shown[-1]] / scale
    axes.plot(1e3 * responses.times, measured, ":", color=COLOURS["raw"], label="the last as measured")
    limit = 1.25 * float(np.nanmax(np.abs(waves)))
    axes.set_ylim(-limit, limit)
    axes.set_xlim(0, 60 if responses.late.any() else 40)
    axes.legend(loc="upper right", borderaxespad=0.0)
    words = "dark: weak, bright: strong current" if series else "dark: early, bright: late"
    label(axes, f"evoked responses, {words}", "time after the pulse, ms", unit)


def _draw_spectra(axes: Axes, simulation: Simulation, row: int, responses: Responses) -> None:
    recording, truth = simulation.recording, simulation.truth
    if truth.voluntary[row].any():
        _draw_spectrum(axes, *_voluntary_spectrum(truth.voluntary[row], recording.fs), "voluntary")
    chosen = responses.whole & responses.strongest
    if chosen.any() and np.any(responses.direct > 0):
        frequencies, energy = spectrum(responses.direct[chosen].mean(axis=0, keepdims=True))
        _draw_spectrum(axes, frequencies, energy[0], "evoked")
    axes.set_xlim(0, HIGHEST)
    axes.set_ylim(bottom=0)
    if axes.lines:
        axes.legend(loc="upper right", borderaxespad=0.0)
    label(axes, "power spectra, median frequency marked", "frequency, Hz", "relative")


def _draw_spectrum(axes: Axes, frequencies: Array, power: Array, name: str) -> None:
    total = np.cumsum(power)
    middle = float(np.interp(0.5 * total[-1], total, frequencies))
    words = "M-wave" if name == "evoked" else name
    axes.plot(frequencies, power / power.max(), color=COLOURS[name], label=f"{words}, {middle:.0f} Hz")
    axes.axvline(middle, color=COLOURS[name], linestyle="--", linewidth=0.8)


def _voluntary_spectrum(line: Array, fs: float) -> tuple[Array, Array]:
    from scipy.signal import welch

    frequencies, power = welch(line, fs, nperseg=int(fs / 4), noverlap=int(fs / 8))
    return frequencies, power


def _draw_recruitment(axes: Axes, responses: Responses) -> None:
    own = responses.stimulator == 0
    current = 1e3 * responses.current[own]
    sizes = {"M-wave": responses.sizes()[own], "H-reflex, F-waves": responses.late_sizes()[own]}
    for (name, values), colour in zip(sizes.items(), (COLOURS["evoked"], COLOURS["clean"]), strict=True):
        if values.any():
            axes.plot(current, 1e3 * values, ".", color=colour, label=name, alpha=0.6)
    axes.set_ylim(bottom=0)
    if len(axes.lines) > 1:
        axes.legend(loc="center right")
    label(axes, "recruitment: size of the response to the current", "current, mA", "peak to peak, mV")


def _draw_course(axes: Axes, simulation: Simulation, row: int, responses: Responses) -> None:
    """Draw what fatigues, in % of its first value."""
    for stimulator in np.unique(responses.stimulator):
        own = (responses.stimulator == stimulator) & responses.strongest & (responses.sizes() > SMALLEST)
        if not own.any():
            continue
        size, frequency = responses.sizes()[own], responses.median_frequencies()[own]
        shape = ".+"[int(stimulator) % 2]
        which = "" if responses.stimulator.max() == 0 else f", stimulator {stimulator + 1}"
        for values, name, colour in ((size, "size", "#d55e00"), (frequency, "median frequency", "#0072b2")):
            there = values[np.isfinite(values)]
            if there.size:
                fresh = there[: max(there.size // 20, 1)].mean()
                axes.plot(
                    responses.onsets[own], 100 * values / fresh, shape, markersize=4, color=colour, label=name + which
                )
    truth = simulation.truth
    speed = truth.velocity[row] / truth.velocity[row, 0]
    axes.plot(truth.velocity_times, 100 * speed, color=COLOURS["ink"], label="conduction velocity")
    legend_over_data(axes, 2)
    label(axes, "M-wave and fibres over time", "time, s", "% of the first")
