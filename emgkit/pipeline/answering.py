"""From tables to answers: trends, changes and comparisons, and what the user should know."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from emgkit.errors import EmgkitError, EmgkitWarning
from emgkit.protocol import Protocol

if TYPE_CHECKING:
    from emgkit.tables import Change, Comparison, FeatureTable, Trend

__all__ = ["Answers", "answer_all", "collect_messages"]

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Answers:
    """What the tables say to the questions of the protocol, and what the user should know."""

    trends: tuple[Trend, ...] = ()
    changes: tuple[Change, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    messages: tuple[str, ...] = ()


def answer_all(protocol: Protocol, tables: Mapping[str, FeatureTable]) -> Answers:
    """Ask the tables all that the protocol asks; what they cannot answer becomes a warning."""
    if protocol.read.sweeps:  # sweeps of rising intensity have no fresh and no fatigued
        return Answers()
    return Answers(_trends(protocol, tables), _changes(protocol, tables), _comparisons(protocol, tables))


def _trends(protocol: Protocol, tables: Mapping[str, FeatureTable]) -> tuple[Trend, ...]:
    from emgkit.study.trend import trend

    pairs = [(table, name) for table in tables.values() for name in table.names]
    made = (_answer(f"trend of {name}", partial(trend, table, name, **protocol.trend)) for table, name in pairs)
    return tuple(item for item in made if item is not None)


def _changes(protocol: Protocol, tables: Mapping[str, FeatureTable]) -> tuple[Change, ...]:
    from emgkit.study.change import change

    pairs = [(table, name) for table in tables.values() for name in table.names]
    made = (_answer(f"change of {name}", partial(change, table, name, **protocol.change)) for table, name in pairs)
    return tuple(item for item in made if item is not None)


def _comparisons(protocol: Protocol, tables: Mapping[str, FeatureTable]) -> tuple[Comparison, ...]:
    from emgkit.study.compare import compare

    if set(tables) != {"voluntary", "evoked"}:
        return ()
    both = partial(compare, tables["voluntary"], tables["evoked"])
    made = (_answer(f"comparison of {row['feature_a']}", partial(both, **row)) for row in protocol.compare)
    return tuple(item for item in made if item is not None)


def _answer(what: str, ask: Callable[[], Answer]) -> Answer | None:
    """Ask a question of the tables; where they cannot answer it, say so and keep the tables."""
    try:
        return ask()
    except EmgkitError as error:
        warnings.warn(f"No {what}: {error}", EmgkitWarning, stacklevel=2)
        return None


@contextmanager
def collect_messages() -> Iterator[list[str]]:
    """Collect what emgkit warns of, each message once; other warnings pass through."""
    collected: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EmgkitWarning)
        yield collected
    for item in caught:
        if not issubclass(item.category, EmgkitWarning):
            warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
        elif str(item.message) not in collected:
            collected.append(str(item.message))
