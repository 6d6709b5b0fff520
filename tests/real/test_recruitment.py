"""Triggered sweeps: the soleus and mouse recruitment series give the M-waves that stand in the files."""

import numpy as np
import pytest

import emgkit as ek

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def soleus(real_data):
    return ek.read_sweeps(
        real_data / "recruitment-soleus" / "example-waveforms.csv", layout="matrix", unit="mV", time_unit="ms"
    )


@pytest.fixture(scope="module")
def mouse(real_data):
    return ek.read_sweeps(
        real_data / "recruitment-mouse" / "recruitment_10kHz.csv",
        layout="long",
        unit="mV",
        time_unit="ms",
        sweep="recording_index",
        channel="channel_index",
        time="time_point",
        value="amplitude_mV",
        intensity="stimulus_V",
    )


def vpp(sweeps: ek.Segments, window: tuple[float, float]) -> np.ndarray:
    return ek.measure(sweeps, [ek.Vpp(window=window)]).values["vpp"][:, 0]


def test_the_soleus_series_is_read_whole(soleus):
    assert len(soleus) == 41
    assert soleus.fs == pytest.approx(3200, rel=0.01)
    assert np.unique(soleus.intensity).size == 11
    assert soleus.kind == "evoked"


def test_the_soleus_m_wave_at_6_is_4_15(soleus):
    at_6 = np.isclose(soleus.intensity, 6.0)
    assert vpp(soleus.select(at_6), (0.005, 0.025)).mean() == pytest.approx(4.15e-3, rel=0.01)


def test_the_mouse_plateau_lies_within_12_6_and_12_8(mouse):
    assert len(mouse) == 80
    assert mouse.fs == pytest.approx(10000, rel=0.01)
    sizes = vpp(mouse, (0.0011, 0.005))[np.argsort(mouse.intensity, kind="stable")]
    assert 12.6e-3 <= np.median(sizes[-20:]) <= 12.8e-3
