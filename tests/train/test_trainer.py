# SPDX-License-Identifier: Apache-2.0
"""The loop: resumed bit by bit, stopped early, refitted exactly, told to callbacks."""

# ruff: noqa: ARG002 - overridden methods

from __future__ import annotations

from functools import cache

import msgspec
import pytest
import torch

import worlds
from penchant.errors import ConfigError, DataError
from penchant.train.callbacks import Callback, EpochReport
from penchant.train.fit import fit, make
from penchant.train.trainer import TrainConfig, Trainer

CONFIG = TrainConfig(
    epochs=6, batch_size=16, learning_rate=0.01, warmup_steps=10, checkpoint_every=2, precision="float32"
)
PER_EPOCH = 4
"""Sixty users in batches of sixteen."""


@cache
def world():
    return worlds.train("popularity", worlds.checkerboard())


def model(seed=0, **choices):
    return make("sasrec", {**worlds.SMALL["sasrec"], **choices}, world().space.sizes, seed)


def users():
    return world().everyone()


def config(**changes):
    return worlds.replace_struct(CONFIG, **changes)


def measure(network):
    """A metric that depends on the weights alone, and on all of them."""
    total = sum(float(tensor.double().sum()) for tensor in network.state().values())
    return {"ndcg@10": abs(total) % 1, "other": 0.5}


def lines(folder):
    """`metrics.jsonl` without what a clock decides."""
    rows = [msgspec.json.decode(row) for row in (folder / "metrics.jsonl").read_bytes().splitlines()]
    return [{k: v for k, v in row.items() if k not in {"seconds", "events_per_second"}} for row in rows]


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def run(folder, *, network=None, callbacks=(), resume=False, steps=None, validate=measure, **changes):
    network = network or model()
    trainer = Trainer(network, users(), config(**changes), validate, folder, callbacks)
    return network, trainer.run(resume=resume, steps=steps)


class Stop(Callback):
    """Pull the plug after so many steps."""

    def __init__(self, after):
        self.after = after

    def on_step(self, step, loss):
        if step == self.after:
            raise KeyboardInterrupt


class Listen(Callback):
    def __init__(self):
        self.heard = []

    def on_start(self, epochs, steps_per_epoch, done):
        self.heard.append(("start", epochs, steps_per_epoch, done))

    def on_step(self, step, loss):
        self.heard.append(("step", step, loss))

    def on_epoch(self, report):
        self.heard.append(("epoch", report))


# Resuming


@pytest.mark.parametrize("average", [0.9, 0.0])
@pytest.mark.parametrize("after", [1, PER_EPOCH * 2, PER_EPOCH * 2 + 1, PER_EPOCH * 5 + 3])
def test_resumed_is_the_same_as_never_interrupted(tmp_path, after, average):
    whole, told = run(tmp_path / "whole", average=average)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", callbacks=[Stop(after)], average=average)
    resumed, told_again = run(
        tmp_path / "cut", network=model(seed=9 if after > 8 else 0), resume=True, average=average
    )
    same(whole.state(), resumed.state())
    assert lines(tmp_path / "whole") == lines(tmp_path / "cut")
    assert (told.steps, told.epochs, told.best) == (told_again.steps, told_again.epochs, told_again.best)


def test_negatives_are_drawn_again_as_they_were(tmp_path):
    choices = {"loss": "sampled_softmax", "negatives": "mixed", "negative_count": 8}
    whole, _ = run(tmp_path / "whole", network=model(**choices))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", network=model(**choices), callbacks=[Stop(PER_EPOCH * 3 + 1)])
    resumed, _ = run(tmp_path / "cut", network=model(seed=9, **choices), resume=True)
    same(whole.state(), resumed.state())


def test_resumed_twice_and_between_validations(tmp_path):
    whole, _ = run(tmp_path / "whole", validate_every=3)
    for after in (PER_EPOCH * 2 + 2, PER_EPOCH * 4 + 1):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "cut", callbacks=[Stop(after)], resume=True, validate_every=3)
    resumed, _ = run(tmp_path / "cut", resume=True, validate_every=3)
    same(whole.state(), resumed.state())
    assert lines(tmp_path / "whole") == lines(tmp_path / "cut")


def test_a_finished_run_resumed_does_nothing_more(tmp_path):
    whole, told = run(tmp_path)
    before = lines(tmp_path)
    listener = Listen()
    again, told_again = run(tmp_path, network=model(seed=5), resume=True, callbacks=[listener])
    same(whole.state(), again.state())
    assert lines(tmp_path) == before
    assert listener.heard == [("start", 6, PER_EPOCH, 6 * PER_EPOCH)]
    assert told_again == told


def test_a_run_stopped_early_stays_stopped(tmp_path):
    _, told = run(tmp_path, validate=lambda _: {"ndcg@10": 0.5}, patience=2)
    assert told.epochs == 3
    _, told_again = run(tmp_path, resume=True, validate=lambda _: {"ndcg@10": 0.5}, patience=2)
    assert told_again.epochs == 3
    assert len(lines(tmp_path)) == 3


def test_a_fresh_run_forgets_what_was_in_the_folder(tmp_path):
    run(tmp_path, epochs=8)
    short, _ = run(tmp_path, epochs=3)
    assert len(lines(tmp_path)) == 3
    resumed, _ = run(tmp_path, epochs=3, resume=True, network=model(seed=4))
    same(short.state(), resumed.state())


def test_resuming_without_a_folder_or_a_checkpoint_begins_anew(tmp_path):
    whole, _ = run(None)
    same(whole.state(), run(None, resume=True)[0].state())
    same(whole.state(), run(tmp_path / "new", resume=True)[0].state())


def test_the_newest_two_checkpoints_are_kept(tmp_path):
    run(tmp_path, checkpoint_every=1)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["20", "24"]


@pytest.mark.parametrize("name", ["state.json", "model.safetensors", "optimiser.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "gone", "text"])
def test_a_damaged_checkpoint_is_named(tmp_path, name, damage):
    run(tmp_path, epochs=2)
    path = tmp_path / "checkpoints" / "8" / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9] if damage == "cut" else b"hello")
    with pytest.raises(DataError, match=r"checkpoints.8: this checkpoint cannot be taken up: .* --resume"):
        run(tmp_path, epochs=4, resume=True)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    run(tmp_path, epochs=2)
    other = make("sasrec", {**worlds.SMALL["sasrec"], "embedding_size": 8}, world().space.sizes)
    with pytest.raises(DataError, match="cannot be taken up"):
        run(tmp_path, network=other, resume=True)


# Stopping and refitting


def scripted(*values):
    left = list(values)
    return lambda _network: {"ndcg@10": left.pop(0)}


def test_early_stopping_keeps_the_best_weights(tmp_path):
    best, told = run(None, validate=scripted(0.1, 0.3, 0.2, 0.3, 0.9), patience=2)
    assert (told.epochs, told.steps, told.best) == (4, 2 * PER_EPOCH, {"ndcg@10": 0.3})
    alone, _ = run(None, validate=None, epochs=2)
    same(best.state(), alone.state())
    assert not best.training


def test_validation_sees_the_weights_that_would_answer():
    seen = []

    def validate(network):
        assert not network.training
        seen.append({name: tensor.clone() for name, tensor in network.state().items()})
        return {"ndcg@10": 1.0}

    network, _ = run(None, validate=validate, epochs=1)
    same(network.state(), seen[0])


def test_validation_changes_nothing_of_what_is_learned():
    same(run(None, validate=None)[0].state(), run(None, validate=scripted(*[n / 10 for n in range(6)]))[0].state())


def test_a_metric_that_is_not_a_number_is_never_the_best():
    _, told = run(None, validate=lambda _: {"ndcg@10": float("nan")}, patience=2)
    assert (told.epochs, told.best) == (2, {})


def test_validations_come_when_asked_for(tmp_path):
    run(tmp_path, validate=scripted(0.1, 0.2), validate_every=3)
    assert [bool(row["metrics"]) for row in lines(tmp_path)] == [False, False, True] * 2


def test_a_metric_that_is_not_measured_is_named():
    with pytest.raises(ConfigError, match=r"metric: 'ndcg@5' is not measured \(known: ndcg@10, other\)"):
        run(None, metric="ndcg@5")


@pytest.mark.parametrize("steps", [1, 4, 6, 13])
def test_a_refit_takes_exactly_so_many_steps(steps):
    listener = Listen()
    network, told = run(None, validate=scripted(), steps=steps, callbacks=[listener])
    assert told.steps == steps
    assert told.best == {}
    assert [event[1] for event in listener.heard if event[0] == "step"] == list(range(1, steps + 1))
    if steps % PER_EPOCH == 0:
        same(network.state(), run(None, validate=None, epochs=steps // PER_EPOCH)[0].state())


def test_a_refit_goes_on_past_the_epochs_of_the_configuration():
    assert run(None, steps=PER_EPOCH * 8, validate=None)[1].epochs == 8


def test_an_interrupted_refit_is_resumed(tmp_path):
    whole, _ = run(None, steps=11, validate=None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, steps=11, validate=None, callbacks=[Stop(10)])
    resumed, told = run(tmp_path, steps=11, validate=None, resume=True)
    assert told.steps == 11
    same(whole.state(), resumed.state())


# Telling


def test_callbacks_are_told_in_order(tmp_path):
    listener = Listen()
    run(tmp_path, epochs=2, callbacks=[listener, Callback()])
    epoch = ["step"] * PER_EPOCH + ["epoch"]
    assert [event[0] for event in listener.heard] == ["start", *epoch, *epoch]
    reports = [event[1] for event in listener.heard if event[0] == "epoch"]
    rows = (tmp_path / "metrics.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(row, type=EpochReport) for row in rows] == reports
    losses = [event[2] for event in listener.heard if event[0] == "step"]
    assert reports[0].loss == pytest.approx(sum(losses[:PER_EPOCH]) / PER_EPOCH)
    assert [report.step for report in reports] == [PER_EPOCH, 2 * PER_EPOCH]


def test_listening_changes_nothing():
    same(run(None)[0].state(), run(None, callbacks=[Listen()])[0].state())


def test_the_learning_rate_warms_up(tmp_path):
    run(tmp_path, epochs=4, warmup_steps=10)
    assert [row["learning_rate"] for row in lines(tmp_path)] == pytest.approx([0.004, 0.008, 0.01, 0.01])
    run(tmp_path, epochs=1, warmup_steps=0)
    assert lines(tmp_path)[0]["learning_rate"] == 0.01


def test_the_loss_falls(tmp_path):
    run(tmp_path, epochs=8)
    losses = [row["loss"] for row in lines(tmp_path)]
    assert losses[-1] < losses[0] - 0.3


def test_long_gradients_are_shortened():
    start = model().state()
    start = {name: tensor.clone() for name, tensor in start.items()}
    free, _ = run(None, epochs=1)
    tied, _ = run(None, epochs=1, clip_norm=1e-12, warmup_steps=0)
    moved = [max(float((n.state()[k] - start[k]).abs().max()) for k in start) for n in (free, tied)]
    assert moved[0] > moved[1]


def test_the_model_sees_everyone_before_the_first_step(tmp_path):
    told = []

    class Watch(Callback):
        def on_start(self, epochs, per_epoch, done):
            told.append(done)

    for resume in (False, True):
        network = model()
        network.begin = told.append
        run(tmp_path, network=network, callbacks=(Watch(),), epochs=2, resume=resume)
    everyone, first, again, resumed = told
    assert len(everyone) == len(again) == worlds.USERS
    assert (first, resumed) == (0, 2 * PER_EPOCH)


def test_nobody_to_learn_from():
    with pytest.raises(DataError, match="no user of the training part has an event"):
        fit(model(), world().users([998, 999]), config())
