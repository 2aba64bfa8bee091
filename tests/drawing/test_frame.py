# SPDX-License-Identifier: Apache-2.0
"""What all pages share."""

from penchant.drawing import frame
from penchant.drawing.markup import node, to_html
from penchant.drawing.svg import Series
from penchant.drawing.versions import library_versions


def test_a_document_is_whole_and_asks_for_nothing():
    page = frame.document("a <b>", node("main", frame.made_with({"penchant": "1"})))
    assert page.startswith("<!doctype html>")
    assert "<title>a &lt;b&gt;</title>" in page
    assert "default-src 'none'" in page
    assert "@import" not in page
    assert "url(" not in page
    assert "Made with penchant 1." in page


def test_a_table_out_of_rows():
    table = frame.grid(["a", frame.wordy("b")], [frame.row("x", "1", node("i", "2"), title="whole")])
    html = to_html(table)
    assert '<th scope="col">a</th><th scope="col" class="words">b</th>' in html
    assert '<th scope="row" title="whole">x</th><td>1</td><td><i>2</i></td>' in html


def test_a_figure_has_a_legend_where_there_are_series():
    assert "legend" not in to_html(frame.figure("n", "w", node("svg")))
    assert to_html(frame.figure("n", "w", node("svg"), [Series("one", [], "s0")])).count("<li>") == 1


def test_versions_name_the_program_first():
    assert list(library_versions())[:2] == ["penchant", "python"]
