# SPDX-License-Identifier: Apache-2.0
"""What is varied in training, and how a sequence model learns from it: no step is told what comes after it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import msgspec
import pytest
import torch
from torch.nn import functional

import conformance
import worlds
from conformance import ModelConformance
from penchant.batch import History, TrainBatch
from penchant.errors import ConfigError
from penchant.models import augment
from penchant.models.augment import HIDDEN
from penchant.models.augmented import Augmentation, AugmentConfig
from penchant.models.contrast import Views, info_nce
from penchant.schema import MICROSECONDS
from penchant.train.callbacks import Callback
from penchant.train.fit import fit, make

ALIKE = torch.arange(400, 800)[:, None]
"""Of each row one that no history holds."""
LONG = 9


def history(users=20, length=12):
    """Rows tell user and step; times too."""
    step = torch.arange(users * length)
    return History(
        offsets=torch.arange(users + 1) * length,
        rows=step,
        actions=step % 5 + 2,
        times=step * MICROSECONDS,
        values=step.float(),
    )


ALL = {"stretch": 1.0, "crop": 0.3, "reorder": 0.5, "substitute": 0.3, "mask": 0.3}


def varied(**choices):
    """What the histories above become; begun without looking for likeness."""
    found = Augmentation(AugmentConfig(**choices))
    found._alike = ALIKE
    return found(history(), LONG)


def both(seed=0, **choices):
    torch.manual_seed(seed)
    return varied(**choices)


def test_as_it_comes_nothing_is_varied_and_nothing_is_drawn():
    before = torch.get_rng_state()
    past, seen = Augmentation(AugmentConfig())(history(), LONG)
    assert seen is past
    assert torch.equal(past.rows, history().padded(LONG).rows)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ALL)
def test_each_choice_varies_something(name):
    past, seen = both(**{name: ALL[name]})
    plain = history().padded(LONG).rows
    hidden_from_targets = name in ("substitute", "mask")
    assert torch.equal(past.rows, plain) == hidden_from_targets
    assert torch.equal(past.rows, seen.rows) != hidden_from_targets


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("choices", [{name: share} for name, share in ALL.items()] + [ALL])
def test_no_step_is_told_what_comes_after_it(choices, seed):
    past, seen = both(seed, **choices)
    assert torch.equal(past.lengths, seen.lengths)
    for user in range(len(past.rows)):
        targets, inputs = past.rows[user].tolist(), seen.rows[user].tolist()
        for step in range(int(past.lengths[user])):
            # An input is the step's own target, or nothing that the user does at any time.
            assert inputs[step] == targets[step] or inputs[step] not in range(240)


def test_stretches_are_taken_from_the_whole_history():
    past, _ = both(stretch=1.0)
    assert set((past.rows[:, 0] % 12).tolist()) == {0, 1, 2, 3}


def test_choices_that_say_nothing_are_found():
    none = Views(crop=0, mask=0, reorder=0)
    Augmentation(AugmentConfig(views=none))
    with pytest.raises(ConfigError, match=r"views: all are 0.*views = \{ crop = 0.4 \}"):
        Augmentation(AugmentConfig(contrastive=0.1, views=none))
    with pytest.raises(ConfigError, match="views"):
        make("sasrec", {"contrastive": 0.1, "views": {"crop": 0, "mask": 0, "reorder": 0}}, world().space.sizes)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("crop", 1.0),
        ("mask", -0.1),
        ("stretch", 1.1),
        ("neighbours", 0),
        ("temperature", 0),
        ("views", {"cut": 1}),
    ],
)
def test_choices_that_cannot_be_are_refused(key, value):
    with pytest.raises(ConfigError, match=key if key != "views" else "unknown key 'cut'"):
        make("sasrec", {key: value}, world().space.sizes)


# A model that is trained on it


@cache
def world():
    return worlds.train("sasrec", worlds.checkerboard())


def model(**choices):
    return make("sasrec", {**worlds.SMALL["sasrec"], "dropout": 0, **choices}, world().space.sizes)


def losses(network, users, seed=0):
    torch.manual_seed(seed)
    return network.loss(TrainBatch(users=users))


EVERY = {
    "stretch": 0.5, "crop": 0.2, "reorder": 0.2, "substitute": 0.2, "mask": 0.2, "contrastive": 0.1,
    "views": {"crop": 0.4, "mask": 0.3, "reorder": 0.6, "substitute": 0.3},
}  # fmt: skip


@pytest.mark.parametrize("name", ["crop", "reorder", "substitute", "mask"])
def test_the_loss_is_that_of_the_varied_histories(name):
    network = model(**{name: 0.4})
    users = world().everyone()
    network.begin(users)
    torch.manual_seed(3)
    past, seen = network.augmentation(users.history, 101)
    table = network.encode_item(users.catalogue)
    hidden = network.hidden(table, seen.first(past.rows.shape[1] - 1), users)
    wanted = functional.cross_entropy(hidden[past.valid] @ table.T, past.rows[past.valid])
    torch.testing.assert_close(losses(network, users, 3)["next_item"], wanted)


def test_a_hidden_item_does_not_count_and_its_time_does():
    network = model(mask=0.1).eval()
    torch.nn.init.normal_(network.gaps.weight)
    users = world().users([100])
    past = users.history.padded(9)
    torch.manual_seed(0)
    seen = augment.mask(past, 0.5)
    table = network.encode_item(users.catalogue)
    other = torch.randn_like(table)
    hidden = seen.rows[0] == HIDDEN
    other[past.rows[0, ~hidden]] = table[past.rows[0, ~hidden]]
    given = network.hidden(table, seen, users)
    assert torch.equal(given, network.hidden(other, seen, users))
    assert not torch.allclose(network.hidden(table, past, users), network.hidden(other, past, users))
    late = replace(seen, times=seen.times * 3)
    assert not torch.allclose(given, network.hidden(table, late, users))


def test_the_contrastive_term_is_a_task_of_its_own():
    users = world().everyone()
    plain, contrastive, double = (losses(model(contrastive=weight), users) for weight in (0.0, 0.1, 0.2))
    assert plain.keys() == {"next_item"}
    assert contrastive.keys() == {"next_item", "contrastive"}
    torch.testing.assert_close(contrastive["next_item"], plain["next_item"])
    torch.testing.assert_close(double["contrastive"], 2 * contrastive["contrastive"])
    assert float(contrastive["contrastive"].detach()) > 0


def test_views_are_told_apart_by_the_history_and_not_by_who_the_user_is():
    users = world().everyone()
    network = model(contrastive=1.0, use_relative=True)
    with torch.no_grad():
        first = losses(network, users)["contrastive"]
        for table in network.user_features.tables:
            table.weight.normal_()
        assert torch.equal(losses(network, users)["contrastive"], first)


def test_strangers_in_a_batch_are_different_people():
    users = world().users([100, 101, 102])
    strangers = replace(users, ids=torch.ones(3, dtype=torch.int64))
    network = model(contrastive=1.0)
    assert torch.equal(losses(network, strangers)["contrastive"], losses(network, users)["contrastive"])
    twins = replace(users, ids=torch.full((3,), 2))
    assert float(losses(network, twins)["contrastive"].detach()) == 0


def test_the_contrastive_term_is_that_of_the_last_steps():
    users = world().everyone()
    views = {"crop": 0.0, "mask": 0.0, "reorder": 1e-9}
    network = model(contrastive=1.0, views=views).eval()
    table = network.encode_item(users.catalogue)
    past = users.history.padded(100)
    ends = network.hidden(table, past, None)[torch.arange(len(users)), past.lengths]
    wanted = info_nce(ends, ends, users.ids, network.config.temperature)
    torch.testing.assert_close(losses(network, users)["contrastive"], wanted)


@pytest.mark.parametrize("kind", ["sasrec", "hstu"])
def test_a_model_trained_with_everything_answers_and_stays_the_same_size(kind):
    data = worlds.checkerboard()
    one = world()
    network = make(kind, {**worlds.SMALL[kind], **EVERY}, one.space.sizes)
    users = one.space.users(
        data.events["user_id"].unique().sort(), data.events, one.pipeline.catalogue, data.users
    )
    fit(network, users, worlds.QUICK)
    assert network.state().keys() == make(kind, worlds.SMALL[kind], one.space.sizes).state().keys()
    found = worlds.with_pipeline(one, type(one.pipeline)(network, one.space, one.pipeline.catalogue))
    ranked = found.pipeline.recommend(found.everyone(), 5).rows
    groups = torch.arange(worlds.USERS)[:, None] % worlds.GROUPS
    assert float((ranked % worlds.GROUPS == groups).float().mean()) > 0.95


@pytest.mark.parametrize("kind", ["sasrec"])
class TestEverythingOn(ModelConformance):
    """A model that is trained so does all that any model must."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _everything_on(cls):
        plain = worlds.SMALL["sasrec"]
        worlds.SMALL["sasrec"] = {**plain, **EVERY}
        conformance.world.cache_clear()
        yield
        worlds.SMALL["sasrec"] = plain
        conformance.world.cache_clear()


def test_each_task_is_logged(tmp_path):
    config = worlds.replace_struct(worlds.QUICK, epochs=2)
    fit(model(contrastive=0.1), world().everyone(), config, folder=tmp_path)
    for line in (tmp_path / "metrics.jsonl").read_bytes().splitlines():
        row = msgspec.json.decode(line)
        assert row["tasks"].keys() == {"next_item", "contrastive"}
        assert all(loss > 0 for loss in row["tasks"].values())
        assert sum(row["tasks"].values()) == pytest.approx(row["loss"])


class StopError(Exception):
    """Ends a training in the middle."""


def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(tmp_path):
    class Interrupt(Callback):
        def on_epoch(self, report):
            if report.epoch == 3:
                raise StopError

    users = world().everyone()
    config = worlds.replace_struct(worlds.QUICK, epochs=5, checkpoint_every=2)
    whole = model(**EVERY)
    fit(whole, users, config)
    with pytest.raises(StopError):
        fit(model(**EVERY), users, config, folder=tmp_path, callbacks=[Interrupt()])
    again = model(**EVERY)
    fit(again, users, config, folder=tmp_path, resume=True)
    for name, tensor in whole.state().items():
        assert torch.equal(again.state()[name], tensor), name


def test_substitutes_need_to_know_what_is_alike():
    with pytest.raises(RuntimeError, match="begin comes first"):
        losses(model(substitute=0.1), world().everyone())


@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax"])
def test_everything_goes_with_negatives(loss):
    users = world().everyone()
    network = model(**EVERY, loss=loss, negative_count=8)
    network.begin(users)
    found = losses(network, users)
    assert found.keys() == {"next_item", "contrastive"}
    assert all(torch.isfinite(loss) for loss in found.values())


def test_the_contrastive_term_does_not_hang_on_which_items_are_encoded():
    users = world().everyone()
    views = {"crop": 0.4, "mask": 0.3, "reorder": 0.6, "substitute": 0.3}
    some = model(contrastive=1.0, views=views, loss="sampled_softmax", negative_count=1)
    whole = model(contrastive=1.0, views=views)
    for network in (some, whole):
        network.begin(users)
    wanted = losses(whole, users)["contrastive"]
    torch.testing.assert_close(losses(some, users)["contrastive"], wanted)


def test_training_shows_the_whole_history_where_stretches_come_from_anywhere():
    short = {"history_length": 3}
    assert model(**short).training_length == 4
    assert model(**short, stretch=0.5).training_length is None
    shown = []

    class Watched(type(model())):
        def loss(self, batch):
            shown.append(int(batch.users.history.lengths.max()))
            return super().loss(batch)

    config = worlds.replace_struct(worlds.QUICK, epochs=1)
    for stretch in (0.0, 0.5):
        choices = {**worlds.SMALL["sasrec"], **short, "stretch": stretch}
        fit(Watched(Watched.Config(**choices), world().space.sizes), world().everyone(), config)
    assert set(shown[: len(shown) // 2]) == {4}
    assert set(shown[len(shown) // 2 :]) == {worlds.EACH}


def test_likeness_is_looked_at_only_where_it_is_wanted():
    users = world().everyone()
    for choices, wanted in (
        ({}, False),
        ({"substitute": 0.1}, True),
        ({"contrastive": 0.1}, False),
        ({"views": {"substitute": 0.1}}, False),
        ({"contrastive": 0.1, "views": {"substitute": 0.1}}, True),
    ):
        network = model(**choices, neighbours=4)
        network.begin(users)
        assert network.augmentation._alike.shape == ((worlds.ITEMS + worlds.COLD, 4) if wanted else (0, 0))
        assert msgspec.structs.asdict(network.config)["neighbours"] == 4
