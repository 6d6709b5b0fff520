"""Overrides that would change nothing: refused with what they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from emgkit.errors import ParameterError
from emgkit.simulate.effort import Effort
from emgkit.simulate.fatigue import BLOCK_ABOVE
from emgkit.simulate.pool import PEAK_RATE_FIRST
from emgkit.simulate.spikes import LONGEST_PERIOD
from emgkit.simulate.stimulator import Stimulator

if TYPE_CHECKING:
    from emgkit.simulate.session import Session

WORK = "an effort: give effort, and bursts, contractions or profile"
ENDS = 2.0  # Hz, by which a count in half a second may exceed a rate; by definition


def _works(session: Session) -> bool:
    """Whether any muscle works voluntarily."""
    return any(session.effort_of(muscle).works for muscle in range(session.muscles))


def _blocks(session: Session) -> bool:
    """Whether fibres may fail, because any unit may fire so fast."""
    uneven = any(one.intervals or one.doublet or one.extra for one in session.stimulators)
    fastest = sum(one.rate + ENDS for one in session.stimulators) * (2 if session.evoked.h_reflex else 1)
    fastest += PEAK_RATE_FIRST * _works(session)
    return bool(session.fatigue.block) and (uneven or fastest > BLOCK_ABOVE)


def _entrains(session: Session) -> bool:
    """Whether any two pulses come so close that they may entrain the drive."""
    close = (*session.stimulators[0].intervals, session.stimulators[0].doublet or LONGEST_PERIOD)
    several = len(session.stimulators) > 1 or session.stimulators[0].extra > 0
    return several or 1 / session.stimulators[0].rate < LONGEST_PERIOD or min(close) < LONGEST_PERIOD


Need = tuple[tuple[str, ...], str, Callable[["Session"], Any]]

# names, what they have no effect without, and whether a session has that
NEEDS: tuple[Need, ...] = (
    (("rail_recovery",), "a rail: give rail", lambda all_: all_.front_end.rail is not None),
    (("high_pass_order",), "a high-pass: give high_pass", lambda all_: all_.front_end.high_pass is not None),
    (("droop", "blanked_to"), "blanking hardware: give blanking", lambda all_: all_.front_end.blanking),
    (("droop",), 'a held value: give blanked_to="held"', lambda all_: all_.front_end.blanked_to == "held"),
    (("packet", "packet_slip"), "lost packets: give packet_loss", lambda all_: all_.front_end.packet_loss),
    (("modulation_period",), "a modulation: give modulation", lambda all_: all_.stimulators[0].modulation),
    (("h_latency", "h_current"), "an H-reflex: give h_reflex", lambda all_: all_.evoked.h_reflex),
    (("pop_size",), "pops: give pops", lambda all_: all_.surroundings.pops),
    (("heart_rate",), "a heart: give ecg", lambda all_: all_.surroundings.ecg),
    (("mains",), "mains: give mains_amplitude", lambda all_: all_.surroundings.mains_amplitude),
    (("flicker",), "noise: give noise", lambda all_: all_.surroundings.noise),
    (("neighbour",), "a second channel: give channel_names", lambda all_: len(all_.channel_names) > 1),
    (
        ("power_exponent",),
        "a power tail: give power_share",
        lambda all_: all_.stimulators[0].contact.electrode.power_share,
    ),
    (("potentiation_on", "potentiation_off"), "potentiation: give it", lambda all_: all_.fatigue.potentiation),
    (("threshold_time",), "a rise of the thresholds: give threshold_rise", lambda all_: all_.fatigue.threshold_rise),
    (("limit", "shared", "recovery", "after_potential"), "slowing: give it", lambda all_: all_.fatigue.slowing),
    (("weakest", "force_recovery", "activation_share"), "weakening: give it", lambda all_: all_.fatigue.weakening),
    (("second_rank",), "a tail: give taus and shares", lambda all_: all_.stimulators[0].contact.electrode.taus),
    (("block_recovery",), "a block: give block", lambda all_: all_.fatigue.block),
    (
        ("block", "block_recovery"),
        f"firing rates above {BLOCK_ABOVE:g} Hz: give rate",
        lambda all_: _blocks(all_) or not all_.fatigue.block,
    ),
    (
        ("size_effect",),
        "fatigue: give slowing, weakening or, above 50 Hz, block",
        lambda all_: all_.fatigue.slowing or all_.fatigue.weakening or _blocks(all_),
    ),
    (("burst_length", "rise"), WORK, lambda all_: all_.efforts_of[0].works),
    (("common_drive", "synchrony", "entrainment", "quantity"), WORK, lambda all_: all_.efforts_of[0].works),
    (
        ("bursts",),
        "an effort: give effort",
        lambda all_: all_.efforts_of[0].effort > 0 or not all_.efforts_of[0].bursts,
    ),
    (
        ("effort",),
        "a contraction: give bursts, contractions or profile",
        lambda all_: all_.efforts_of[0].works or not all_.efforts_of[0].effort,
    ),
    (("entrainment",), f"pulses less than {LONGEST_PERIOD:g} s apart: give rate", _entrains),
    (
        ("conduction",),
        "an effort or an H-reflex: give effort and bursts, or h_reflex",
        lambda all_: _works(all_) or all_.evoked.h_reflex,
    ),
    (("shift",), "a second pair of electrodes: give lateral", lambda all_: len(all_.montage.lateral) > 1),
    (
        ("gap",),
        "a second phase, or cycles: give shape or cycles",
        lambda all_: all_.stimulators[0].pulse.shape != "monophasic" or all_.stimulators[0].pulse.cycles > 1,
    ),
    (
        ("imbalance",),
        "a second phase: give shape",
        lambda all_: all_.stimulators[0].pulse.shape != "monophasic",
    ),
)


def check_effects(scenario: str, before: Session, made: Session, changes: Mapping[str, Any]) -> None:
    """Refuse changes of what has no effect: something else stands instead of it, or what it belongs to is not there.

    What a scenario has itself and nobody changes may be without effect.

    Raises
    ------
    ParameterError
        With the name, and what it needs.
    """
    from emgkit.simulate.session import fields_by_name

    for part in (made.efforts_of[0], made.stimulators[0]):
        _check_replaced(scenario, part, changes)
    old, new = fields_by_name(before), fields_by_name(made)
    changed = {name for name in changes if old[name] != new[name]}
    for names, what, present in NEEDS:
        for name in names:
            if name in changed and not present(made):
                raise ParameterError(f"{name} has no effect in {scenario} without {what}, too.")
    _check_rows(scenario, made, changed)


def _check_replaced(scenario: str, part: Effort | Stimulator, changes: Mapping[str, Any]) -> None:
    for instead, replaced in part.REPLACED.items():
        for name in replaced:
            if getattr(part, instead) and name in changes and changes[name] is not None:
                raise ParameterError(
                    f"{name} has no effect in {scenario}, where {instead} stands instead of it: "
                    f"change {instead}, or give {instead}={'None' if instead != 'intervals' else '()'}, too."
                )


def _check_rows(scenario: str, made: Session, changed: set[str]) -> None:
    """Refuse entries of a row that nothing is left for."""
    stimulator, effort = made.stimulators[0], made.efforts_of[0]
    for name, row, of, spans in (
        ("levels", stimulator.levels, "trains", lambda: stimulator.spans(made.duration)),
        ("efforts", effort.efforts, "contractions", lambda: effort.spans(made.span, made.duration)),
        ("sizes", made.sizes, "muscles", lambda: range(made.muscles)),
        ("efforts_of", made.efforts_of, "muscles", lambda: range(made.muscles)),
        ("gains", stimulator.contact.gains, "channels", lambda: made.channel_names),
    ):
        if name in changed and len(row) > (most := len(spans())):
            raise ParameterError(
                f"{name} must hold at most as many entries as there are {of} in {scenario}, {most}, got {len(row)}: "
                f"the others have no effect."
            )
