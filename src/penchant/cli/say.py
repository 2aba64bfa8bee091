# SPDX-License-Identifier: Apache-2.0
"""How the command line talks: tables and progress on standard output, what went wrong on standard error."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from penchant.errors import PenchantError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.evaluate.report import Report, Result

FAILED = 2
INTERRUPTED = 130

_SHOWN = ("ndcg", "recall", "mrr", "map", "hit_rate", "coverage")
_SURE = ("ndcg", "recall")
"""Metrics whose intervals are shown; the report has all of them."""
_MOST_PAIRS = 10
"""Pairs of models that are shown in full."""


def out() -> Console:
    """Standard output, as it is now."""
    return Console(highlight=False)


def complain(message: str) -> None:
    """One paragraph on standard error."""
    Console(stderr=True, highlight=False).print(message, style="red", markup=False, soft_wrap=True)


def examples(*commands: str) -> str:
    """The closing part of a command's help."""
    return "\n\n".join(["Examples:", *(f"  {command}" for command in commands)])


class Friendly(TyperGroup):
    """A group of commands whose errors are words, never a traceback."""

    def invoke(self, ctx: Any) -> Any:  # click's context, or that of the click inside newer typers
        """Run the command; 2 is the exit code for what the user can mend, 130 for Ctrl-C."""
        try:
            return super().invoke(ctx)
        except PenchantError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None
        except OSError as error:
            complain(explain(error))
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            complain("Stopped.")
            raise typer.Exit(INTERRUPTED) from None


def explain(error: OSError) -> str:
    """What the operating system refused, where, and the way out."""
    where = f"{error.filename}: " if error.filename else ""
    ways = {
        errno.ENOSPC: "the disk is full. Free some space, or write to another disk with --artefacts or --out",
        errno.EDQUOT: "your share of the disk is used up. Free some space, or write elsewhere with --artefacts",
        errno.EROFS: "the file system can only be read. Choose another folder with --artefacts or --out",
        errno.EACCES: "you have no permission. Choose another folder with --artefacts or --out, or its rights",
        errno.EPERM: "that is not permitted. Choose another folder with --artefacts or --out",
        errno.ENOENT: "there is no such file",
        errno.EMFILE: "too many files are open. Raise the limit: ulimit -n 4096",
    }
    reason = ways.get(error.errno or 0, error.strerror or str(error))
    return f"{where}{reason}"


def grid(title: str | None, heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: int = 99) -> Table:
    """A table; columns from number `right` on hold numbers."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number >= right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def show_report(report: Report) -> None:
    """The table of an evaluation: how good each model is, how sure that is, and who beats whom."""
    k = 10 if 10 in report.ks else report.ks[0]
    metrics = [f"{name}@{k}" for name in _SHOWN]
    rows = [[result.model, *(_cell(result, metric) for metric in metrics)] for result in report.results]
    console = out()
    console.print(grid(report.run, ["model", *(f"{name}\n@{k}" for name in _SHOWN)], rows, right=1))
    console.print(report.protocol, markup=False, soft_wrap=True)
    console.print(
        f"Between brackets: {report.level:.0%} bootstrap interval over {report.users:,} users.", markup=False
    )
    show_pairs(report)


def show_pairs(report: Report) -> None:
    """Who beats whom, user by user; of many pairs, those of the best model."""
    shown = list(report.comparisons)
    if not shown:
        return
    if len(shown) > _MOST_PAIRS:
        shown = [gap for gap in shown if gap.better == shown[0].better]
    rows = [
        [
            f"{gap.better} - {gap.worse}", f"{gap.mean:+.4f} \\[{_signed(gap.low)}, {_signed(gap.high)}]",
            f"{gap.p:.4f}", f"{gap.corrected:.4f}", "yes" if gap.corrected < 1 - report.level else "no",
        ]
        for gap in shown
    ]  # fmt: skip
    console = out()
    title = f"{shown[0].metric}, model against model (paired bootstrap)"
    console.print(grid(title, ["pair", "difference", "p", "Holm", "apart?"], rows, right=1))
    left = len(report.comparisons) - len(shown)
    if left:
        console.print(
            f"Holm's correction is for all {len(report.comparisons)} pairs; the page has the other {left}."
        )


def _cell(result: Result, metric: str) -> str:
    measure = result.measures.get(metric)
    if measure is None:
        return "-"
    if measure.low is None or metric.partition("@")[0] not in _SURE:
        return f"{measure.mean:.4f}"
    return f"{measure.mean:.4f}\n\\[{_short(measure.low)}, {_short(measure.high)}]"


def _short(share: float | None) -> str:
    return f"{share or 0:.3f}".removeprefix("0")


def _signed(difference: float) -> str:
    return f"{difference:+.3f}".replace("0.", ".", 1)
