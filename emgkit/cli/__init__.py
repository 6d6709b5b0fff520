"""The command ``emgkit``: each command parses, calls the verb of its name and prints.

People read on stderr, machines on stdout (``--json``). Exit codes: 0 all done, 1 internal error, 2 usage or protocol
error, 3 some recordings failed, 4 no input matched, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from emgkit.cli.commands import group
from emgkit.cli.exits import guarded

__all__ = ["group", "main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if str(Path.cwd()) not in sys.path:
        # a lab's own "module:Class" may lie where the command is called; last, so that it hides nothing
        sys.path.append(str(Path.cwd()))
    sys.exit(guarded(group, words))
