# SPDX-License-Identifier: Apache-2.0
"""What event types are called, in many logs and languages."""

import pytest

from penchant.data.meanings import USUAL, guess_meanings
from penchant.schema import Meaning


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("pageview", "view"), ("page_view", "view"), ("pv", "view"), ("Product View", "view"),
        ("просмотр", "view"),
        ("浏览", "view"), ("click", "click"), ("item-clicked", "click"), ("clk", "click"), ("点击", "click"),
        ("addtocart", "cart"), ("add_to_cart", "cart"), ("AddToCart", "cart"), ("cart", "cart"),
        ("Warenkorb", "cart"),
        ("transaction", "purchase"), ("buy", "purchase"), ("Order Placed", "purchase"), ("compra", "purchase"),
        ("购买", "purchase"), ("покупка", "purchase"), ("refund", "return"), ("item_returned", "return"),
        ("like", "like"), ("dislike", "dislike"), ("thumbs_down", "dislike"), ("thumbsUp", "like"),
        ("fav", "like"),
        ("收藏", "like"), ("add to wishlist", "like"), ("unlike", "dislike"), ("не нравится", "dislike"),
        ("impression", "impression"), ("曝光", "impression"), ("share", "share"), ("play", "play"),
        ("song_skipped", "skip"), ("rating", "rating"), ("review", "rating"),
    ],
)  # fmt: skip
def test_names(name, meaning):
    assert guess_meanings([name])[name].meaning == meaning


def test_names_that_say_nothing_are_left_out():
    assert guess_meanings(["3", "", "login", "viewing party foo".replace(" ", "")]) == {}


def test_signs_and_strengths():
    assert USUAL[Meaning.DISLIKE].sign == USUAL[Meaning.RETURN].sign == USUAL[Meaning.SKIP].sign == -1
    assert USUAL[Meaning.IMPRESSION].sign == 0
    assert USUAL[Meaning.VIEW].strength < USUAL[Meaning.CART].strength < USUAL[Meaning.PURCHASE].strength
    assert all(one.meaning is meaning for meaning, one in USUAL.items())
