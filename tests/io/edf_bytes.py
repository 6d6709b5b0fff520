"""EDF and BDF files byte by byte, written without any library, so that readers are held to the format itself."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Signal:
    label: str
    unit: str
    digital: np.ndarray
    per_record: int
    physical: tuple[float, float] = (-1000.0, 1000.0)
    digital_range: tuple[int, int] = (-32768, 32767)
    transducer: str = ""
    prefilter: str = ""

    @property
    def values(self) -> np.ndarray:
        """Physical values by the formula of the standard."""
        (low, high), (dmin, dmax) = self.physical, self.digital_range
        return low + (self.digital.astype(float) - dmin) * (high - low) / (dmax - dmin)


def text(value: object, width: int) -> bytes:
    return str(value).encode("latin-1").ljust(width)[:width]


def time_stamps(onsets, notes=(), width=120, kind="EDF") -> Signal:
    """The annotation signal: each record begins with its own time; notes are (record, onset, duration, text)."""
    size = 2 if kind == "EDF" else 3
    raw = b""
    for record, onset in enumerate(onsets):
        content = f"+{onset:g}\x14\x14\x00".encode()
        for _, start, duration, label in (note for note in notes if note[0] == record):
            length = f"\x15{duration:g}" if duration else ""
            content += f"+{start:g}{length}\x14{label}\x14\x00".encode()
        assert len(content) <= width * size
        raw += content.ljust(width * size, b"\0")
    full = (-32768, 32767) if kind == "EDF" else (-8388608, 8388607)
    signal = Signal(f"{kind} Annotations", "", np.zeros(0), width, (-1.0, 1.0), full)
    signal.raw = raw
    return signal


def file_bytes(signals, duration=1.0, *, records=None, reserved="", kind="EDF", promised=None) -> bytes:
    size = 2 if kind == "EDF" else 3
    count = records or signals[0].digital.size // signals[0].per_record
    version = text("0", 8) if kind == "EDF" else b"\xffBIOSEMI"
    head = version + text("X X X X", 80) + text("Startdate X X X X", 80) + text("01.01.85", 8) + text("00.00.00", 8)
    head += text(256 * (len(signals) + 1), 8) + text(reserved, 44)
    head += text(count if promised is None else promised, 8) + text(f"{duration:g}", 8) + text(len(signals), 4)
    fields = [
        (lambda s: s.label, 16),
        (lambda s: s.transducer, 80),
        (lambda s: s.unit, 8),
        (lambda s: f"{s.physical[0]:.7g}", 8),
        (lambda s: f"{s.physical[1]:.7g}", 8),
        (lambda s: s.digital_range[0], 8),
        (lambda s: s.digital_range[1], 8),
        (lambda s: s.prefilter, 80),
        (lambda s: s.per_record, 8),
        (lambda s: "", 32),
    ]
    for value, width in fields:
        head += b"".join(text(value(signal), width) for signal in signals)
    blocks = [_sample_bytes(signal, size) for signal in signals]
    steps = [signal.per_record * size for signal in signals]
    body = b"".join(
        block[record * step : (record + 1) * step]
        for record in range(count)
        for block, step in zip(blocks, steps, strict=True)
    )
    return head + body


def _sample_bytes(signal: Signal, size: int) -> bytes:
    if hasattr(signal, "raw"):
        return signal.raw
    wide = np.asarray(signal.digital, "<i4").view(np.uint8).reshape(-1, 4)
    return wide[:, :size].tobytes()


def noise(count: int, scale: float = 3000.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, count).round().astype(np.int32)
