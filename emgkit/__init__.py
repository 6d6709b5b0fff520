"""emgkit: take stimulation artifact, M-wave and voluntary EMG apart, and measure fatigue with its uncertainty.

``import emgkit as ek`` gives all public names; each is loaded when it is first used, so that the import stays light.
"""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.metadata import version
from typing import Any

_HOME = {
    "AR": "emgkit.artifact.fill",
    "ARInnovation": "emgkit.artifact.fill",
    "ARV": "emgkit.features.amplitude",
    "AdaptiveFilter": "emgkit.artifact.adaptive_filter",
    "Area": "emgkit.features.amplitude",
    "Blanking": "emgkit.artifact.blanking",
    "CausalSpline": "emgkit.artifact.causal_spline",
    "Change": "emgkit.tables",
    "ChannelError": "emgkit.errors",
    "Clock": "emgkit.pulses",
    "Comb": "emgkit.artifact.comb",
    "Comparison": "emgkit.tables",
    "ContractError": "emgkit.errors",
    "EmgGain": "emgkit.emg_gain",
    "EmgkitError": "emgkit.errors",
    "EmgkitWarning": "emgkit.errors",
    "EvokedLostError": "emgkit.errors",
    "FeatureTable": "emgkit.tables",
    "Finding": "emgkit.artifact.setup_findings",
    "FirstPhaseAmplitude": "emgkit.features.phases",
    "FixedRank": "emgkit.artifact.rank",
    "FormatError": "emgkit.errors",
    "FrameStream": "emgkit.artifact.streaming",
    "Insertion": "emgkit.artifact.insertion",
    "Interpolation": "emgkit.artifact.interpolation",
    "Line": "emgkit.artifact.fill",
    "LinearPrediction": "emgkit.artifact.linear_prediction",
    "LocalPolynomial": "emgkit.artifact.local_polynomial",
    "LockedResidue": "emgkit.artifact.residue",
    "MDF": "emgkit.features.spectrum",
    "MNF": "emgkit.features.spectrum",
    "MWaveMDF": "emgkit.features.m_wave_spectrum",
    "MWaveMNF": "emgkit.features.m_wave_spectrum",
    "Mark": "emgkit.recording",
    "MissingFileError": "emgkit.errors",
    "MissingPackageError": "emgkit.errors",
    "MovingTemplate": "emgkit.artifact.moving_template",
    "NoPulsesError": "emgkit.errors",
    "OutputError": "emgkit.errors",
    "PCHIP": "emgkit.artifact.fill",
    "ParameterError": "emgkit.errors",
    "PartError": "emgkit.errors",
    "Parts": "emgkit.parts",
    "PeakFractionLatency": "emgkit.features.latency",
    "PhaseSpline": "emgkit.artifact.phase_spline",
    "Pipeline": "emgkit.pipeline",
    "ProtocolError": "emgkit.errors",
    "Pulses": "emgkit.pulses",
    "REASONS": "emgkit.tables",
    "RMS": "emgkit.features.amplitude",
    "Recording": "emgkit.recording",
    "Results": "emgkit.results",
    "ResultsError": "emgkit.errors",
    "SamplingRateError": "emgkit.errors",
    "SecondPhaseAmplitude": "emgkit.features.phases",
    "Segments": "emgkit.segments",
    "SharedError": "emgkit.shared_error",
    "Separation": "emgkit.separation",
    "SetupCheck": "emgkit.artifact.setup_check",
    "ShapeError": "emgkit.errors",
    "SingularValueThreshold": "emgkit.artifact.rank",
    "Spatial": "emgkit.artifact.spatial",
    "Step": "emgkit.step",
    "TailFit": "emgkit.artifact.tail_fit",
    "TangentLatency": "emgkit.features.latency",
    "TemplatePCA": "emgkit.artifact.template_pca",
    "TimingError": "emgkit.errors",
    "Trace": "emgkit.recording",
    "Trend": "emgkit.tables",
    "UnitError": "emgkit.errors",
    "UnknownNameError": "emgkit.errors",
    "Vpp": "emgkit.features.amplitude",
    "audit": "emgkit.detect.detect_pulses",
    "change": "emgkit.study.change",
    "check_setup": "emgkit.artifact.setup_check",
    "collect": "emgkit.io.collect",
    "compare": "emgkit.study.compare",
    "cut_m_waves": "emgkit.cut",
    "cut_windows": "emgkit.cut",
    "detect_pulses": "emgkit.detect.detect_pulses",
    "draw_simulation": "emgkit.report",
    "from_mne": "emgkit.io.to_mne",
    "insertion_test": "emgkit.artifact.insertion",
    "load_results": "emgkit.io.hdf5_results",
    "load_truth": "emgkit.io.hdf5_truth",
    "locked_residue": "emgkit.artifact.residue",
    "mark_held": "emgkit.artifact.held",
    "mark_saturation": "emgkit.artifact.saturation",
    "measure": "emgkit.features.measure",
    "read_recording": "emgkit.io.read_recording",
    "read_sweeps": "emgkit.io.sweeps",
    "refine_pulses": "emgkit.detect.refine_pulses",
    "remove_artifact": "emgkit.artifact.separate",
    "save_results": "emgkit.io.hdf5_results",
    "save_truth": "emgkit.io.hdf5_truth",
    "separate": "emgkit.artifact.separate",
    "simulate": "emgkit.simulate",
    "testing": "emgkit.testing",
    "to_mne": "emgkit.io.to_mne",
    "trend": "emgkit.study.trend",
    "validate_results": "emgkit.io.validate",
    "write_recording": "emgkit.io.write_bdf",
    "write_report": "emgkit.report",
    "write_simulation_figure": "emgkit.report",
}
_MODULES = frozenset({"simulate", "testing"})

__all__ = ["__version__", *_HOME]  # noqa: PLE0604  the table above is the one list of public names
__version__ = version("emgkit")

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'emgkit' has no attribute {name!r}")
    module = import_module(home)
    found = module if name in _MODULES else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
