"""Named scenarios: what labs record, with defaults that may be overridden by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from emgkit._checks import nearest
from emgkit.errors import UnknownNameError
from emgkit.recording import Mark
from emgkit.simulate.effort import Effort
from emgkit.simulate.evoked import EvokedParameters
from emgkit.simulate.fatigue import FatigueParameters
from emgkit.simulate.front_end import FrontEnd
from emgkit.simulate.pool import PoolParameters
from emgkit.simulate.session import Session
from emgkit.simulate.simulation import simulate
from emgkit.simulate.stimulator import Stimulator
from emgkit.simulate.stimulus import Contact, Electrode, PulseShape
from emgkit.simulate.surroundings import Surroundings
from emgkit.simulate.truth import Simulation

__all__ = [
    "SCENARIOS",
    "acl_session",
    "foot_drop",
    "hybrid_fes",
    "intermittent_nmes",
    "nmes_fatigue",
    "recovery",
    "recruitment",
    "scenario",
    "tiny",
]

NO_FATIGUE = FatigueParameters(slowing=0.0, weakening=0.0, threshold_rise=0.0)
AMPLIFIER = FrontEnd(high_pass=10.0, full_scale=0.3)
SMALL_ARTIFACT = Contact(Electrode(0.2, (0.1e-3,), (0.1,)))  # gone before the M-wave begins
USUAL_ARTIFACT = Contact(second_rank=0.05)  # a tail of tens of µV lies under the M-wave


def _made(name: str, session: Session, overrides: Mapping[str, Any], rng: np.random.Generator) -> Simulation:
    return simulate(session.override(name, overrides), rng=rng)


def nmes_fatigue(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate a muscle that fatigues under continuous stimulation, with voluntary bursts from time to time.

    30 Hz for almost a minute, at a current that excites every motor unit within its reach, which is 60 % of them. All
    units are driven voluntarily in six bursts, and spikes that meet an antidromic volley are lost, so that voluntary
    EMG comes from the units out of reach. The artifact is gone before the M-wave begins.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all chance: one newly made from the same seed gives the same recording.
    **overrides
        Fields of `Session` or of any of its parts, by name.

    Returns
    -------
    Simulation
        Recording with the traces TRIG (10 kHz) and force (100 Hz), true pulses, and truth.

    Raises
    ------
    ParameterError
        If a parameter is unknown or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from emgkit.simulate import nmes_fatigue
    >>> made = nmes_fatigue(rng=np.random.default_rng(1), duration=5.0, bursts=1)
    >>> made.recording.channel_names
    ('VL', 'VM')
    """
    session = Session(pool=PoolParameters(reach=0.6), stimulators=(Stimulator(contact=SMALL_ARTIFACT),))
    return _made("nmes_fatigue", session, overrides, rng)


def tiny(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate 3 s of `nmes_fatigue` with one channel and 30 motor units: for quick tests and examples."""
    session = Session(
        duration=3.0,
        channel_names=("VL",),
        efforts_of=(Effort(bursts=1, burst_length=1.0),),
        pool=PoolParameters(units=30, fibres_per_unit=4, reach=0.6),
        stimulators=(Stimulator(contact=SMALL_ARTIFACT),),
    )
    return _made("tiny", session, overrides, rng)


def recruitment(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate a recruitment curve: single pulses of rising current, with an H-reflex before and below the M-wave.

    20 currents, three pulses of 1 ms each, over the soleus: wide pulses favour the afferents. The pulses come 1.5 s
    apart, so that every reflex is depressed by those before it.
    """
    steps, repeats, pause = 20, 3, 1.5
    begins = 1.0 + repeats * pause * np.arange(steps)
    session = Session(
        duration=float(begins[-1] + repeats * pause + 1.0),
        channel_names=("SOL",),
        efforts_of=(Effort(bursts=0),),
        evoked=EvokedParameters(h_reflex=0.7),
        fatigue=NO_FATIGUE,
        front_end=AMPLIFIER,
        stimulators=(
            Stimulator(
                rate=1 / pause,
                current=0.036,  # at 1 ms the median threshold is 13 mA
                trains=tuple((float(begin), float(begin + (repeats - 0.5) * pause)) for begin in begins),
                levels=tuple(float(level) for level in np.linspace(0.12, 1.0, steps)),
                pulse=PulseShape("monophasic", width=1e-3),
                contact=Contact(Electrode(transfer=1.0), second_rank=0.05),
            ),
        ),
    )
    return _made("recruitment", session, overrides, rng)


def hybrid_fes(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate voluntary effort under submaximal FES: steps and a ramp of effort while the current stays the same.

    The effort is a ``profile``; for contractions give ``profile=None`` and ``bursts`` or ``contractions``.
    """
    steps = ((0.0, 0.0), (4.0, 0.0), (4.5, 0.1), (9.0, 0.1), (9.5, 0.25), (14.0, 0.25), (14.5, 0.4), (19.0, 0.4))
    ramp = ((19.5, 0.0), (24.0, 0.0), (34.0, 0.5), (34.5, 0.0), (40.0, 0.0))
    session = Session(
        duration=40.0,
        channel_names=("TA", "GM"),
        efforts_of=(Effort(profile=(*steps, *ramp), common_drive=0.05),),
        sizes=(1.0, 0.6),
        pool=PoolParameters(reach=0.7),
        fatigue=FatigueParameters(slowing=0.004),
        front_end=AMPLIFIER,
        surroundings=Surroundings(neighbour=0.03),
        stimulators=(
            Stimulator(
                rate=25.0, current=0.032, stimulation=(2.0, 38.0), ramp_up=1.0, ramp_down=1.0, contact=USUAL_ARTIFACT
            ),
        ),
    )
    return _made("hybrid_fes", session, overrides, rng)


def foot_drop(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate a drop-foot stimulator in gait: bursts in the swing phase with own effort of the tibialis anterior.

    The gastrocnemius works in the stance phase and is not stimulated; it sees the artifact all the same. Marks
    "voluntary" for the tibialis anterior and "stance" for the gastrocnemius. Overrides of the effort change that of the
    tibialis anterior.
    """
    stride, swing, strides = 1.15, 0.45, 20
    begins = 1.0 + stride * np.arange(strides)
    swings = tuple((float(begin), float(begin + swing)) for begin in begins)
    stances = tuple((float(begin + swing + 0.15), float(begin + stride - 0.1)) for begin in begins)
    session = Session(
        duration=float(begins[-1] + stride + 1.0),
        channel_names=("TA", "GM"),
        stimulated=("TA",),
        efforts_of=(
            Effort(effort=0.2, contractions=swings, rise=0.08, common_drive=0.05),
            Effort(effort=0.35, contractions=stances, rise=0.1, common_drive=0.05),
        ),
        pool=PoolParameters(reach=0.7, latency=3.5e-3),
        fatigue=FatigueParameters(slowing=0.004),
        front_end=AMPLIFIER,
        surroundings=Surroundings(movement=100e-6),
        labels=tuple(Mark("stance", *span) for span in stances),
        stimulators=(
            Stimulator(
                rate=40.0,
                current=0.038,
                trains=swings,
                ramp_up=0.1,
                ramp_down=0.08,
                pulse=PulseShape("asymmetrical", width=200e-6, gap=0.0),
                contact=USUAL_ARTIFACT,
            ),
        ),
    )
    return _made("foot_drop", session, overrides, rng)


def acl_session(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate a training session after ACL surgery: both limbs tested before and after NMES of the involved one.

    Marks "pre", "nmes" and "post". Before and after: single supramaximal pulses, then a maximal effort of both limbs,
    of which the involved one reaches less. Between them ten trains of 50 Hz. Overrides of the stimulator (rate,
    current, trains ...) change the test pulses, those of the effort the first channel's muscle: give ``stimulators`` or
    ``efforts_of`` for the others.
    """
    nmes = tuple((float(begin), float(begin + 4.0)) for begin in 16.0 + 8.0 * np.arange(10))
    tests = ((1.0, 6.0), (98.0, 103.0))
    efforts = ((8.0, 12.0), (105.0, 109.0))
    session = Session(
        duration=112.0,
        channel_names=("VL_involved", "VM_involved", "VL_other", "VM_other"),
        sizes=(0.8, 0.7, 1.0, 0.9),
        efforts_of=tuple(Effort(effort=level, contractions=efforts) for level in (0.6, 0.55, 0.95, 0.95)),
        pool=PoolParameters(reach=0.9),
        front_end=AMPLIFIER,
        labels=(Mark("pre", 0.0, 14.0), Mark("nmes", 14.0, 97.0), Mark("post", 97.0, 112.0)),
        stimulators=(
            Stimulator(rate=1.0, current=0.100, trains=tests, contact=USUAL_ARTIFACT),
            Stimulator(
                rate=50.0,
                current=0.045,
                reaches=("VL_involved", "VM_involved"),
                trains=nmes,
                ramp_up=0.8,
                ramp_down=0.5,
                pulse=PulseShape(width=300e-6),
                contact=Contact(gains=(1.0, -0.6, 0.02, -0.01), second_rank=0.05),  # the other limb is far away
            ),
        ),
    )
    return _made("acl_session", session, overrides, rng)


def recovery(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate fresh probes, a fatiguing minute of stimulation, and probes while the muscle recovers.

    Overrides of the stimulator (rate, current, trains ...) change the probes; give ``stimulators`` for the fatiguing
    train, too.
    """
    session = Session(
        duration=200.0,
        channel_names=("VL",),
        efforts_of=(Effort(bursts=0),),
        fatigue=FatigueParameters(recovery=60.0, potentiation=0.15, after_potential=0.12),
        front_end=AMPLIFIER,
        labels=(Mark("fresh", 0.0, 21.0), Mark("fatigue", 22.0, 82.0), Mark("recovery", 82.0, 200.0)),
        stimulators=(
            Stimulator(rate=0.5, trains=((1.0, 20.5), (83.0, 199.0)), contact=USUAL_ARTIFACT),
            Stimulator(rate=30.0, trains=((22.0, 82.0),), contact=USUAL_ARTIFACT),
        ),
    )
    return _made("recovery", session, overrides, rng)


def intermittent_nmes(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate clinical stimulation: trains of 5 s with ramps, 5 s apart, below the maximal current."""
    session = Session(
        duration=104.0,
        efforts_of=(Effort(bursts=0),),
        pool=PoolParameters(reach=0.8),
        front_end=AMPLIFIER,
        fatigue=FatigueParameters(slowing=0.006),
        stimulators=(
            Stimulator(rate=35.0, current=0.038, on=5.0, off=5.0, ramp_up=0.5, ramp_down=0.5, contact=USUAL_ARTIFACT),
        ),
    )
    return _made("intermittent_nmes", session, overrides, rng)


SCENARIOS: Mapping[str, Callable[..., Simulation]] = MappingProxyType(
    {
        made.__name__: made
        for made in (
            nmes_fatigue,
            recruitment,
            hybrid_fes,
            foot_drop,
            acl_session,
            recovery,
            intermittent_nmes,
            tiny,
        )
    }
)


def scenario(name: str) -> Callable[..., Simulation]:
    """Give the scenario of a name.

    Raises
    ------
    UnknownNameError
        If there is none; the message names the nearest.
    """
    if not isinstance(name, str) or name not in SCENARIOS:
        raise UnknownNameError(f"There is no scenario {name!r}: {nearest(name, SCENARIOS)}.")
    return SCENARIOS[name]
