"""``emgkit inspect``: what is in a file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emgkit.cli.console import as_json, console, say, table
from emgkit.cli.options import debug_option, json_option
from emgkit.cli.reading import ReadingCommand, read
from emgkit.cli.setup import print_setup, setup_record

if TYPE_CHECKING:
    from emgkit.artifact.setup_check import SetupCheck
    from emgkit.pulses import Pulses
    from emgkit.recording import Recording

__all__ = ["command"]

_MOST_MARKS = 30


@click.command(cls=ReadingCommand)
@click.argument("file", type=click.Path())
@click.option("--trigger", help="Trigger channel; without it the pulses are found from the artifact.")
@click.option("--rate", type=float, help="Nominal stimulation rate in Hz.")
@click.option(
    "--setup", "check", is_flag=True, help="Tell from a minute of test recording whether the set-up can work."
)
@click.option("--mains", type=float, help="Frequency of the mains in Hz, for --setup; else 50 and 60 are looked at.")
@json_option
@debug_option
def command(
    file: str,
    trigger: str | None,
    rate: float | None,
    check: bool,
    mains: float | None,
    for_machines: bool,
    reading: Mapping[str, Any],
) -> None:
    """Look at a recording: channels, units, marks, pulses and trains found, saturation."""
    from emgkit.artifact.held import mark_held
    from emgkit.artifact.saturation import mark_saturation
    from emgkit.detect.trigger_channels import set_apart

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        recording = mark_held(mark_saturation(set_apart(read(file, reading), trigger)))
        pulses, why = _pulses(recording, trigger, rate)
        setup = _setup(recording, pulses, mains) if check else None
    notes = [str(item.message) for item in caught]
    if for_machines:
        found = _record(recording, pulses, why, notes)
        as_json(found if not check else {**found, "setup": setup_record(setup)})
        return
    _print(Path(file), recording, pulses, why, notes)
    if check:
        print_setup(setup)


def _setup(recording: Recording, pulses: Pulses | None, mains: float | None) -> SetupCheck | None:
    from emgkit.artifact.setup_check import check_setup

    return None if pulses is None or len(pulses) < 2 else check_setup(recording, pulses, mains=mains)


def _pulses(recording: Recording, trigger: str | None, rate: float | None) -> tuple[Pulses | None, str]:
    """Look for pulses; what stands in the way is told beside the rest, as looking at a file must not fail by it."""
    from emgkit.detect.detect_pulses import detect_pulses
    from emgkit.errors import TimingError

    try:
        return detect_pulses(recording, trigger, rate=rate), ""
    except TimingError as error:
        return None, str(error)


def _print(file: Path, recording: Recording, pulses: Pulses | None, why: str, notes: list[str]) -> None:
    from emgkit.detect.detect_pulses import audit

    shown, step = console(), _reading_step(recording)
    rows = [_channel_row(recording, row, step) for row in range(recording.n_channels)]
    title = f"{file.name}: {recording.duration:g} s at {recording.fs:g} Hz ({_origin(step.get('fs_source'))})"
    shown.print(table(title, ["channel", "unit", "RMS (µV)", "peak to peak (mV)", "clipped", "lost"], rows))
    if recording.aux:
        listed = [[name, f"{item.fs:g} Hz", item.unit, f"{item.duration:g} s"] for name, item in recording.aux.items()]
        shown.print(table("Auxiliary channels", ["channel", "rate", "unit", "length"], listed))
    if recording.marks:
        marked = [[mark.label, f"{mark.start:.3f}", f"{mark.stop:.3f}"] for mark in recording.marks[:_MOST_MARKS]]
        shown.print(table(f"Marks ({len(recording.marks)})", ["label", "from (s)", "to (s)"], marked))
        if len(recording.marks) > _MOST_MARKS:
            say(f"and {len(recording.marks) - _MOST_MARKS} more marks (all with --json)")
    for name, reason in step.get("skipped", {}).items():
        say(f"Left out: {name} ({reason})")
    say(audit(pulses) if pulses is not None else f"No pulses: {why}")
    for note in notes:
        say(f"Note: {note}", style="yellow")


def _reading_step(recording: Recording) -> Mapping[str, Any]:
    steps = [step.parameters for step in recording.history if step.name == "read_recording"]
    return steps[0] if steps else {}


def _origin(source: str | None) -> str:
    return {"file": "from the file", "user": "as given"}.get(source or "", "source not known")


def _channel_row(recording: Recording, row: int, step: Mapping[str, Any]) -> list[str]:
    import numpy as np

    name, signal, valid = recording.channel_names[row], recording.signal[row], recording.valid[row]
    kept = signal[valid]
    clipped = _clipped(recording)[name]
    unit = step.get("units", {}).get(name, "V")
    return [
        name,
        f"{unit}, {_origin(step.get('unit_source'))}",
        f"{1e6 * float(kept.std()):.1f}" if kept.size else "–",
        f"{1e3 * float(np.ptp(kept)):.3f}" if kept.size else "–",
        _share(clipped, signal.size),
        _share(int(np.count_nonzero(~valid)) - clipped, signal.size),
    ]


def _share(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.2g} %)" if count else "none"


def _clipped(recording: Recording) -> Mapping[str, int]:
    steps = [step for step in recording.history if step.name == "mark_saturation"]
    counts: Mapping[str, int] = steps[-1].parameters["saturated_samples"]
    return counts


def _record(recording: Recording, pulses: Pulses | None, why: str, notes: list[str]) -> dict[str, Any]:
    import numpy as np

    clipped = _clipped(recording)
    return {
        "source": recording.source,
        "duration_s": recording.duration,
        "fs_hz": recording.fs,
        "channels": [
            {"name": name, "clipped_samples": clipped[name], "invalid_samples": int(np.count_nonzero(~valid))}
            for name, valid in zip(recording.channel_names, recording.valid, strict=True)
        ],
        "read": _plain(_reading_step(recording)),
        "aux": [{"name": name, "fs_hz": item.fs, "unit": item.unit} for name, item in recording.aux.items()],
        "marks": [{"label": mark.label, "start_s": mark.start, "stop_s": mark.stop} for mark in recording.marks],
        "pulses": None if pulses is None else _pulses_record(pulses),
        "no_pulses": why,
        "notes": notes,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _pulses_record(pulses: Pulses) -> dict[str, Any]:
    clock = pulses.clock
    known = (
        {} if clock is None else {"jitter_s": clock.jitter, "missing": clock.missing.size, "extra": clock.extra.size}
    )
    return {
        "count": len(pulses),
        "trains": pulses.n_trains,
        "first_s": float(pulses.onsets[0]),
        "last_s": float(pulses.onsets[-1]),
        "rate_hz": pulses.rate if clock is None else clock.rate,
        "time_source": pulses.time_source,
        **known,
    }
