# SPDX-License-Identifier: Apache-2.0
"""What every page that Penchant writes has in common: head, style, tables, figures, a row of numbers.

Safe to pass around: texts are escaped by building a tree (`markup`), and the page's own policy forbids scripts and
requests even if one got in.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from penchant.drawing.markup import Child, add, node, to_html

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from xml.etree.ElementTree import Element

    from penchant.drawing.svg import Series

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(title: str, main: Element) -> str:
    """The whole page, with its style inside and nothing to load."""
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("meta", content=POLICY, **{"http-equiv": "Content-Security-Policy"}),
        node("title", title),
        node("style", style),
    )
    return to_html(node("html", head, node("body", main), lang="en"))


def header(eyebrow: str, title: str, created: str) -> Element:
    """The top of a page; `created` is UTC, ISO 8601."""
    when = created.replace("T", " ").replace("+00:00", " UTC")
    return node("header", node("p", eyebrow, class_="eyebrow"), node("h1", title), node("p", when))


def facts(pairs: Iterable[tuple[str, str]]) -> Element:
    """A row of numbers, each under its name."""
    return node("dl", *(node("div", node("dt", name), node("dd", value)) for name, value in pairs), class_="facts")


def grid(heads: Sequence[Child], rows: Sequence[Element]) -> Element:
    """A table out of ready rows; a head is its words, or a ready `wordy`."""
    cells = (node("th", head, scope="col") if isinstance(head, str) else head for head in heads)
    top = node("thead", node("tr", *cells))
    return node("div", node("table", top, node("tbody", *rows)), class_="card wide")


def wordy(head: str) -> Element:
    """The head of a column that holds words, not numbers."""
    return node("th", head, scope="col", class_="words")


def row(head: Child, *cells: Child, title: str = "") -> Element:
    """A row of a table; `title` is shown under the pointer where the head is cut."""
    return node("tr", node("th", head, scope="row", title=title), *(node("td", cell) for cell in cells))


def figure(name: str, words: str, chart: Element, series: Sequence[Series] = ()) -> Element:
    """A chart under its name, with a legend if it shows several series."""
    caption = node("figcaption", node("strong", name), node("span", words))
    whole = node("figure", caption, class_="card")
    if series:
        entries = (node("li", node("i", class_=one.style), one.name) for one in series)
        add(whole, node("ul", *entries, class_="legend"))
    return add(whole, chart)


def made_with(versions: dict[str, str]) -> Element:
    """The foot of a page: what made it."""
    return node("footer", f"Made with {', '.join(f'{name} {version}' for name, version in versions.items())}.")
