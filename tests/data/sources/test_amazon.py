# SPDX-License-Identifier: Apache-2.0
"""Amazon Reviews 2023: JSON lines with prices of every kind."""

from publisher import get, json_lines

REVIEW = {
    "rating": 5.0, "title": "Five stars", "text": "Works.", "images": [{"small_image_url": "https://x/s.jpg"}],
    "asin": "B00A", "parent_asin": "B00P", "user_id": "AGKH", "timestamp": 1588687728923, "helpful_vote": 3,
    "verified_purchase": True,
}  # fmt: skip
PRODUCT = {
    "main_category": "All Beauty", "title": "Comb", "average_rating": 4.8, "rating_number": 10,
    "features": ["Wood"], "description": ["Long."], "price": 1234.5,
    "images": [{"thumb": "t", "large": "https://x/l.jpg", "variant": "MAIN", "hi_res": None}],
    "videos": [], "store": "Howard", "categories": ["Beauty", "Combs"], "details": {"Package": "7 x 5"},
    "parent_asin": "B00P", "bought_together": None,
}  # fmt: skip


def test_a_category(tmp_path):
    lean = {"parent_asin": "B00Q", "title": "Oil", "price": "from 14.99", "features": [], "description": []}
    dear = {"parent_asin": "B00R", "title": None, "price": "1,299.00", "images": []}
    odd = {**dear, "parent_asin": "B00S", "price": "—"}
    silent = {**REVIEW, "text": None, "title": "Meh", "user_id": "AGXX"}
    made = get("amazon-reviews-2023/Gift_Cards", tmp_path, {
        "Gift_Cards.jsonl.gz": json_lines(REVIEW, silent),
        "meta_Gift_Cards.jsonl.gz": json_lines(PRODUCT, lean, dear, odd, PRODUCT),
    })  # fmt: skip
    assert made.folder.name == "amazon-reviews-2023-Gift_Cards"
    assert made.events.rows() == [("AGKH", "B00P", 1588687728923, 5.0), ("AGXX", "B00P", 1588687728923, 5.0)]
    assert made.reviews["text"].to_list() == ["Five stars\nWorks.", "Meh"]
    assert made.items["price"].to_list() == [1234.5, 14.99, 1299.0, None]
    assert made.items["image"].to_list() == ["https://x/l.jpg", None, None, None]
    assert made.items["text"].to_list()[0] == "Wood\nLong."
    assert made.items["categories"].to_list()[0] == ["Beauty", "Combs"]
    assert "average_rating" not in made.items.columns
    assert made.run["data"]["name"] == "amazon-reviews-2023-Gift_Cards"
