# SPDX-License-Identifier: Apache-2.0
"""What is said of each public set is enough to judge and to get it."""

import re

import pytest

from penchant.data.sources import SOURCES, find


@pytest.mark.parametrize("name", SOURCES)
def test_each_source_states_its_terms_and_a_way(name):
    source = SOURCES[name]
    for words in (source.title, source.licence, source.citation, source.size, source.holds, source.by_hand):
        assert words
        assert not words.endswith(".")
    assert source.page.startswith("https://")
    assert bool(source.variant) == bool(source.variants)
    assert not source.variants or source.variant in source.variants
    for file in source.downloads:
        assert file.url.startswith(("https://", "http://go.criteo.net/"))
        assert file.checksum is None or re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", file.checksum)
    if source.package:
        assert re.fullmatch(r"[\w-]+==[\d.]+", source.package.requirement)
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", source.package.checksum)


def test_a_variant_has_its_addresses():
    chosen = find("amazon-reviews-2023/Video_Games")
    assert [file.name for file in chosen.downloads] == ["Video_Games.jsonl.gz", "meta_Video_Games.jsonl.gz"]
    assert find("amazon-reviews-2023").variant == "All_Beauty"
    assert find("mind").downloads[0].url.endswith("/MINDsmall_train.zip")
    assert find("online-retail").downloads[0].name == "online-retail.zip"
