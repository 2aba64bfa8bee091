# SPDX-License-Identifier: Apache-2.0
"""`penchant off-policy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli.say import complain, examples, grid, out

if TYPE_CHECKING:
    from penchant.evaluate.bootstrap import Interval

OFF_POLICY = examples(
    "penchant off-policy shown.parquet --policy uniform",
    "penchant off-policy random.parquet --policy thompson.parquet --context age --context device",
    "penchant off-policy shown.parquet --policy-column new_probability --position none --out page.html",
)


def off_policy(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="Impressions: .parquet, .csv or .jsonl.")],
    policy: Annotated[
        str | None, typer.Option(metavar="LOG", help="The log that the judged policy wrote; or: uniform.")
    ] = None,
    policy_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Or its probability of what was shown, for each row.")
    ] = None,
    item: Annotated[str, typer.Option(metavar="COLUMN", help="What was shown.")] = "item_id",
    position: Annotated[
        str, typer.Option(metavar="COLUMN", help="Where; none if there is one place.")
    ] = "position",
    reward: Annotated[
        str, typer.Option(metavar="COLUMN", help="What came of it: 1 or 0, or any number.")
    ] = "click",
    propensity: Annotated[
        str, typer.Option(metavar="COLUMN", help="Probability with which it was shown there.")
    ] = "propensity",
    context: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="What was known; a model of rewards learns from it.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Whose rows belong together, for the intervals: a user.")
    ] = None,
    clip: Annotated[float | None, typer.Option(min=1.0, help="The largest weight; cuts noise, adds bias.")] = None,
    bootstrap: Annotated[int, typer.Option(min=1, help="Draws for the intervals.")] = 1000,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Probability inside the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Of draws and folds.")] = 0,
    out_file: Annotated[Path | None, typer.Option("--out", metavar="PAGE", help="A page to write.")] = None,
) -> None:
    """Estimate what another policy would have earned, from impressions that were logged with propensities.

    By IPS, SNIPS and, where the policy's whole distribution is known, a doubly robust estimate. Propensities that
    are too small for an answer are said.
    """
    from penchant.evaluate.offpolicy import judging
    from penchant.evaluate.offpolicy.impressions import Columns
    from penchant.evaluate.offpolicy.page import NAMES, between, number

    columns = Columns(
        item=item, position=None if position == "none" else position, reward=reward, propensity=propensity,
        context=tuple(context or ()), unit=unit,
    )  # fmt: skip
    found = judging.judge(
        log,
        columns,
        policy=policy,
        policy_column=policy_column,
        clip=clip,
        resamples=bootstrap,
        level=level,
        seed=seed,
    )

    def row(name: str, one: Interval) -> list[str]:
        return [name, number(one.mean), between(one)]

    rows = [row(NAMES[name], one) for name, one in found.result.estimates.items()]
    if found.measured:
        rows.append(row(f"measured: {found.policy}", found.measured))
    rows.append(row(f"measured: {found.log}", found.result.logged))
    console = out()
    console.print(
        grid(f"{found.policy} on {found.log}", ["", "mean reward", f"{level:.0%} interval"], rows, right=1)
    )
    console.print(
        f"{found.result.rows:,} rows, worth {found.result.effective:,.0f} of equal weight; smallest propensity "
        f"{found.result.smallest:.2g}, largest weight {found.result.largest:,.1f}, mean weight "
        f"{found.result.mean_weight.mean:.3f}.",
        markup=False,
        soft_wrap=True,
    )
    if found.quality:
        order = "" if found.quality.auc is None else f"AUC {found.quality.auc:.3f}, "
        console.print(
            f"Model of rewards, cross-fitted: {order}log-loss {found.quality.log_loss:.4f}, calibration error "
            f"{found.quality.reliability.error:.4f}.",
            markup=False,
            soft_wrap=True,
        )
    for words in found.result.warnings:
        complain(f"{words}.")
    if out_file:
        judging.write_page(found, out_file)
        console.print(f"Report: {out_file}", markup=False, soft_wrap=True)
