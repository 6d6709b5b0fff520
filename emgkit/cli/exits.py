"""Exit codes, and errors as one line."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import click

from emgkit.errors import EmgkitError, EmgkitWarning, OutputError, ParameterError, ProtocolError, UnknownNameError

__all__ = ["FAILED", "INTERNAL", "INTERRUPTED", "NOTHING", "USAGE", "guarded", "interruptible", "one_line", "usage"]

INTERNAL = 1
USAGE = 2
FAILED = 3
NOTHING = 4
INTERRUPTED = 130
_USAGE_ERRORS = (ProtocolError, ParameterError, UnknownNameError, OutputError)


def guarded(group: click.Group, words: Sequence[str]) -> int:
    """Run a command and turn every error into one line on stderr and an exit code."""
    try:
        with _warnings_in_one_line():
            return _code(group.main(list(words), prog_name="emgkit", standalone_mode=False))
    except click.UsageError as error:
        return _usage_line(error)
    except (KeyboardInterrupt, click.Abort):
        return _line("Interrupted.", INTERRUPTED)
    except EmgkitError as error:
        _trace("--debug" in words)
        return _line(one_line(error), USAGE if isinstance(error, _USAGE_ERRORS) else FAILED)
    except BrokenPipeError:
        # the reader of our output has gone: nothing is left to be said, also not when Python flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  the last place that can still say something
        _trace("--debug" in words)
        advice = "" if "--debug" in words else " Run again with --debug for the traceback, and report it."
        return _line(f"Internal error: {type(error).__name__}: {one_line(error)}.{advice}", INTERNAL)


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Show our warnings without the line of code that gave them, which tells nobody anything here."""
    before = warnings.formatwarning

    def line(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> str:
        own = issubclass(category, EmgkitWarning)
        return f"emgkit: {one_line_text(str(message))}\n" if own else before(message, category, *where, **more)

    warnings.formatwarning = line
    try:
        yield
    finally:
        warnings.formatwarning = before


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """Count every error inside as one of usage: a protocol that is not there, an option that does not fit."""
    try:
        yield
    except EmgkitError as error:
        raise error if isinstance(error, _USAGE_ERRORS) else ProtocolError(str(error)) from None


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Treat a request to end (SIGTERM, as cluster schedulers send it) like Ctrl-C, so that everything is tidied up."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def one_line(error: BaseException) -> str:
    """Write an error in one line."""
    return " ".join(str(error).split())


def _code(returned: object) -> int:
    return returned if isinstance(returned, int) else 0


def _usage_line(error: click.UsageError) -> int:
    command = error.ctx.command_path if error.ctx else "emgkit"
    return _line(f"{one_line_text(error.format_message())} Try '{command} --help'.", USAGE)


def one_line_text(text: str) -> str:
    """Join the lines of a message."""
    return " ".join(text.split())


def _line(text: str, code: int) -> int:
    click.echo(f"emgkit: {text}", err=True)
    return code


def _trace(wanted: bool) -> None:
    if wanted:
        traceback.print_exc()
