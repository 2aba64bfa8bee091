# SPDX-License-Identifier: Apache-2.0
"""Streams are apart from one another, and the same in pieces; a lottery draws by weight."""

import numpy as np

from penchant.simulate.streams import Lottery, Streams, stream


def test_each_purpose_has_numbers_of_its_own():
    first = stream(1, "a", 3).random(4).tolist()
    assert first == stream(1, "a", 3).random(4).tolist()
    others = [stream(2, "a", 3), stream(1, "b", 3), stream(1, "a", 4), stream(1, "a")]
    assert all(other.random(4).tolist() != first for other in others)


def test_the_same_in_pieces():
    whole, pieces = Streams(1, 2)["x"], Streams(1, 2)
    for draw in ("random", "standard_normal"):
        assert getattr(whole, draw)(9).tolist() == [
            number for size in (4, 5) for number in getattr(pieces["x"], draw)(size).tolist()
        ]
    assert whole.integers(0, 7, 9).tolist() == [n for s in (3, 6) for n in pieces["x"].integers(0, 7, s).tolist()]


def test_a_lottery():
    lottery = Lottery(np.array([1.0, 0.0, 3.0, 0.0]))
    drawn = np.bincount(lottery.draw(stream(0, "lots").random(40_000)), minlength=4) / 40_000
    assert drawn.tolist() == [round(drawn[0], 9), 0, round(drawn[2], 9), 0]
    assert abs(drawn[0] - 0.25) < 0.01
    assert lottery.draw(np.array([0.0, np.nextafter(1, 0)])).tolist() == [0, 2]
    assert set(lottery.draw(np.linspace(0, 0.999, 50), among=1).tolist()) == {0}
