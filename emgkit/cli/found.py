"""The tables of the demo: what was found, and what is true."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10
from typing import TYPE_CHECKING

from emgkit._text import scaled_unit

if TYPE_CHECKING:
    from rich.table import Table

    from emgkit.cli.claims import Claim
    from emgkit.pulses import Clock
    from emgkit.results import Results
    from emgkit.simulate import Simulation

__all__ = ["change_tables", "comparison_table", "found_table"]

_WORDS = {
    "vpp": "M-wave size",
    "area": "M-wave area",
    "m_wave_mdf": "M-wave MDF",
    "rms": "voluntary RMS",
    "mdf": "voluntary MDF",
}


def change_tables(claims: Sequence[Claim]) -> list[Table]:
    """Make one table per channel: every feature fresh and fatigued, its change, and the truth below."""
    return [
        _change_table(channel, [claim for claim in claims if claim.channel == channel])
        for channel in dict.fromkeys(claim.channel for claim in claims)
    ]


def _change_table(channel: str, claims: Sequence[Claim]) -> Table:
    from emgkit.cli.console import table

    rows: list[list[str]] = []
    for quantity in dict.fromkeys(claim.quantity for claim in claims):
        mine = [claim for claim in claims if claim.quantity == quantity]
        scale, unit = scaled_unit(max(abs(claim.value) for claim in mine if claim.unit != "%"), mine[0].unit)
        cells = [_cells(claim, 1.0 if claim.unit == "%" else scale) for claim in mine]
        labels = (f"{_WORDS.get(quantity, quantity)}, {unit}", "  95 % interval", "  truth")
        rows += [[label, *line] for label, line in zip(labels, zip(*cells, strict=True), strict=True)]
    return table(f"{channel}: fresh and fatigued", ["", "fresh", "fatigued", "change, %"], rows)


def _cells(claim: Claim, scale: float) -> tuple[str, str, str]:
    """Write value, interval and truth with as many decimals as the interval makes worth printing."""
    low, high = claim.low / scale, claim.high / scale
    decimals = _decimals(high - low)
    value, truth = (f"{number / scale:.{decimals}f}" for number in (claim.value, claim.truth))
    return value, f"{low:.{decimals}f} … {high:.{decimals}f}", truth if claim.holds else f"*{truth}"


def _decimals(width: float) -> int:
    """Two digits of half the interval: its last digit then hardly matters."""
    if not isfinite(width) or width <= 0:
        return 2
    return max(1 - floor(log10(width / 2)), 0)


def comparison_table(claims: Sequence[Claim]) -> Table:
    """Make the table of voluntary against evoked changes."""
    from emgkit.cli.console import table

    rows = [[claim.channel, _compared(claim.quantity), *_cells(claim, 1.0)] for claim in claims]
    title = "Voluntary against evoked: difference of the changes, percentage points"
    return table(title, ["", "change of", "difference", "95 % interval", "truth"], rows, left=2)


def _compared(quantity: str) -> str:
    return " − ".join(_WORDS.get(name, name) for name in quantity.split(" - "))


def found_table(results: Results, simulation: Simulation) -> Table:
    """Make the table of what was found in the recording, beside what is in it."""
    from emgkit.cli.console import table

    rows = [*_recording_rows(results, simulation), *_pulse_rows(results, simulation)]
    return table(f"What was found in {results.source}", ["", "found", "truth"], rows, left=3)


def _recording_rows(results: Results, simulation: Simulation) -> list[list[str]]:
    found, true = results.recording, simulation.recording
    if found is None:
        return []
    clipped = round(float(found.saturated_fraction.sum()) * found.n_samples)
    return [
        ["channels", ", ".join(found.channel_names), ", ".join(true.channel_names)],
        ["length", f"{found.duration:g} s at {found.fs:g} Hz", f"{true.duration:g} s at {true.fs:g} Hz"],
        ["clipped samples", str(clipped), str(_truly_clipped(simulation))],
    ]


def _truly_clipped(simulation: Simulation) -> int:
    """Count the samples that the converter could not reach: the truth lies a step or more beyond what was stored."""
    import numpy as np

    stored = simulation.recording.signal
    steps = np.diff(np.unique(stored))
    return int(np.count_nonzero(np.abs(simulation.truth.signal) > np.abs(stored) + steps[steps > 0].max()))


def _pulse_rows(results: Results, simulation: Simulation) -> list[list[str]]:
    from emgkit.detect.clock import fit_clock

    found, true = results.pulses, simulation.pulses
    if found is None or found.clock is None or found.clock.nominal is None:
        return []
    clock = fit_clock(true.onsets, true.train, found.clock.nominal)
    if clock is None:
        return []
    sides = [_clock_texts(item) for item in (found.clock, clock)]
    labels = (f"rate ({clock.nominal:g} Hz set)", "jitter", "missing, extra")
    return [
        ["pulses", f"{len(found)} in {found.n_trains} train(s)", f"{len(true)} in {true.n_trains} train(s)"],
        *([label, *texts] for label, texts in zip(labels, zip(*sides, strict=True), strict=True)),
    ]


def _clock_texts(clock: Clock) -> tuple[str, str, str]:
    rate = f"{clock.rate:.5f} Hz, {clock.ppm:+.1f} ppm"
    return rate, f"{clock.jitter * 1e6:.2f} µs RMS", f"{clock.missing.size}, {clock.extra.size}"
