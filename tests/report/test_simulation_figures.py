"""The overview of a simulated recording: drawn from the truth, at the true times."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.report import draw_simulation, write_simulation_figure
from emgkit.report.responses import responses_of
from emgkit.simulate import Stimulator, recruitment, tiny


@pytest.fixture(scope="module")
def simulation():
    return tiny(rng=np.random.default_rng(4), fluctuation=0.0, slowing=0.0)


@pytest.fixture(scope="module")
def series():
    return recruitment(rng=np.random.default_rng(4), units=30, fibres_per_unit=4)


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_what_is_there_is_drawn_and_nothing_else(simulation, series):
    shown = " | ".join(titles(draw_simulation(simulation)))
    for words in ("VL: as measured", "evoked part", "voluntary part", "force", "close up", "spectra", "over time"):
        assert words in shown
    assert "recruitment" not in shown
    shown = " | ".join(titles(draw_simulation(series, "SOL")))
    assert "recruitment" in shown
    assert "voluntary part" not in shown
    assert "over time" not in shown
    silent = tiny(rng=np.random.default_rng(4), stimulated=())
    shown = " | ".join(titles(draw_simulation(silent)))
    assert "evoked" not in shown
    assert "voluntary part" in shown


def test_responses_are_those_of_the_truth_at_the_true_times(simulation):
    seen = responses_of(simulation, 0)
    sizes = seen.sizes()
    true = simulation.truth.at("vpp", seen.onsets)[:, 0]
    np.testing.assert_allclose(np.median(sizes), np.median(true), rtol=0.01)
    # jitter of 20 µs and a miss here and there are all that is left
    assert np.std(sizes) < 0.01 * np.mean(sizes)
    true = simulation.truth.at("m_wave_mdf", seen.onsets)[:, 0]
    np.testing.assert_allclose(np.median(seen.median_frequencies()), np.median(true), rtol=0.03)


def test_currents_and_reflexes_are_known(series):
    seen = responses_of(series, 0)
    assert np.unique(np.round(seen.current, 9)).size == 20
    assert seen.late_sizes().max() > 10 * seen.late_sizes()[seen.strongest].max()
    assert np.abs(seen.late[:, seen.times < 0.025]).max() < 1e-5 * seen.late_sizes().max()


def test_the_same_recording_gives_the_same_bytes(simulation, tmp_path):
    for ending in ("png", "svg"):
        paths = [write_simulation_figure(simulation, tmp_path / f"{number}.{ending}") for number in range(2)]
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_channel_or_an_ending_that_is_not_there_is_told(simulation, tmp_path):
    with pytest.raises(ek.ChannelError, match="There is no channel 'VM'"):
        draw_simulation(simulation, "VM")
    with pytest.raises(ek.OutputError, match="png, svg, pdf"):
        write_simulation_figure(simulation, tmp_path / "x.doc")
    with pytest.raises(ek.OutputError, match="cannot be written"):
        write_simulation_figure(simulation, tmp_path / "nowhere" / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_stimulators_that_interleave_are_drawn_without_a_warning(tmp_path):
    sixteen = tuple(Stimulator(rate=5.0, phase=one / 16, clock_error=0.0) for one in range(16))
    made = tiny(rng=np.random.default_rng(1), stimulators=sixteen)
    assert not responses_of(made, 0).whole[:-16].any()
    # the first responses of one are not whole, later ones are
    trains = (Stimulator(rate=10.0, trains=((0.5, 2.5),)), Stimulator(rate=80.0, trains=((0.4, 1.5),)))
    for simulation in (made, tiny(rng=np.random.default_rng(1), stimulators=trains)):
        assert write_simulation_figure(simulation, tmp_path / "x.png").stat().st_size > 1e4


def test_the_legend_of_the_course_covers_no_data():
    stimulators = tuple(Stimulator(rate=20.0, phase=phase) for phase in (0.0, 0.4))
    made = tiny(rng=np.random.default_rng(3), duration=3.0, stimulators=stimulators)
    drawn = draw_simulation(made)
    drawn.draw_without_rendering()
    axes = drawn.axes[titles(drawn).index("M-wave and fibres over time")]
    lowest = axes.get_legend().get_window_extent().y0
    heights = [axes.transData.transform((0, line.get_ydata().max()))[1] for line in axes.lines]
    assert len(heights) > 3
    assert max(heights) < lowest
