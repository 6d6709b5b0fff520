"""The verb `write_report`: one HTML file about one recording."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from emgkit.io.atomic import written_whole
from emgkit.io.hdf5_results import load_results
from emgkit.report import words
from emgkit.report.figures import drawings
from emgkit.results import Results

__all__ = ["write_report"]


def write_report(results: Results | str | Path, out: str | Path) -> Path:
    """Write one self-contained HTML page about a recording.

    The page needs no network and no scripts: the answer in words, raw against cleaned signal, M-waves from fresh to
    fatigued, features over time, voluntary against evoked, quality, methods and provenance. The same results give the
    same bytes.

    Parameters
    ----------
    results : Results or path
        What was measured, or its results file.
    out : str or Path
        The page, by custom ending in ``.html``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    MissingFileError, ResultsError
        If the results file is not there or damaged.
    OutputError
        If the page cannot be written.
    """
    shown = results if isinstance(results, Results) else load_results(results)
    with written_whole(out) as unfinished:
        unfinished.write_text(render(shown), encoding="utf-8")
    return Path(out)


def render(results: Results) -> str:
    """Give the page as HTML text."""
    from jinja2 import Environment

    source = files("emgkit.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True).from_string(source)
    said = results.separation.messages if results.separation is not None else ()
    return template.render(
        results=results,
        answers=words.answers(results),
        messages=tuple(dict.fromkeys((*results.messages, *said))),
        facts=words.facts(results),
        change_rows=list(words.change_rows(results)),
        comparison_rows=list(words.comparison_rows(results)),
        drawings=drawings(results),
        quality_rows=list(words.quality_rows(results)),
        missing_rows=list(words.missing_rows(results)),
        methods=words.methods(results),
        protocol=words.protocol_text(results),
    )
