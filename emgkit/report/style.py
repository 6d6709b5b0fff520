"""How figures look, and how they become part of a page: SVG without dates and random names."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from emgkit._checks import FrozenMapping
from emgkit._text import scaled_unit

__all__ = ["COLOURS", "NAMES", "figure", "grid_of_axes", "scaled", "to_svg"]

# Okabe and Ito's colours, told apart by colour-blind readers
COLOURS: Mapping[str, str] = FrozenMapping(
    {
        "raw": "#8a8a8a",
        "clean": "#0072b2",
        "voluntary": "#009e73",
        "evoked": "#d55e00",
        "pulse": "#cc79a7",
        "ink": "#222",
    }
)
NAMES: Mapping[str, str] = FrozenMapping(
    {
        "vpp": "M-wave size (Vpp)",
        "area": "M-wave area",
        "amp_phase1": "first phase",
        "amp_phase2": "second phase",
        "latency": "latency",
        "latency_peak_fraction": "latency (20 % of the peak)",
        "m_wave_mdf": "M-wave median frequency",
        "m_wave_mnf": "M-wave mean frequency",
        "rms": "voluntary RMS",
        "arv": "voluntary ARV",
        "mdf": "voluntary median frequency",
        "mnf": "voluntary mean frequency",
    }
)
ROOM_OF_A_ROW = 0.12  # of the height of a small panel, for a row of its legend; by eye
RC: dict[Any, Any] = {
    "svg.hashsalt": "emgkit",
    "svg.fonttype": "path",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "lines.linewidth": 1.0,
}
MOST_CHANNELS = 8  # in one figure; more are in the tables


def figure(rows: int, height: float = 2.0) -> Figure:
    """Make a figure as wide as the page, ``height`` inches per row of panels."""
    with rc_context(RC):
        return Figure(figsize=(9.6, height * rows + 0.5), layout="constrained")


def grid_of_axes(made: Figure, rows: int, columns: int, **options: bool | str) -> Any:
    """Make a grid of panels, always two-dimensional."""
    with rc_context(RC):
        return np.asarray(made.subplots(rows, columns, squeeze=False, **options))  # type: ignore[call-overload]


def scaled(values: NDArray[np.float64], unit: str) -> tuple[NDArray[np.float64], str]:
    """Scale values to the prefix in which they are read, and give the unit."""
    finite = np.abs(values[np.isfinite(values)])
    scale, name = scaled_unit(float(finite.max()) if finite.size else 0.0, unit)
    return values / scale, name


def label(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Name a panel and its axes."""
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def legend_over_data(axes: Axes, columns: int) -> None:
    """Put the legend above what is drawn, in room that is made for it: it must not look like data."""
    rows = -(-len(axes.get_legend_handles_labels()[1]) // columns)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + rows * ROOM_OF_A_ROW * (high - low))
    axes.legend(loc="upper left", ncols=columns, fontsize=8, borderaxespad=0.0, handlelength=1.0)


def to_svg(made: Figure, description: str) -> str:
    """Turn a figure into SVG text with a description for those who do not see it."""
    stream = io.StringIO()
    with rc_context(RC):
        made.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    head, _, body = svg.partition(">")
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    safe = description.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'{head} role="img" aria-label="{safe}">{body}'
