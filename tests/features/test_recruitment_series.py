"""Real recruitment series, read here with plain numpy: M-waves of known size."""

import numpy as np
import pytest

import emgkit as ek

pytestmark = pytest.mark.real


def soleus(folder):
    table = np.loadtxt(folder / "recruitment-soleus" / "example-waveforms.csv", delimiter=",")
    times, sweeps, intensity = table[1:, 0] / 1e3, table[1:, 1:].T / 1e3, table[0, 1:]
    fs = (times.size - 1) / (times[-1] - times[0])
    return ek.Segments(
        sweeps[:, np.newaxis], fs=fs, starts=np.arange(len(sweeps)), first=times[0], kind="evoked", intensity=intensity
    )


def mouse(folder):
    path = folder / "recruitment-mouse" / "recruitment_10kHz.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    sweeps = np.unique(table[:, 0])
    rows = [table[table[:, 0] == sweep] for sweep in sweeps]
    return ek.Segments(
        np.stack([row[:, 4] for row in rows])[:, np.newaxis] / 1e3,
        fs=10_000,
        starts=sweeps,
        first=rows[0][0, 3] / 1e3,
        kind="evoked",
        intensity=[row[0, 2] for row in rows],
    )


def test_the_soleus_m_wave_at_6_is_4_15_and_the_h_reflex_is_told_by_its_window(real_data):
    segments = soleus(real_data)
    at = np.isclose(segments.intensity, 6.0)
    m_wave = ek.measure(segments.select(at), ek.Vpp(window=(0.005, 0.025))).values["vpp"]
    assert m_wave.mean() == pytest.approx(4.15e-3, rel=0.01)
    h_reflex = ek.measure(segments, ek.Vpp(window=(0.028, 0.050))).values["vpp"][:, 0]
    sizes = {level: np.nanmean(h_reflex[segments.intensity == level]) for level in (3.5, 4.0)}
    assert max(sizes.values()) == pytest.approx(2.70e-3, rel=0.03)


def test_the_mouse_plateau_lies_within_12_6_and_12_8(real_data):
    segments = mouse(real_data)
    sizes = ek.measure(segments, ek.Vpp(window=(0.0011, 0.005))).values["vpp"][:, 0]
    assert 12.6e-3 <= np.nanmedian(sizes[-20:]) <= 12.8e-3
    assert np.isfinite(sizes[-20:]).all()


def test_errors_of_the_soleus_plateau_match_its_repeats(real_data):
    """Repeats at one intensity scatter by about half a per cent; the stated error has to be of that size."""
    segments = soleus(real_data)
    table = ek.measure(segments, ek.Vpp(window=(0.005, 0.025)))
    errors, values = table.standard_errors["vpp"][:, 0], table.values["vpp"][:, 0]
    at = segments.intensity == 6.0
    assert 0.2 < np.nanmedian(errors[at]) / max(values[at].std(ddof=1), 1e-5) < 20
