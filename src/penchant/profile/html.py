# SPDX-License-Identifier: Apache-2.0
"""A profile as one page that a data scientist would pass around: no script, nothing to load."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from penchant.drawing import frame, svg
from penchant.drawing.markup import Child, add, node
from penchant.profile import figures, words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from penchant.profile.facts import ColumnFacts, Drift, Fallen, Profile, Tail

_CHARTS = 4
_DASH = "\N{EN DASH}"
_DRIFT = (
    "PSI (population stability index) compares words: the difference of each share times the logarithm of its "
    "ratio, summed. Below 0.1 train and test are alike, from 0.25 on they are different. KS compares numbers: "
    "the largest gap between the two cumulative distributions; alike below 0.1, different from 0.2 on. Both are 0 "
    "where nothing differs. Items and users count as often as they have events."
)


def render(profile: Profile) -> str:
    """The whole document."""
    main = node("main", frame.header("Penchant data report", profile.name, profile.created), _lead(profile))
    add(main, _facts(profile))
    if profile.findings:
        add(main, node("h2", "Worth a look"), _findings(profile))
    when = [figures.over_time(profile), *([figures.hours(profile)] if profile.clock else [])]
    add(main, node("h2", "When"), _plots(when))
    who = [figures.lorenz(profile), figures.lengths(profile)]
    add(main, node("h2", "Who and what"), _plots(who), *_tails(profile))
    add(main, node("h2", "Event types"), _types(profile))
    if profile.columns:
        add(main, node("h2", "Columns"), *_columns(profile.columns))
    if profile.coverage:
        add(main, node("h2", "Content of items"), *_coverage(profile))
    if profile.rows_in:
        add(main, node("h2", "What fell"), *_fallen(profile))
    if profile.newcomers:
        add(main, node("h2", "Train against test"), *_drift(profile))
    add(main, frame.made_with(profile.versions))
    return frame.document(f"{profile.name}: data report", main)


def _lead(profile: Profile) -> Element:
    """The set in two sentences."""
    sizes = profile.sizes
    lead = node("p", class_="lead")
    strong = [node("strong", words.count(n)) for n in (sizes.users, sizes.items, sizes.events)]
    add(lead, strong[0], " users left ", strong[2], " events with ", strong[1], " items")
    if sizes.first is not None and sizes.last is not None:
        add(lead, f" in {words.span(sizes.first, sizes.last)}, from {words.moment(sizes.first)} to ")
        add(lead, words.moment(sizes.last))
    rows, kept = profile.rows_in.get("events"), profile.kept.get("events")
    if rows and kept is not None:
        fell = rows - kept
        lost = f"{words.count(fell)} of {words.count(rows)} rows ({words.share(fell / rows)}) fell in cleaning"
        add(lead, f". {lost}" if fell else ". Cleaning took no row")
    warnings = sum(one.level == "warn" for one in profile.findings)
    things = "thing needs" if warnings == 1 else "things need"
    return add(lead, f"; {warnings} {things} a look." if warnings else ".")


def _facts(profile: Profile) -> Element:
    sizes = profile.sizes
    pairs = [
        ("events", words.count(sizes.events)),
        ("users", words.count(sizes.users)),
        ("items", words.count(sizes.items)),
        ("median of a user", f"{profile.users.quantiles[2]:g} events"),
        ("median of an item", f"{profile.items.quantiles[2]:g} events"),
        ("density", ("" if sizes.pairs_exact else "about ") + words.density(sizes.density)),
    ]
    if sizes.catalogue > sizes.items:
        pairs.insert(3, ("items without events", words.count(sizes.catalogue - sizes.items)))
    pairs += [
        (name, words.count(n)) for name, n in (("reviews", sizes.reviews), ("friendships", sizes.social)) if n
    ]
    return frame.facts(pairs)


def _findings(profile: Profile) -> Element:
    cards = []
    for one in profile.findings:
        mark = node("span", "warning" if one.level == "warn" else "note", class_=f"badge {one.level}")
        card = node("li", node("p", mark, " ", node("strong", one.title)), node("p", one.words), class_="card")
        cards.append(add(card, node("p", one.advice, class_="note")) if one.advice else card)
    return node("ul", *cards, class_="findings")


def _plots(charts: Iterable[Element]) -> Element:
    return node("div", *charts, class_="plots")


def _tails(profile: Profile) -> Iterable[Element]:
    percents = [f"{n}\N{NO-BREAK SPACE}%" for n in (25, 50, 75, 90, 99)]
    heads = ["Events of one", "least", *percents, "most", "with a single event", "the top hundredth has"]
    yield frame.grid(heads, [_tail("user", profile.users), _tail("item", profile.items)])
    for who, tail in (("users", profile.users), ("items", profile.items)):
        named = ", ".join(f"{name}\N{NO-BREAK SPACE}({words.count(n)})" for name, n in tail.leaders)
        yield node("p", f"The {who} with most events: {named}.", class_="note")


def _tail(who: str, tail: Tail) -> Element:
    return frame.row(who, *map(words.count, tail.quantiles), words.share(tail.once), words.share(tail.top))


def _types(profile: Profile) -> Element:
    total = profile.sizes.events or 1
    rows = [
        frame.row(
            one.name,
            one.meaning,
            f"{one.strength * one.sign:g}",
            words.count(one.events),
            _meter(one.events / total),
            words.count(one.users),
            words.share(one.values / one.events) if one.values else _DASH,
        )
        for one in profile.types
    ]
    return frame.grid(["Type", "means", "strength", "events", "share", "users", "with a value"], rows)


def _columns(columns: Iterable[ColumnFacts]) -> Iterable[Element]:
    heads: list[Child] = [
        "Column",
        "kind",
        "missing",
        "distinct",
        "distribution",
        frame.wordy("in numbers or words"),
    ]
    for table, group in groupby(columns, key=lambda one: one.table):
        facts = list(group)
        rows = [_column(one) for one in facts]
        yield node("h3", f"{table}, {words.count(facts[0].rows)} rows")
        yield frame.grid(heads, rows)
    yield node(
        "p",
        "Distributions of large tables are taken from every n-th row; counts are of all. Small charts show "
        "numbers between their 1 and 99 % quantiles.",
        class_="note",
    )


def _column(one: ColumnFacts) -> Element:
    chart: Element | str = ""
    if one.histogram:
        counts = one.histogram.counts["all"]
        low, high = one.histogram.starts[0], one.histogram.starts[-1]
        chart = svg.spark(f"{one.name} from {words.number(low)} to {words.number(high)}", counts)
    elif one.values:
        chart = svg.spark(f"the most frequent values of {one.name}", [n for _, n in one.values])
    missing = one.missing / max(one.rows, 1)
    empty = _meter(missing) if missing else _DASH
    distinct = words.count(one.distinct) if one.distinct else _DASH
    return add(frame.row(one.name, one.kind, empty, distinct, chart), _prose(_in_words(one)))


def _in_words(one: ColumnFacts) -> str:
    if one.histogram:
        low, five, _, median, _, most, high = map(words.number, one.quantiles)
        return f"{low} to {high}; median {median}, nine in ten between {five} and {most}"
    if one.values:
        base = one.sampled or 1
        return ", ".join(f"{name}\N{NO-BREAK SPACE}({words.share(n / base)})" for name, n in one.values[:4])
    if one.quantiles:
        return f"median {words.number(one.quantiles[3])} characters, as in: {one.example}"
    return one.example


def _coverage(profile: Profile) -> Iterable[Element]:
    rows = []
    for one in profile.coverage:
        files = _DASH if one.absent is None else f"{words.count(one.absent)} of {words.count(one.present)}"
        broken = f"{one.broken} of {one.looked}" if one.looked else _DASH
        cells: list[Child] = [
            one.kind,
            words.count(one.present),
            _meter(one.present / max(one.items, 1)),
            words.share(one.events),
        ]
        row = frame.row(one.column, *cells, files, broken)
        rows.append(add(row, _prose("; ".join(one.examples) or _DASH)))
    yield frame.grid(
        [
            "Column",
            "kind",
            "items",
            "of the catalogue",
            "of events",
            "files absent",
            "broken",
            frame.wordy("examples"),
        ],
        rows,
    )
    yield node(
        "p", "Whether a file is there is looked up for all; its first and last bytes for some.", class_="note"
    )


def _fallen(profile: Profile) -> Iterable[Element]:
    sums = (
        f"{table}: {words.count(rows)} rows in = {words.count(profile.kept[table])} kept + "
        f"{words.count(rows - profile.kept[table])} fallen"
        for table, rows in profile.rows_in.items()
    )
    yield node("p", "; ".join(sums) + ".", class_="note")
    if not profile.fallen:
        return
    rows = [_fell(one) for one in profile.fallen]
    yield frame.grid(["Rule", "table", "rows", "share", frame.wordy("why, with the first example")], rows)
    yield node(
        "p", "Every row that fell is in quarantine.parquet, with its file, number and reason.", class_="note"
    )


def _fell(one: Fallen) -> Element:
    file = one.file.replace("\\", "/").rpartition("/")[2]
    where = node("small", f"{file}, row {words.count(one.row)}")
    row = frame.row(words.rule(one.rule), one.table, words.count(one.count), _meter(one.share))
    counts = [node("small", f"{words.count(n)}: {reason}") for reason, n in one.reasons.items()]
    return add(row, _prose(one.reason, where, *counts))


def _drift(profile: Profile) -> Iterable[Element]:
    new = profile.newcomers
    if new is None:
        return
    yield node("p", f"Divided {profile.split}.", class_="note")
    yield frame.facts(
        [
            ("of the test part's users are new", words.share(new.users)),
            ("of its events are theirs", words.share(new.user_events)),
            ("of its items are new", words.share(new.items)),
            ("of its events are with them", words.share(new.item_events)),
        ]
    )
    if not profile.drift:
        return
    shown = [one for one in profile.drift if len(one.shares) > 1][:_CHARTS]
    yield frame.grid(["What", "measure", "value", "train and test are"], [_drifted(one) for one in profile.drift])
    yield node("p", _DRIFT, class_="note")
    yield _plots(figures.drifted(one) for one in shown)


def _drifted(one: Drift) -> Element:
    level = {"alike": "good", "shifted": "note", "different": "warn"}[one.verdict]
    return frame.row(one.name, one.measure, f"{one.value:.3f}", node("span", one.verdict, class_=f"badge {level}"))


def _prose(*children: Element | str) -> Element:
    """A cell with words, which run over several lines."""
    return node("td", *children, class_="words")


def _meter(part: float) -> Element:
    """A share as a bar and as a number."""
    bar = node("i", style=f"width:{min(max(part, 0.0), 1.0) * 100:.1f}%")
    return node(
        "span", node("span", bar, class_="bar"), node("span", words.share(part), class_="n"), class_="meter"
    )
