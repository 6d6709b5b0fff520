"""Which channels of a file are EMG and which are auxiliary: as asked for, or as the file declares them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from emgkit._checks import nearest
from emgkit.errors import ChannelError, FormatError
from emgkit.io.base import Request, Stream
from emgkit.io.units import is_uncalibrated, volts_per_unit

__all__ = ["Roles", "choose_roles", "is_trigger_name"]

_TRIGGER = re.compile(
    r"^(dig\w*[ _.-]*)?(d?trig(ger)?|stim?|status|sync|marker|event|ttl)([ _.-]*(in|ch)?[ _.-]*\d*)?$", re.I
)
_UNIT = re.compile(r"[(\[]([^()\[\]]*)[)\]]$")


@dataclass(frozen=True, eq=False)
class Roles:
    """The channels that become EMG, those that become traces, and why the others were left out."""

    emg: tuple[Stream, ...]
    aux: tuple[Stream, ...]
    skipped: tuple[tuple[str, str], ...]


def choose_roles(streams: Sequence[Stream], request: Request, where: str) -> Roles:
    """Choose EMG and auxiliary channels.

    EMG are the channels that were asked for; else those that the file calls EMG; else those in volts that are not
    called trigger, status, stim, sync, marker, event or TTL, if they have one rate; else the only one without a unit.
    Auxiliary are the channels that were asked for; else all that are not of the kind of EMG.

    Raises
    ------
    ChannelError
        If a channel is not there (the nearest name is offered), is asked for twice, or the kinds are not clear.
    FormatError
        If the file holds no channels.
    """
    if not streams:
        raise FormatError(f"{where} holds no channels.")
    known = _numbered(streams)
    emg = _asked(known, request.emg, "emg", where) if request.emg else _found(known, request, where)
    aux = _rest(known, emg) if request.aux is None else _asked(known, request.aux, "aux", where)
    both = [stream.name for stream in emg if stream in aux]
    if both:
        raise ChannelError(f"{', '.join(both)}: asked for as EMG and as auxiliary; name each once.")
    skipped = tuple((stream.name, "not asked for") for stream in known if stream not in emg and stream not in aux)
    return Roles(tuple(emg), tuple(aux), skipped)


def _rest(known: Sequence[Stream], emg: Sequence[Stream]) -> list[Stream]:
    like = [stream for stream in known if stream.kind == "emg"] or _in_volts(known)
    return [stream for stream in known if stream not in emg and stream not in like and stream.kind != "other"]


def _numbered(streams: Sequence[Stream]) -> list[Stream]:
    names = [stream.name.strip() for stream in streams]
    numbered = []
    for index, stream in enumerate(streams):
        name = names[index] or f"channel {index + 1}"
        twin = names.count(names[index]) > 1 and names[index]
        numbered.append(replace(stream, name=f"{name}#{names[: index + 1].count(name)}" if twin else name))
    return numbered


def _asked(known: Sequence[Stream], names: Sequence[str], argument: str, where: str) -> list[Stream]:
    by_name = {stream.name: stream for stream in known}
    for name in names:
        twins = [other for other in by_name if other.rpartition("#")[0] == name]
        if name not in by_name and twins:
            raise ChannelError(f"{where} has {len(twins)} channels called {name!r}: ask for {' or '.join(twins)}.")
        if name not in by_name:
            raise ChannelError(f"{where} has no channel {name!r} ({argument}): {nearest(name, by_name)}.")
    return [by_name[name] for name in names]


def _found(known: Sequence[Stream], request: Request, where: str) -> list[Stream]:
    taken = set(request.aux or ())
    free = [stream for stream in known if stream.name not in taken]
    declared = [stream for stream in free if stream.kind == "emg"]
    chosen = declared or _in_volts(free) or _without_unit(free)
    if not chosen:
        raise ChannelError(f"{where} does not say which channels are EMG: name them with emg=; {_listing(free)}.")
    if len({stream.fs for stream in chosen}) > 1:
        raise ChannelError(
            f"{where} has channels of several rates that could be EMG: name those of one rate with emg=; "
            f"{_listing(chosen)}."
        )
    return chosen


def _in_volts(streams: Sequence[Stream]) -> list[Stream]:
    return [stream for stream in streams if _open(stream) and volts_per_unit(stream.unit) is not None]


def _without_unit(streams: Sequence[Stream]) -> list[Stream]:
    found = [stream for stream in streams if _open(stream) and is_uncalibrated(stream.unit)]
    return found if len(found) == 1 else []


def _open(stream: Stream) -> bool:
    return not stream.kind and not is_trigger_name(stream.name)


def is_trigger_name(name: str) -> bool:
    """Tell whether a channel is called trigger, status, stim, sync, marker, event or TTL, with a unit or without."""
    unit = _UNIT.search(name.strip())
    bare = name.strip() if unit is None or volts_per_unit(unit.group(1)) is None else name.strip()[: unit.start()]
    return _TRIGGER.match(bare.strip()) is not None


def _listing(streams: Sequence[Stream]) -> str:
    shown = [
        f"{stream.name} ({', '.join([*([f'{stream.fs:g} Hz'] if stream.fs else []), stream.unit or 'no unit'])})"
        for stream in streams[:20]
    ]
    more = f" and {len(streams) - 20} more" if len(streams) > 20 else ""
    return f"there are: {', '.join(shown)}{more}"
