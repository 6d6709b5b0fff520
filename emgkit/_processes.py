"""Processes that do not outlive the one that started them."""

from __future__ import annotations

import os
import threading
from multiprocessing import connection, parent_process

__all__ = ["leave_with_parent"]


def leave_with_parent() -> None:
    """End this process as soon as the one that started it is gone, killed as it may be; watched by a thread."""
    threading.Thread(target=_leave, daemon=True).start()


def _leave() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
