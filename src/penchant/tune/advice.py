# SPDX-License-Identifier: Apache-2.0
"""What to try next, what to give up, and what mattered: the only file that knows Optuna.

The search is TPE (Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011), in the
multivariate form of Falkner et al. ("BOHB", ICML 2018). What it proposes depends on the finished trials, the seed
and the trial's number alone: nothing of Optuna's is kept on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penchant.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from penchant.tune.space import Key, Value
    from penchant.tune.trials import Trial

RANDOM = 8
"""Trials after the first that are drawn at random, before what was learned from them guides the search."""
_FEWEST = 4
"""Trials that a median is taken of, at least."""
_GRACE = 3
"""Epochs in which no trial is given up: the first ones say little."""
_ENOUGH = 8
"""Finished trials from which on it is said what mattered."""


def optuna() -> ModuleType:
    """The library.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import optuna as found  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("penchant tune", "tune") from error
    found.logging.set_verbosity(found.logging.WARNING)
    return found


class Asked:
    """A trial that runs.

    Attributes:
        values: what to try.
    """

    def __init__(self, trial: Any, values: dict[str, Value], *, prune: bool) -> None:
        self._trial = trial
        self._prune = prune
        self.values = values

    def hopeless(self, epoch: int, score: float) -> bool:
        """Whether its best so far is below the median of what the finished trials had reached by this epoch."""
        self._trial.report(score, epoch)
        return self._prune and bool(self._trial.should_prune())


class Adviser:
    """Proposes settings.

    Args:
        keys: what is tuned.
        seed: of the search.
        prune: whether trials are given up.
    """

    def __init__(self, keys: Mapping[str, Key], seed: int, *, prune: bool) -> None:
        self._optuna = optuna()
        self._keys = dict(keys)
        self._seed = seed
        self._prune = prune
        self._ranges = {name: self._distribution(key) for name, key in keys.items()}

    def ask(self, done: Sequence[Trial]) -> Asked:
        """The settings of the next trial: the run file's own, then the search's."""
        number = len(done)
        study = self._study(done)
        chance = int(np.random.SeedSequence((self._seed, number)).generate_state(1)[0])
        study.sampler = self._optuna.samplers.TPESampler(
            seed=chance, n_startup_trials=RANDOM + 1, multivariate=True
        )
        if number == 0:
            own = {name: key.default for name, key in self._keys.items()}
            return Asked(study.ask(), own, prune=False)
        trial = study.ask(self._ranges)
        values = {name: key.tidy(trial.params[name]) for name, key in self._keys.items()}
        return Asked(trial, values, prune=self._prune)

    def importance(self, done: Sequence[Trial]) -> dict[str, float]:
        """Each key's share of how much scores differ, the largest first; empty while trials are too few.

        By functional ANOVA over a random forest: Hutter, Hoos and Leyton-Brown, ICML 2014.
        """
        study = self._study(done)
        states = [self._optuna.trial.TrialState.COMPLETE]
        scores = {trial.value for trial in study.get_trials(states=states)}
        if len(self._keys) < 2 or len(scores) < _ENOUGH:
            return {}
        evaluator = self._optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = self._optuna.importance.get_param_importances(study, evaluator=evaluator)
        return {name: float(share) for name, share in found.items()}

    def _study(self, done: Sequence[Trial]) -> Any:
        pruner = self._optuna.pruners.MedianPruner(n_startup_trials=_FEWEST, n_warmup_steps=_GRACE + 1)
        study = self._optuna.create_study(direction="maximize", pruner=pruner)
        study.add_trials([self._told(trial) for trial in done if self._inside(trial)])
        return study

    def _inside(self, trial: Trial) -> bool:
        """Whether the search is told of it: not of settings outside of what is searched, as the run file's own may
        lie, nor of a trial that time cut off before it was ever measured.
        """
        if trial.state == "stopped" and trial.score is None:
            return False
        return all(key.holds(trial.values[name]) for name, key in self._keys.items())

    def _told(self, trial: Trial) -> Any:
        """A finished trial as Optuna has it; one that failed counts as given up, worse than all others."""
        states = self._optuna.trial.TrialState
        whole = trial.state == "done"
        return self._optuna.trial.create_trial(
            state=states.COMPLETE if whole else states.PRUNED,
            value=trial.score if whole else None,
            params=trial.values,
            distributions=self._ranges,
            intermediate_values=trial.curve if trial.score is not None else {},
        )

    def _distribution(self, key: Key) -> Any:
        where, kinds = key.where, self._optuna.distributions
        if where.choices:
            return kinds.CategoricalDistribution(where.choices)
        assert where.low is not None
        assert where.high is not None
        if key.whole:
            return kinds.IntDistribution(int(where.low), int(where.high), log=where.log)
        return kinds.FloatDistribution(where.low, where.high, log=where.log)
