# SPDX-License-Identifier: Apache-2.0
"""Guess what event types mean from the words that logs use for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from penchant.schema import EventType, Meaning

if TYPE_CHECKING:
    from collections.abc import Iterable

USUAL: dict[Meaning, EventType] = {
    Meaning.IMPRESSION: EventType(meaning=Meaning.IMPRESSION, strength=0.0, sign=0),
    Meaning.VIEW: EventType(meaning=Meaning.VIEW, strength=0.2),
    Meaning.CLICK: EventType(meaning=Meaning.CLICK, strength=0.3),
    Meaning.CART: EventType(meaning=Meaning.CART, strength=0.6),
    Meaning.PURCHASE: EventType(meaning=Meaning.PURCHASE, strength=1.0),
    Meaning.RETURN: EventType(meaning=Meaning.RETURN, strength=1.0, sign=-1),
    Meaning.RATING: EventType(meaning=Meaning.RATING, strength=1.0),
    Meaning.LIKE: EventType(meaning=Meaning.LIKE, strength=0.8),
    Meaning.DISLIKE: EventType(meaning=Meaning.DISLIKE, strength=1.0, sign=-1),
    Meaning.SHARE: EventType(meaning=Meaning.SHARE, strength=0.8),
    Meaning.PLAY: EventType(meaning=Meaning.PLAY, strength=0.5),
    Meaning.SKIP: EventType(meaning=Meaning.SKIP, strength=0.3, sign=-1),
}
"""What a run file says of a type of each meaning, until somebody knows better."""

_WORDS: tuple[tuple[Meaning, tuple[str, ...]], ...] = (
    (Meaning.RETURN, (
        "return", "returned", "refund", "refunded", "cancelorder", "rückgabe", "retoure", "devolución", "retour",
        "возврат", "退货", "退款", "返品",
    )),
    (Meaning.DISLIKE, (
        "dislike", "disliked", "thumbsdown", "downvote", "hide", "block", "report", "notinterested", "unlike",
        "не нравится", "дизлайк", "不喜欢", "踩",
    )),
    (Meaning.SKIP, ("skip", "skipped", "next", "пропуск", "跳过", "スキップ")),
    (Meaning.IMPRESSION, (
        "impression", "imp", "exposure", "exposed", "shown", "show", "display", "served", "показ", "曝光", "展示",
    )),
    (Meaning.CART, (
        "cart", "addtocart", "addcart", "basket", "addtobasket", "addtobag", "tocart", "warenkorb", "carrito",
        "panier", "carrello", "carrinho", "корзина", "вкорзину", "加购", "加入购物车", "购物车", "カート",
    )),
    (Meaning.PURCHASE, (
        "purchase", "purchased", "buy", "bought", "order", "ordered", "transaction", "checkout", "sale", "payment",
        "pay", "paid", "conversion", "rent", "rented",
        "kauf", "gekauft", "bestellung", "compra", "comprar", "achat",
        "acquisto", "покупка", "заказ", "购买", "下单", "支付", "購入", "구매",
    )),
    (Meaning.RATING, (
        "rating", "rate", "rated", "stars", "review", "bewertung", "valoración", "оценка", "评分", "評価",
    )),
    (Meaning.LIKE, (
        "like", "liked", "love", "heart", "fav", "favorite", "favourite", "favorited", "bookmark", "wishlist",
        "addtowishlist", "collect", "save", "saved", "follow", "thumbsup", "upvote", "subscribe", "gefällt",
        "megusta", "jaime", "curtir", "нравится", "лайк", "избранное", "喜欢", "点赞", "收藏", "关注", "いいね",
    )),
    (Meaning.SHARE, (
        "share", "shared", "forward", "retweet", "repost",
        "teilen", "compartir", "поделиться", "转发", "分享",
    )),
    (Meaning.PLAY, (
        "play", "played", "playback", "listen", "listened", "stream", "watch", "watched", "finish", "complete",
        "прослушивание", "просмотрвидео", "播放", "再生",
    )),
    (Meaning.CLICK, (
        "click", "clicked", "clk", "tap", "tapped", "open",
        "opened", "klick", "clic", "клик", "点击", "クリック",
    )),
    (Meaning.VIEW, (
        "view", "viewed", "pageview", "pv", "detail",
        "detailview", "productview", "visit", "browse", "read", "see",
        "ansicht", "vista", "ver", "vue", "просмотр", "浏览", "查看", "閲覧",
    )),
)  # fmt: skip
"""Words without capitals and marks; the meanings that others' words are part of ("unlike") come first."""


def guess_meanings(types: Iterable[str]) -> dict[str, EventType]:
    """What the names of event types say; types whose names say nothing are left out."""
    found = {}
    for name in types:
        meaning = _meaning(name)
        if meaning is not None:
            found[name] = USUAL[meaning]
    return found


def _meaning(name: str) -> Meaning | None:
    """The meaning whose word the whole name is, else one whose word stands in it among others."""
    whole = re.sub(r"[\W_]+", "", name).lower()
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    single = {word.lower() for word in re.split(r"[\W_]+", spaced) if word}
    for meaning, words in _WORDS:
        if whole in {re.sub(r"\s", "", word) for word in words}:
            return meaning
    return next((meaning for meaning, words in _WORDS if single & set(words)), None)
