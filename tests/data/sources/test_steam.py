# SPDX-License-Identifier: Apache-2.0
"""Steam: lines of Python dictionaries whose keys come in any order."""

from datetime import datetime

from publisher import get

REVIEWS = (
    "{u'username': u'Chaos Syren', u'hours': 0.1, u'products': 41, u'product_id': u'725280', u'page_order': 0, "
    "u'date': u'2017-12-17', u'text': u\"This doesn't {u'date': u'2001-01-01'}\", u'early_access': False}\n"
    "{u'found_funny': 2, u'product_id': u'328100', u'user_id': u'76561', u'text': u'2\\xbd hours\\nwell', "
    "u'compensation': u'Received for free', u'username': u\"Ariman's\", u'early_access': True, "
    "u'date': u'2017-08-02'}\n"
    "broken\n"
)
GAMES = (
    "{u'publisher': u'Kotoshiro', u'genres': [u'Action', u'Casual'], u'app_name': u'Lost Summoner Kitty', "
    "u'title': u'Lost Summoner Kitty', u'url': u'http://x', u'release_date': u'2018-01-04', "
    "u'tags': [u'Strategy'], u'discount_price': 4.49, u'specs': [u'Single-player'], u'price': 4.99, "
    "u'early_access': False, u'id': u'761140', u'developer': u'Kotoshiro'}\n"
    "{u'app_name': u'Log Challenge', u'price': u'Free to Play', u'id': u'773570', u'release_date': u'Soon..'}\n"
)


def test_reviews_and_games(tmp_path):
    made = get("steam", tmp_path, {"steam_reviews.json.gz": REVIEWS, "steam_games.json.gz": GAMES})
    days = [datetime(2017, 12, 17), datetime(2017, 8, 2)]  # noqa: DTZ001
    assert made.events.rows() == [
        ("Chaos Syren", "725280", days[0], "False"),
        ("Ariman's", "328100", days[1], "True"),
        (None, None, None, None),
    ]
    assert made.reviews["text"].to_list() == ["This doesn't {u'date': u'2001-01-01'}", "2½ hours\nwell", None]
    kitty, log = made.items.rows(named=True)
    assert kitty["genres"] == ["Action", "Casual"]
    assert kitty["released"] == datetime(2018, 1, 4)  # noqa: DTZ001
    assert kitty["price"] == 4.99
    assert log == {**dict.fromkeys(made.items.columns), "item_id": "773570", "title": "Log Challenge"}
