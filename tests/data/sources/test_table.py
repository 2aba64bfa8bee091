# SPDX-License-Identifier: Apache-2.0
"""The page about data sets says what the table says.

After a change of the table: `python tests/data/sources/test_table.py` writes the page anew.
"""

from pathlib import Path

from penchant.data.sources import SOURCES

PAGE = Path(__file__).parents[3] / "docs" / "data-sets.md"
BEGIN, END = "<!-- sets -->\n", "<!-- /sets -->\n"


def section(name, source):
    """What the page says of one set."""
    lines = [f"### {name}", "", f"**{source.title}.** {source.holds}.", ""]
    lines += [f"* Size: {source.size}", f"* Licence: {source.licence}", f"* Cite: {source.citation}"]
    lines.append(f"* Page: <{source.page}>")
    for file in source.downloads:
        pinned = f"`{file.checksum}`" if file.checksum else "no checksum is known; its form is checked"
        lines.append(f"* Address: `{file.url}` ({pinned})")
    if source.package:
        lines.append(f"* Package: `{source.package.requirement}` (`{source.package.checksum}`)")
    lines.append(f"* By hand: {source.by_hand}")
    if source.variants:
        lines.append(f"* Parts: {', '.join(f'`{part}`' for part in source.variants)}; else `{source.variant}`")
    if source.must_accept:
        lines.append("* Terms to accept: `--accept-licence`")
    return "\n".join(lines) + "\n"


def written():
    return "\n" + "\n".join(section(name, source) for name, source in SOURCES.items()) + "\n"


def test_the_page_says_what_the_table_says():
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    said, _, _ = rest.partition(END)
    assert said == written(), f"python {Path(__file__).name} writes the page anew"
    for name in SOURCES:
        assert f"| `{name}` |" in before


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + written() + END + rest.partition(END)[2], encoding="utf-8")
