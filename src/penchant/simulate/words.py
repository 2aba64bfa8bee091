# SPDX-License-Identifier: Apache-2.0
"""What the simulated shop sells, and the words it has for it.

The order of each table is the order of the codes that stand for its entries everywhere else.
"""

from __future__ import annotations

CATEGORIES = (
    "mug", "vase", "lamp", "teapot", "bottle", "bag", "hat", "shirt", "cushion", "clock", "chair", "bell",
)  # fmt: skip
CATEGORY_WEIGHTS = (14, 9, 8, 6, 8, 11, 9, 13, 8, 5, 6, 3)
CATEGORY_PRICES = (14.0, 28.0, 65.0, 38.0, 18.0, 54.0, 25.0, 32.0, 22.0, 48.0, 120.0, 16.0)
"""What an ordinary piece costs, in euros."""

COLOURS = ("red", "orange", "yellow", "green", "teal", "blue", "violet", "pink", "brown", "grey")
PATTERNS = ("plain", "striped", "dotted", "checked", "zigzag", "barred")
MATERIALS = ("wooden", "metal", "glass", "clay", "bamboo", "leather")

THEMES = ("nordic", "rustic", "retro", "seaside", "botanical", "cosmic", "royal", "minimal")
THEME_WORDS = (
    ("fjord", "birch", "snowlight", "reindeer", "hygge", "pine"),
    ("barn", "harvest", "hearth", "hayloft", "homespun", "orchard"),
    ("jukebox", "diner", "polaroid", "vinyl", "roadtrip", "drive-in"),
    ("harbour", "driftwood", "lighthouse", "sail", "seashell", "tide"),
    ("fern", "blossom", "moss", "greenhouse", "petal", "ivy"),
    ("nebula", "comet", "orbit", "stardust", "eclipse", "meteor"),
    ("velvet", "crown", "palace", "brocade", "heirloom", "crest"),
    ("line", "balance", "quiet", "essential", "calm", "bare"),
)
PLACES = (
    "the hallway", "a small flat", "the kitchen", "a reading corner", "the garden table", "the office",
    "a long weekend", "everyday use",
)  # fmt: skip
NAMES = (
    "Alma", "Bruno", "Cleo", "Dario", "Elin", "Finn", "Greta", "Hugo", "Iris", "Juno", "Kaia", "Leif", "Mira",
    "Nilo", "Oona", "Pelle", "Runa", "Sol", "Tove", "Ugo", "Vida", "Wim", "Yara", "Zeno",
)  # fmt: skip

OPENINGS = (
    (
        "Very disappointed with this {}.",
        "I sent the {} back.",
        "This {} is a waste of money.",
        "I regret this {}.",
    ),
    ("This {} is not for me.", "I expected more of this {}.", "A rather poor {}.", "This {} is a little dull."),
    ("The {} is all right.", "This {} does its job.", "Just a {}, no more.", "A usable {} for the price."),
    ("A really nice {}.", "Very happy with this {}.", "This {} is a good find.", "I would buy this {} again."),
    ("I love this {}!", "A perfect {}.", "My new favourite {}.", "I could not be happier with this {}."),
)
"""How a review begins, by stars from 1; the gap is for the kind of thing."""
REMARKS = (
    ("The {} finish looks cheap.", "It does not match the {} look at all.", "The {} is off."),
    ("The {} finish is so-so.", "Hardly {}.", "The {} is duller than I thought."),
    ("The {} finish is fine.", "A little {}.", "The {} is as shown."),
    ("The {} finish is lovely.", "A nice {} touch.", "The {} goes with everything."),
    ("The {} finish is gorgeous.", "So {}, just my taste.", "I cannot get enough of that {}."),
)
"""What a review goes on with, by stars, on each of `REMARKED`."""
REMARKED = ("material", "theme", "colour")

REGIONS = ("north", "east", "south", "west", "islands")
GENDERS = ("female", "male", "other")
DEVICES = ("phone", "desktop", "tablet")
TYPES = ("impression", "click", "cart", "purchase", "return")

HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 11, 10, 9, 9, 10, 12, 15, 18, 20, 18, 12, 6)
"""How busy each hour of a day is, in UTC."""
