"""The figures of a page about one recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from emgkit.report.style import COLOURS, MOST_CHANNELS, NAMES, figure, grid_of_axes, label, scaled, to_svg
from emgkit.results import Excerpt, Results
from emgkit.segments import Segments
from emgkit.tables import Comparison, FeatureTable, Trend

__all__ = ["Drawing", "drawings"]

Array = NDArray[np.float64]

TITLES = {
    "pulses fresh": "A few pulses, fresh",
    "pulses fatigued": "A few pulses, fatigued",
    "fresh": "Two seconds with voluntary activity, fresh",
    "fatigued": "Two seconds with voluntary activity, fatigued",
    "start": "The first two seconds",
}


@dataclass(frozen=True)
class Drawing:
    """One figure of the page.

    Parameters
    ----------
    title : str
        Heading.
    svg : str
        The figure.
    caption : str
        What is to be seen.
    """

    title: str
    svg: str
    caption: str


def drawings(results: Results) -> tuple[Drawing, ...]:
    """Draw everything that the results allow."""
    return tuple(_all(results))


def _all(results: Results) -> Iterator[Drawing]:
    for excerpt in results.excerpts:
        yield draw_excerpt(excerpt)
    if results.m_waves is not None and len(results.m_waves):
        yield draw_m_waves(results.m_waves)
    for kind, table in results.tables.items():
        if len(table) and table.names and not _is_recruitment(results):
            yield draw_features(kind, table, [trend for trend in results.trends if trend.kind == kind])
        if _is_recruitment(results) and len(table):
            yield draw_recruitment(table)
    if results.comparisons:
        yield draw_comparisons(results.comparisons)


def _is_recruitment(results: Results) -> bool:
    """Tell triggered sweeps at several intensities: their question is recruitment, not time."""
    table = results.tables.get("evoked")
    return table is not None and table.intensity is not None and np.unique(table.intensity).size > 1


def draw_excerpt(excerpt: Excerpt) -> Drawing:
    """Draw the raw signal beside what is left after cleaning, pulses marked."""
    cleaned = next((name for name in ("clean", "voluntary") if name in excerpt.traces), None)
    long = not excerpt.label.startswith("pulses")
    shown = "voluntary" if long and "voluntary" in excerpt.traces else cleaned
    columns = 1 if shown is None else 2
    channels = excerpt.channel_names[:MOST_CHANNELS]
    made = figure(len(channels), 1.7)
    grid = grid_of_axes(made, len(channels), columns, sharex=True)
    for row, channel in enumerate(channels):
        _draw_trace(grid[row, 0], excerpt, "raw", row, f"{channel}: as measured")
        if shown is not None:
            words = "voluntary EMG" if shown == "voluntary" else "cleaned (evoked + voluntary)"
            _draw_trace(grid[row, 1], excerpt, shown, row, f"{channel}: {words}")
    for axes in grid[-1]:
        axes.set_xlabel("time, s")
    caption = "Left as measured, right without artifact; pink ticks: pulses." if columns == 2 else "As measured."
    title = TITLES.get(excerpt.label, excerpt.label)
    return Drawing(title, to_svg(made, f"{title}. {caption}"), caption)


def _draw_trace(axes: Axes, excerpt: Excerpt, name: str, row: int, title: str) -> None:
    signal = excerpt.traces[name][row]
    values, unit = scaled(signal - np.nanmedian(signal) if np.isfinite(signal).any() else signal, "V")
    axes.plot(excerpt.times, values, color=COLOURS.get(name, COLOURS["clean"]), linewidth=0.8)
    if excerpt.pulses.size:
        low, high = axes.get_ylim()
        axes.vlines(excerpt.pulses, low, low + 0.06 * (high - low), color=COLOURS["pulse"])
        axes.set_ylim(low, high)
    label(axes, title, y=unit)


def draw_m_waves(segments: Segments) -> Drawing:
    """Draw M-waves over each other, from fresh (dark) to fatigued (bright)."""
    channels = segments.channel_names[:MOST_CHANNELS]
    columns = min(len(channels), 2)
    rows = -(-len(channels) // columns)
    made = figure(rows, 3.0)
    grid = grid_of_axes(made, rows, columns)
    by_intensity = segments.intensity is not None
    order = segments.intensity if segments.intensity is not None else segments.starts
    scale = Normalize(float(order.min()), max(float(order.max()), float(order.min()) + 1e-9))
    for row, channel in enumerate(channels):
        axes = grid.flat[row]
        waves, unit = scaled(_without_offset(np.where(segments.valid[:, row], segments.signal[:, row], np.nan)), "V")
        for number in np.argsort(order, kind="stable"):
            colour = colormaps["viridis"](scale(float(order[number])))
            axes.plot(1e3 * segments.times[number], waves[number], color=colour, linewidth=0.8)
        label(axes, channel, "time after the pulse, ms", unit)
    for axes in grid.flat[len(channels) :]:
        axes.set_axis_off()
    words = "intensity" if by_intensity else "time of the pulse, s (dark: fresh, bright: fatigued)"
    made.colorbar(ScalarMappable(scale, colormaps["viridis"]), ax=grid, label=words, fraction=0.03)
    caption = f"{len(segments)} responses, evenly spread; colour: {words}."
    return Drawing("M-waves over each other", to_svg(made, caption), caption)


def _without_offset(waves: Array) -> Array:
    """Take each wave's median away where the amplifier's offset is larger than the waves."""
    whole = np.isfinite(waves).all(axis=1)
    if not whole.any():
        return waves
    offset = float(np.abs(np.median(waves[whole])))
    size = float(np.median(np.ptp(waves[whole], axis=1)))
    return waves - np.median(waves, axis=1, keepdims=True) if offset > size else waves


def draw_features(kind: str, table: FeatureTable, trends: list[Trend]) -> Drawing:
    """Draw every feature over time, with its trend and the interval of its slope."""
    channels = table.channel_names[:MOST_CHANNELS]
    made = figure(len(table.names), 1.9)
    grid = grid_of_axes(made, len(table.names), len(channels), sharex=True, sharey="row")
    for line, name in enumerate(table.names):
        values, unit = scaled(table.values[name], table.units[name])
        scale = _scale_of(table.values[name], values)
        trend = next((item for item in trends if item.feature == name), None)
        for row, channel in enumerate(channels):
            axes = grid[line, row]
            size = 2.5 if len(table) > 200 else 6.0
            axes.plot(table.starts, values[:, row], ".", color=COLOURS[kind], markersize=size, alpha=0.6)
            if trend is not None and np.isfinite(trend.slope[row]):
                _draw_trend(axes, trend, row, scale)
            label(axes, f"{channel}: {NAMES.get(name, name)}", y=unit if row == 0 else "")
    for axes in grid[-1]:
        axes.set_xlabel("time, s")
    caption = "Points: single values. Line: trend; band: 95 % interval of its slope." if trends else "Single values."
    title = "M-waves over time" if kind == "evoked" else "Voluntary activity over time"
    return Drawing(title, to_svg(made, f"{title}. {caption}"), caption)


def _scale_of(before: Array, after: Array) -> float:
    usable = np.isfinite(before) & (before != 0)
    return float((after[usable] / before[usable]).flat[0]) if usable.any() else 1.0


def _draw_trend(axes: Axes, trend: Trend, row: int, scale: float) -> None:
    times = np.linspace(trend.t_start, trend.t_stop, 50)
    since, middle = times - trend.t_start, (trend.t_stop - trend.t_start) / 2
    line = trend.intercept[row] + trend.slope[row] * since
    spread = (trend.slope_interval[row] - trend.slope[row])[:, np.newaxis] * (since - middle)
    axes.fill_between(
        times, scale * (line + spread.min(axis=0)), scale * (line + spread.max(axis=0)), color="#000", alpha=0.15
    )
    axes.plot(times, scale * line, color=COLOURS["ink"])


def draw_recruitment(table: FeatureTable) -> Drawing:
    """Draw the size of the responses against the stimulation intensity."""
    name = "vpp" if "vpp" in table.names else table.names[0]
    values, unit = scaled(table.values[name], table.units[name])
    made = figure(1, 3.2)
    axes = grid_of_axes(made, 1, 1)[0, 0]
    for row, channel in enumerate(table.channel_names[:MOST_CHANNELS]):
        axes.plot(table.intensity, values[:, row], "o", markersize=4, alpha=0.7, label=channel)
    label(axes, "", "stimulation intensity, unit of the source", f"{NAMES.get(name, name)}, {unit}")
    axes.set_ylim(bottom=0)
    axes.legend()
    caption = "Every point is one response."
    return Drawing("Recruitment", to_svg(made, caption), caption)


def draw_comparisons(comparisons: tuple[Comparison, ...]) -> Drawing:
    """Draw the change of voluntary and evoked features beside each other, each in per cent of its own fresh value."""
    made = figure(1, 0.45 * sum(2 * len(item.channel_names) for item in comparisons) + 0.6)
    axes = grid_of_axes(made, 1, 1)[0, 0]
    names: list[str] = []
    for comparison in comparisons:
        for row, channel in enumerate(comparison.channel_names):
            for change in (comparison.a, comparison.b):
                low, high = change.change_interval[row]
                place, middle = -len(names), change.change[row]
                colour = COLOURS[change.kind]
                axes.plot([low, high], [place, place], color=colour, linewidth=2.5, alpha=0.5)
                axes.plot([middle], [place], "o", color=colour)
                names.append(f"{channel}: {NAMES.get(change.feature, change.feature)}")
    axes.axvline(0, color=COLOURS["ink"], linewidth=0.6)
    axes.set_yticks([-place for place in range(len(names))], names)
    label(axes, "", "change from fresh to fatigued, % of the fresh value")
    caption = "Green: voluntary, orange: evoked; bars: 95 % intervals."
    return Drawing("Voluntary and evoked, fresh to fatigued", to_svg(made, caption), caption)
