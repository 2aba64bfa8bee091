# SPDX-License-Identifier: Apache-2.0
"""HTML and SVG as trees, so that every text is escaped because nothing here ever joins strings."""

from __future__ import annotations

from xml.etree import ElementTree as ET

Child = ET.Element | str


def node(tag: str, *children: Child, **attributes: object) -> ET.Element:
    """An element. `class_="x"` gives class="x", `text_anchor` text-anchor; numbers are shortened."""
    found = ET.Element(tag, {name.rstrip("_").replace("_", "-"): _text(v) for name, v in attributes.items()})
    return add(found, *children)


def add(parent: ET.Element, *children: Child) -> ET.Element:
    """`parent`, with the children put after those it has."""
    for child in children:
        if isinstance(child, ET.Element):
            parent.append(child)
        elif len(parent):
            parent[-1].tail = (parent[-1].tail or "") + child
        else:
            parent.text = (parent.text or "") + child
    return parent


def to_html(root: ET.Element) -> str:
    """The document as text, with its doctype."""
    return "<!doctype html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"


def _text(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
