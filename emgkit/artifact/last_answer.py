"""What was found in a recording last: several methods on one recording look for the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import is_frozen

__all__ = ["LastAnswer"]

Array = NDArray[np.floating[Any]]
Answer = TypeVar("Answer")


class LastAnswer(Generic[Answer]):
    """Keeps the last answer for as long as the signal lives that it is about."""

    def __init__(self) -> None:
        self._last: tuple[ref[Array], object, Answer] | None = None  # whole, so that threads may share it

    def of(self, signal: Array, question: object, look: Callable[[], Answer]) -> Answer:
        """Give the answer to a question about a signal; looked for if it is another one than the last."""
        last = self._last
        if last is not None and last[0]() is signal and last[1] == question:
            return last[2]
        answer = look()
        if is_frozen(signal):  # else its samples may change
            self._last = ref(signal), question, answer
        return answer
