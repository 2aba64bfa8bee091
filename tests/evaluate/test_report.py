# SPDX-License-Identifier: Apache-2.0
"""Reports: whole on disk, honest in words, one page that loads nothing and runs nothing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from penchant.drawing.versions import library_versions
from penchant.errors import DataError
from penchant.evaluate.report import (
    Comparison,
    Measure,
    Report,
    Result,
    Segment,
    read_json,
    write_html,
    write_json,
)

EVIL = "<script>alert('x')</script>"


def measure(mean):
    return Measure(mean=mean, low=mean - 0.01, high=mean + 0.01)


def result(name="ease", level=0.1, **changes):
    values = {
        "model": name,
        "kind": "ease",
        "measures": {
            **{f"{metric}@{k}": measure(level * k / 10) for metric in ("ndcg", "recall") for k in (5, 10)},
            "coverage@10": Measure(mean=0.4321),
        },
        "segments": (Segment(name="1-5", users=7, measures={"ndcg@10": measure(level)}),),
        "popularity": (0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.04, 0.03, 0.02, 0.01),
        "timings": {"fit": 1234.5},
    }
    return Result(**values | changes)


def report(*results, **changes):
    values = {
        "run": "small",
        "protocol": "Each user is asked once.\nNothing seen is recommended.",
        "users": 12,
        "items": 3456,
        "events": 98765,
        "ks": (5, 10),
        "results": results or (result(),),
        "popularity": (0.1,) * 10,
    }
    return Report(**values | changes)


def html(tmp_path, *args):
    write_html(*args[:1], tmp_path / "report.html", *args[1:])
    return (tmp_path / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)


def test_json_comes_back_equal(tmp_path):
    whole = report()
    write_json(whole, tmp_path / "deep" / "report.json")
    assert read_json(tmp_path / "deep" / "report.json") == whole
    assert (
        json.loads((tmp_path / "deep" / "report.json").read_text())["results"][0]["measures"]["ndcg@10"]["mean"]
        == 0.1
    )


@pytest.mark.parametrize("content", [None, "", "{}", '{"run": 1}', "\x00"])
def test_what_is_not_a_report_is_refused_by_name(tmp_path, content):
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=r"report\.json is not an evaluation report"):
        read_json(path)


def test_a_report_says_when_and_with_what():
    found = report()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found.created)
    assert found.versions == library_versions()
    assert found.versions["numpy"] == np.__version__
    assert {"penchant", "python"} <= found.versions.keys()


def test_a_missing_library_is_left_out(monkeypatch):
    monkeypatch.setattr("penchant.drawing.versions.LIBRARIES", ("no-such-library",))
    assert list(library_versions()) == ["penchant", "python"]


def test_page_shows_the_numbers(tmp_path):
    text = Page(html(tmp_path, report())).text
    for wanted in (
        "small",
        "0.1000",
        "0.0900 to 0.1100",
        "0.4321",
        "3,456",
        "98,765",
        "1,234.50",
        "Each user is asked",
    ):
        assert wanted in text
    assert "The same at k = 5" in text
    assert "ease reaches NDCG@10 of 0.1000 (0.0900 to 0.1100)." in text


def test_page_asks_the_network_for_nothing_and_runs_nothing(tmp_path):
    page = Page(html(tmp_path, report(result(), result("sasrec")), {"sasrec": [{"step": 1, "loss": 2.0}]}))
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in {"src", "href", "srcset"} or name.startswith("on")]
    assert "url(" not in page.text
    assert "@import" not in page.text
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_every_text_is_escaped(tmp_path):
    evil = result(EVIL, kind=EVIL, segments=(Segment(name=EVIL, users=1, measures={"ndcg@10": measure(0.1)}),))
    evil = msgspec.structs.replace(
        evil, timings={EVIL: 1.0}, measures={**evil.measures, f"{EVIL}@10": measure(0.2)}
    )
    comparison = Comparison(metric=EVIL, better=EVIL, worse=EVIL, mean=0.1, low=0.0, high=0.2, p=0.5)
    whole = report(evil, run=EVIL, protocol=EVIL, versions={EVIL: EVIL}, created=EVIL, comparisons=(comparison,))
    text = html(tmp_path, whole, {EVIL: [{"step": 1, f"loss{EVIL}": 1.0, f"{EVIL}@10": 2.0}]})
    assert "<script>" not in text
    assert "script" not in Page(text).tags
    assert Page(text).text.count(EVIL) > 12


def best_cells(text):
    return re.findall(r'<td class="best"><strong>([\d.]+)', text)


def test_the_best_of_each_column_is_marked(tmp_path):
    text = html(tmp_path, report(result("a", 0.1), result("b", 0.2)))
    assert best_cells(text)[:2] == ["0.2000", "0.2000"], "coverage is no contest"
    assert best_cells(html(tmp_path, report(result("a"), result("b"))))[:4] == ["0.1000"] * 4, "a tie marks both"
    assert best_cells(html(tmp_path, report(result("a")))) == [], "one model has won nothing"


def test_a_metric_that_one_model_lacks_is_a_dash(tmp_path):
    lacking = result(
        "b", measures={"ndcg@10": Measure(mean=0.3)}, timings={"load": 1.0}, segments=(), popularity=()
    )
    text = html(tmp_path, report(result("a"), lacking))
    assert "<td>\N{EN DASH}</td>" in text
    assert "0.3000, ahead of a by 0.2000." in Page(text).text


@pytest.mark.parametrize(
    ("low", "words"), [(0.05, "the gain is 0.0500 to 0.2000"), (-0.01, "within chance (-0.0100 to 0.2000)")]
)
def test_the_first_sentence_is_no_surer_than_the_comparison(tmp_path, low, words):
    comparison = Comparison(metric="ndcg@10", better="b", worse="a", mean=0.1, low=low, high=0.2, p=0.00001)
    text = Page(html(tmp_path, report(result("a", 0.1), result("b", 0.2), comparisons=(comparison,)))).text
    assert words in text
    assert "< 0.0001" in text


def test_an_empty_report_is_still_a_page(tmp_path):
    bare = report(msgspec.structs.replace(result(), measures={}, segments=(), popularity=(), timings={}), ks=(20,))
    assert "No model was measured." in Page(html(tmp_path, bare)).text
    none = msgspec.structs.replace(bare, results=())
    assert "No model was measured." in Page(html(tmp_path, none)).text


def test_without_ten_the_smallest_k_leads(tmp_path):
    twenty = result(measures={"ndcg@20": measure(0.3), "ndcg@50": measure(0.4)})
    text = Page(html(tmp_path, report(twenty, ks=(20, 50)))).text
    assert "Quality of the first 20" in text


def charts(text):
    return re.findall(r'aria-label="([^"]*)"', text)


def test_plots_appear_for_what_was_measured(tmp_path):
    assert charts(html(tmp_path, report())) == [
        "NDCG@10 of each model",
        "Recall at k",
        "NDCG@10 by length of history",
        "Popularity of what is recommended",
    ]
    bare = result(segments=(), popularity=())
    assert charts(html(tmp_path, report(bare, ks=(10,)))) == ["NDCG@10 of each model"]
    assert "known events" not in html(tmp_path, report(result(), popularity=()))


def test_training_curves(tmp_path):
    rows = [
        {
            "epoch": 1,
            "step": 10,
            "loss": {"next": 7.0, "extra": float("nan")},
            "note": "warm",
            "resumed": True,
        },
        {"epoch": 1, "step": 10, "metrics": {"ndcg@10": 0.05, "ndcg@5": 0.04}},
        {"epoch": 2, "step": 20, "loss": {"next": 6.0}, "metrics": {}},
        {"seconds": 3.0},
    ]
    text = html(tmp_path, report(), {"sasrec": rows, "silent": [{"seconds": 1.0}], "dull": [{"step": 1}]})
    assert charts(text)[4:] == ["Training loss of sasrec", "Validation while training of sasrec"]
    page = Page(text).text
    assert "next, epoch 2: 6.0000" in page
    assert "ndcg@10, epoch 1: 0.0500" in page
    assert "ndcg@5, epoch" not in page
    assert "extra" not in page
    assert "resumed" not in page


def test_training_curves_of_a_run_that_counts_steps(tmp_path):
    page = Page(html(tmp_path, report(), {"sasrec": [{"step": 10, "loss": 7.0}, {"step": 30, "loss": 5.0}]})).text
    assert "loss, step 30: 5.0000" in page
