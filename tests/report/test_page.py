"""The page is one file that needs nothing else, and says what the results say."""

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import emgkit as ek
from emgkit.report.page import render
from emgkit.tables import REASONS

sys.path.insert(0, str(Path(__file__).parents[1]))
from results_cases import small_results


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.labels, self.text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.tags.append(tag)
        self.links += [named[key] for key in ("src", "href") if key in named and not named[key].startswith("#")]
        if tag == "svg":
            self.labels.append(named.get("aria-label", ""))

    def handle_data(self, data):
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


@pytest.fixture(scope="module")
def page():
    return render(small_results())


def test_the_page_needs_no_network_and_no_scripts(page):
    reader = read(page)
    assert [link for link in reader.links if "://" in link or not link.startswith("data:")] == []
    assert "script" not in reader.tags
    assert re.findall(r"url\((?!#)", page) == []


def test_every_figure_is_described(page):
    labels = read(page).labels
    assert len(labels) >= 6
    assert all(labels)


def test_answer_quality_methods_and_provenance_are_there(page):
    text = " ".join(read(page).text)
    for word in ("Fresh and fatigued", "Voluntary and evoked", "Quality", "Methods", "Provenance", "saturated samples"):
        assert word in text
    change = small_results().changes[0]
    assert f"{abs(change.change[0]):.1f} %" in text
    assert small_results().protocol_sha256 in text


def test_the_same_results_give_the_same_page(page):
    assert render(small_results()) == page


def test_hostile_names_are_escaped():
    page = render(replace(small_results(), source="<script>alert(1)</script>.bdf"))
    assert "<script>" not in page


def test_missing_values_are_explained():
    results = small_results()
    missing = [code for table in results.tables.values() for rows in table.reasons.values() for code in rows.ravel()]
    text = " ".join(read(render(results)).text)
    for code in {code for code in missing if code}:
        assert REASONS[str(code)] in text


@pytest.mark.parametrize(
    "left_out",
    [
        {"tables": {}, "changes": (), "comparisons": (), "trends": ()},
        {"separation": None, "pulses": None, "m_waves": None, "excerpts": ()},
        {"recording": None, "excerpts": (), "separation": None},
    ],
)
def test_a_page_is_written_whatever_is_missing(left_out, tmp_path):
    written = ek.write_report(replace(small_results(), **left_out), tmp_path / "page.html")
    assert "<h2>Methods</h2>" in written.read_text()


def test_an_unwritable_place_is_one_clear_line(tmp_path):
    with pytest.raises(ek.OutputError, match="cannot be written"):
        ek.write_report(small_results(), tmp_path / "no" / "such" / "folder" / "page.html")
