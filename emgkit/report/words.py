"""What was found and how, in sentences and tables of a page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import numpy as np

from emgkit._text import number_text, scaled_unit
from emgkit.grades import quality_text
from emgkit.report.style import NAMES
from emgkit.results import Results
from emgkit.tables import REASONS, Change

__all__ = ["answers", "change_rows", "comparison_rows", "facts", "methods", "missing_rows", "quality_rows"]

METHODS = {
    "phase_spline": "cubic B-splines in the continuous time since the pulse, fitted in sliding windows together with "
    "mains and its harmonics",
    "tail_fit": "a fit of exponentials behind the amplifier's high-pass, beside a response that begins and ends",
    "blanking": "blanking about every pulse",
    "interpolation": "interpolation over a short time about every pulse",
    "local_polynomial": "a sliding cubic after every pulse",
    "spatial": "removal of the directions across the array in which the artifact lies",
    "comb": "a comb filter at the period of the pulses",
    "template_pca": "regression of every response on the template and principal components of its neighbours",
    "linear_prediction": "linear prediction of every response from those before it",
    "causal_spline": "cubic B-splines in the continuous time since the pulse, fitted to the past pulses alone",
    "adaptive_filter": "pulse-locked taps followed by recursive least squares",
    "moving_template": "subtraction of the mean of the neighbouring responses, aligned to the sub-sample",
}


def facts(results: Results) -> list[tuple[str, str]]:
    """List what the recording is: name and value."""
    listed = [("file", results.source)]
    summary = results.recording
    if summary is None:
        listed += [("sweeps", str(len(table))) for table in results.tables.values()]
    if summary is not None:
        listed += [
            ("channels", ", ".join(summary.channel_names)),
            ("length", f"{summary.duration:.4g} s at {summary.fs:.6g} Hz"),
        ]
    if results.pulses is not None and len(results.pulses):
        count = results.pulses.n_trains
        trains = f" in {count} train{'s' * (count > 1)}"
        listed.append(("pulses", f"{len(results.pulses)}{trains}, from the {results.pulses.time_source}"))
    clock = None if results.pulses is None else results.pulses.clock
    if clock is not None:
        words = f"{clock.rate:.5g} Hz, jitter {clock.jitter * 1e6:.2g} µs RMS"
        listed.append(("stimulator clock", f"{words}, {clock.missing.size} missing, {clock.extra.size} extra"))
    if results.separation is not None:
        listed.append(("taken apart by", f"{results.separation.method}: {results.separation.why}"))
    return listed


def answers(results: Results) -> list[str]:
    """Say in sentences how the features changed, the surest first."""
    sentences = _recruitment(results)
    for change in results.changes:
        for row, channel in enumerate(change.channel_names):
            if not change.reasons[row] and np.isfinite(change.change[row]):
                sentences.append(_sentence(change, row, channel))
    return sentences


def _recruitment(results: Results) -> list[str]:
    """Say how large the largest response was, where several intensities were given."""
    table = results.tables.get("evoked")
    if table is None or table.intensity is None or np.unique(table.intensity).size < 2 or "vpp" not in table.names:
        return []
    sentences = []
    for row, channel in enumerate(table.channel_names):
        values = table.values["vpp"][:, row]
        if np.isfinite(values).any():
            best = int(np.nanargmax(values))
            scale, unit = scaled_unit(float(values[best]), "V")
            size, at = number_text(float(values[best]) / scale), number_text(float(table.intensity[best]))
            sentences.append(f"{channel}: the largest response ({NAMES['vpp']}) is {size} {unit}, at intensity {at}.")
    return sentences


def _sentence(change: Change, row: int, channel: str) -> str:
    low, high = change.change_interval[row]
    middle = change.change[row]
    name = NAMES.get(change.feature, change.feature)
    interval = f"({100 * change.level:g} % interval {low:+.1f} … {high:+.1f} %)"
    if low <= 0 <= high:
        return f"{channel}: {name} shows no sure change from fresh to fatigued: {middle:+.1f} % {interval}."
    word = "fell" if middle < 0 else "rose"
    return f"{channel}: {name} {word} by {abs(middle):.1f} % {interval} from fresh to fatigued."


def change_rows(results: Results) -> Iterator[list[str]]:
    """Rows of the table of changes."""
    for change in results.changes:
        largest = float(np.nanmax(np.abs([*change.fresh, *change.fatigued, 0.0])))
        scale, unit = scaled_unit(largest, change.unit)
        for row, channel in enumerate(change.channel_names):
            fresh = _with_interval(change.fresh[row] / scale, change.fresh_interval[row] / scale)
            fatigued = _with_interval(change.fatigued[row] / scale, change.fatigued_interval[row] / scale)
            moved = _with_interval(change.change[row], change.change_interval[row])
            reason = REASONS.get(change.reasons[row], "")
            counts = f"{change.n_fresh[row]}, {change.n_fatigued[row]}"
            yield [NAMES.get(change.feature, change.feature), channel, unit, fresh, fatigued, moved, counts, reason]


def comparison_rows(results: Results) -> Iterator[list[str]]:
    """Rows of the table that sets voluntary beside evoked."""
    for item in results.comparisons:
        for row, channel in enumerate(item.channel_names):
            a = _with_interval(item.a.change[row], item.a.change_interval[row])
            b = _with_interval(item.b.change[row], item.b.change_interval[row])
            difference = _with_interval(item.difference[row], item.difference_interval[row])
            names = [NAMES.get(side.feature, side.feature) for side in (item.a, item.b)]
            yield [channel, names[0], a, names[1], b, difference]


def _with_interval(value: float, interval: np.ndarray) -> str:
    text = f"{number_text(float(value))} ({number_text(float(interval[0]))} … {number_text(float(interval[1]))})"
    return "–" if not np.isfinite(value) else text


def missing_rows(results: Results) -> Iterator[list[str]]:
    """Rows of the table of missing values: how many, and why in words."""
    for kind, table in results.tables.items():
        for name in table.names:
            counts = Counter(str(code) for code in table.reasons[name].ravel() if code)
            for code, count in sorted(counts.items()):
                total = table.reasons[name].size
                yield [kind, NAMES.get(name, name), f"{count} of {total}", code, REASONS[code]]


def quality_rows(results: Results) -> Iterator[list[str]]:
    """Rows of the table of quality: saturation per channel, and the numbers of the separation."""
    summary = results.recording
    if summary is not None:
        for channel, share in zip(summary.channel_names, summary.saturated_fraction, strict=True):
            yield ["saturated samples", channel, f"{100 * share:.3g} %"]
    if results.separation is not None:
        channels = () if summary is None else summary.channel_names
        for name, value in results.separation.quality.items():
            items = [value] if isinstance(value, str) else [quality_text(name, float(item)) for item in value]
            places = channels if len(items) == len(channels) and len(items) > 1 else [""] * len(items)
            yield from ([name.replace("_", " "), place, item] for place, item in zip(places, items, strict=True))


def methods(results: Results) -> str:
    """Describe the methods in sentences that could stand in a paper."""
    sentences = [f"Signals were analysed with emgkit {results.version}."]
    separation = results.separation
    if separation is not None:
        words = METHODS.get(separation.method, separation.method)
        sentences.append(f"Stimulation artifact, evoked response and voluntary EMG were taken apart by {words}.")
        sentences.append(
            f"Evoked activity before {separation.evoked_lost_until * 1e3:.2g} ms after a pulse was not evaluated."
        )
    for kind, table in results.tables.items():
        names = ", ".join(NAMES.get(name, name) for name in table.names)
        what = "responses" if kind == "evoked" else "windows of voluntary activity"
        sentences.append(f"From {len(table)} {what} were measured: {names}.")
    if results.trends:
        ways = sorted({"least squares" if item.method == "ols" else "the Theil–Sen method" for item in results.trends})
        sentences.append(f"Trends over time are lines by {' and '.join(ways)}, with intervals of their slopes.")
    if results.changes:
        sentences.append("Fresh and fatigued are the means over the first and the last fifth; intervals are 95 % ones.")
    return " ".join(sentences)


def protocol_text(results: Results) -> str:
    """Give the protocol as indented JSON."""
    return json.dumps(json.loads(results.protocol), indent=1, ensure_ascii=False)
