"""Every error and warning that emgkit raises on purpose.

One tree, and each class is also the builtin that fits, so that ``except ValueError`` works as expected.
A message is one line: what came, what is needed, what to do.
"""

from __future__ import annotations

__all__ = [
    "ChannelError",
    "ContractError",
    "EmgkitError",
    "EmgkitWarning",
    "EvokedLostError",
    "FormatError",
    "MissingFileError",
    "MissingPackageError",
    "NoPulsesError",
    "OutputError",
    "ParameterError",
    "PartError",
    "ProtocolError",
    "ResultsError",
    "SamplingRateError",
    "ShapeError",
    "TimingError",
    "UnitError",
    "UnknownNameError",
]


class EmgkitError(Exception):
    """Something that emgkit refuses to do, with the reason and the way out."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else type(self).__name__


class ParameterError(EmgkitError, ValueError):
    """A parameter is outside its range or of the wrong type."""


class ShapeError(EmgkitError, ValueError):
    """An array has the wrong shape."""


class UnitError(EmgkitError, ValueError):
    """A physical unit is missing, unknown or implausible."""


class SamplingRateError(EmgkitError, ValueError):
    """A sampling rate is missing, wrong or too low for the question."""


class ChannelError(EmgkitError, LookupError):
    """A channel that was asked for is not there."""


class UnknownNameError(EmgkitError, LookupError):
    """A method, feature, reader, label or key of this name does not exist."""


class TimingError(EmgkitError, ValueError):
    """Pulses, windows and recording do not fit together in time."""


class NoPulsesError(TimingError):
    """No stimulation pulse was found where some are needed."""


class EvokedLostError(EmgkitError, ValueError):
    """A window reaches into time where the artifact removal may have eaten evoked activity."""


class PartError(EmgkitError, LookupError):
    """The method of this separation cannot tell the part that was asked for."""


class FormatError(EmgkitError, ValueError):
    """A file is not what its name says, is damaged, or says less than is needed."""


class MissingFileError(EmgkitError, FileNotFoundError):
    """There is no such file or folder."""


class OutputError(EmgkitError, OSError):
    """A file cannot be written."""


class ProtocolError(EmgkitError, ValueError):
    """A protocol holds an unknown key, a wrong value, or contradicts itself."""


class ResultsError(EmgkitError, ValueError):
    """A results file does not follow the written specification."""


class ContractError(EmgkitError, AssertionError):
    """A plug-in breaks a law that all of its kind keep."""


class MissingPackageError(EmgkitError, ImportError):
    """An optional package is needed for this and is not installed."""


class EmgkitWarning(UserWarning):
    """The result is usable, but there is something the user should know."""
