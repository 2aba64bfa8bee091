# SPDX-License-Identifier: Apache-2.0
"""What a policy would have earned, from the log of another one: IPS, SNIPS and doubly robust estimates.

A row that the policy would have shown more often than it was shown counts for more: its weight w is the policy's
probability over the logging policy's. With r the reward, q a model's guess of it and q' the guess for what the
policy would have shown:

* IPS, the mean of w r (Horvitz and Thompson 1952): right on average, but noisy where weights are large.
* SNIPS, the sum of w r over the sum of w (Swaminathan and Joachims, NIPS 2015): a little biased, less noisy.
* DR, the mean of q' + w (r - q) (Dudik et al., ICML 2011): right on average if propensities or model are right,
  and the less noisy the better the model is.

Intervals are a percentile bootstrap over rows, over units where rows belong together (a user's, say), or, of long
logs, over stretches of neighbouring rows. They do not know of an error in the propensities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from penchant.evaluate.bootstrap import Interval, resampled

if TYPE_CHECKING:
    from penchant.evaluate.metrics import Floats, Ints
    from penchant.evaluate.offpolicy.impressions import Impressions
    from penchant.evaluate.offpolicy.rewards import Foretold

STRETCHES = 20_000
"""The most units that are drawn; of more rows, neighbours are drawn together."""
FEW = 0.1
"""A smaller share of effective rows than this is warned of."""
HEAVY = 0.05
"""A larger share of all weight in one row than this is warned of."""
SELDOM = 0.01
"""A larger probability of what the log never shows than this is warned of."""
DOUBT = 3.0
"""More standard errors between the mean weight and 1 than this are warned of."""


class OffPolicy(NamedTuple):
    """What came out.

    Attributes:
        estimates: by "ips", "snips" and, with a model, "dr".
        logged: the mean reward of the log itself.
        rows: how many.
        effective: how many rows of equal weight would say as much (Kish): (sum w)^2 / sum w^2.
        mean_weight: 1 but for chance, if propensities and policy are what they claim to be.
        smallest: the smallest propensity.
        largest: the largest weight.
        warnings: in words, what makes the numbers doubtful.
    """

    estimates: dict[str, Interval]
    logged: Interval
    rows: int
    effective: float
    mean_weight: Interval
    smallest: float
    largest: float
    warnings: tuple[str, ...]


def judge(
    log: Impressions,
    target: Floats,
    foretold: Foretold | None = None,
    *,
    clip: float | None = None,
    unseen: float = 0.0,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> OffPolicy:
    """Estimate a policy's mean reward for each row.

    Args:
        log: n rows of the logging policy.
        target: [n] the judged policy's probability of what was shown.
        foretold: a model's guesses, for the doubly robust estimate.
        clip: the largest weight to allow; larger ones are cut to it, which trades noise for bias.
        unseen: the judged policy's probability of what the log never shows, on average.
        resamples: draws of the bootstrap.
        level: probability inside the intervals.
        seed: of the draws.
    """
    weights = target / log.propensities
    largest = float(weights.max())
    if clip is not None:
        weights = np.minimum(weights, clip)
    terms = {"weight": weights, "ips": weights * log.rewards, "logged": log.rewards}
    if foretold is not None:
        terms["dr"] = foretold.target + weights * (log.rewards - foretold.logged)
    means = _means(terms, log.units, resamples, seed)
    found = {name: _interval(float(values.mean()), means[name], level) for name, values in terms.items()}
    total = float(weights.sum())
    estimates = {"ips": found["ips"]}
    if total:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = means["ips"] / means["weight"]
        estimates["snips"] = _interval(float(terms["ips"].sum()) / total, ratio[np.isfinite(ratio)], level)
    if "dr" in found:
        estimates["dr"] = found["dr"]
    effective = total**2 / max(float((weights**2).sum()), 1e-300)
    smallest = float(log.propensities.min())
    error = None if clip else float(means["weight"].std())
    return OffPolicy(
        estimates=estimates,
        logged=found["logged"],
        rows=len(weights),
        effective=effective,
        mean_weight=found["weight"],
        smallest=smallest,
        largest=largest,
        warnings=tuple(_warnings(weights, effective, smallest, unseen, error)),
    )


def _means(terms: dict[str, Floats], units: Ints, resamples: int, seed: int) -> dict[str, Floats]:
    """By term, its mean over the rows in each draw of units: [resamples]."""
    n_units = int(units.max()) + 1
    if n_units > STRETCHES:
        units, n_units = units * STRETCHES // n_units, STRETCHES
    sums = np.stack([np.bincount(units, weights=values, minlength=n_units) for values in terms.values()])
    rows = np.bincount(units, minlength=n_units).astype(np.float64)
    drawn = resampled(np.concatenate([sums, rows[None]]), resamples=resamples, seed=seed)
    return {name: drawn[:, n] / drawn[:, -1] for n, name in enumerate(terms)}


def _interval(mean: float, means: Floats, level: float) -> Interval:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high))


def _warnings(weights: Floats, effective: float, smallest: float, unseen: float, error: float | None) -> list[str]:
    """What makes the numbers doubtful; `error` is the standard error of the mean weight, None if it is clipped."""
    found = []
    if effective < FEW * len(weights):
        found.append(
            f"Propensities are too small for this policy (down to {smallest:.2g}): {len(weights):,} rows say as "
            f"much as {effective:,.0f} would. Prefer SNIPS or DR, gather more of the log, or clip the weights"
        )
    heaviest = float(weights.max() / max(float(weights.sum()), 1e-300))
    if heaviest > HEAVY:
        found.append(f"One row alone (number {int(weights.argmax()) + 1:,}) has {heaviest:.0%} of all weight")
    mean = float(weights.mean())
    if error is not None and abs(mean - 1) > DOUBT * error + 1e-6:
        found.append(
            f"Weights average {mean:.3f} where 1 is due, {abs(mean - 1) / max(error, 1e-9):.0f} standard errors "
            "off: propensities do not fit the log, or the policy shows what the log never does. IPS is off by "
            "about as much; SNIPS is not"
        )
    if unseen > SELDOM:
        found.append(
            f"{unseen:.1%} of the time the policy shows what the log never does at that position: nothing is "
            "known of that, and IPS and SNIPS leave it out"
        )
    return found
