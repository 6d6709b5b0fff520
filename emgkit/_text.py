"""Numbers and small tables as text, for the printed form of the values."""

from __future__ import annotations

import math
from collections.abc import Sequence

PREFIXES = {
    "V": ((1.0, "V"), (1e-3, "mV"), (1e-6, "µV")),
    "V·s": ((1.0, "V·s"), (1e-3, "mV·s"), (1e-6, "µV·s"), (1e-9, "nV·s")),
    "s": ((1.0, "s"), (1e-3, "ms")),
}


def scaled_unit(largest: float, unit: str) -> tuple[float, str]:
    """Choose the prefix in which a quantity of this size is read: (divide by this, unit to print)."""
    choices = PREFIXES.get(unit)
    if choices is None or not math.isfinite(largest) or largest == 0:
        return 1.0, unit
    return next(((scale, name) for scale, name in choices if abs(largest) >= scale * 0.9995), choices[-1])


def number_text(value: float, digits: int = 4) -> str:
    """Write a number with so many significant digits; a missing one as a dash."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else str(value)
    if value == 0:
        return "0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:.{decimals}f}" if 1e-4 <= abs(value) < 1e7 else f"{value:.{digits - 1}e}"


def table_text(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> str:
    """Set a title, a header and rows in columns; the first column to the left, the others to the right."""
    cells = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [_row_text(row, widths) for row in cells]
    return "\n".join([title, *(f"  {line}" for line in lines), *(f"  {note}" for note in notes)])


def _row_text(row: Sequence[str], widths: Sequence[int]) -> str:
    first = row[0].ljust(widths[0])
    return "  ".join([first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]).rstrip()
