# SPDX-License-Identifier: Apache-2.0
"""Parts side by side give what they give in turn, in torch's modes, and leave torch as it was."""

from __future__ import annotations

import threading

import pytest
import torch

from penchant.threads import side_by_side


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_parts_come_back_in_their_order(threads):
    with side_by_side() as each:
        assert each(lambda part: part * part, iter(range(50))) == [n * n for n in range(50)]
        assert each(str, []) == []


def test_as_many_parts_at_once_as_torch_has_threads(threads):
    meeting = threading.Barrier(threads)
    with side_by_side() as each:
        # None passes before all are there: with a thread too few this would wait until the time is up.
        names = each(lambda _: meeting.wait(10) or threading.current_thread().name, range(threads))
        assert len(names) == threads


def test_a_part_computes_in_one_thread_and_torch_has_its_own_again_at_the_end(threads):
    with side_by_side() as each:
        assert torch.get_num_threads() == 1
        assert each(lambda _: torch.get_num_threads(), range(9)) == [1] * 9
    assert torch.get_num_threads() == threads


def modes(_=None):
    product = torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype
    return torch.is_grad_enabled(), torch.is_inference_mode_enabled(), product


@pytest.mark.parametrize(
    "mode",
    [
        torch.inference_mode,
        torch.no_grad,
        torch.enable_grad,
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    ],
)
def test_parts_run_in_the_mode_of_whoever_asks(threads, mode):
    with mode():
        here = modes()
        with side_by_side() as each:
            assert each(modes, range(4)) == [here] * 4


def test_what_a_part_raises_is_raised_and_torch_has_its_threads_again(threads):
    def fail(part):
        if part == 3:
            raise ValueError("the third")
        return part

    with pytest.raises(ValueError, match="the third"), side_by_side() as each:
        each(fail, range(9))
    assert torch.get_num_threads() == threads


def test_one_inside_another_goes_in_turn(threads):
    with side_by_side() as outer, side_by_side() as inner:
        assert inner(lambda part: -part, outer(abs, [-1, 2])) == [-1, -2]
    assert torch.get_num_threads() == threads
