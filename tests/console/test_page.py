# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: click, and see the list follow; nothing is asked of another host.

    PENCHANT_SCREENSHOT=docs/images/page.png pytest tests/console -k picture

draws the picture of the documentation from invented films.
"""

import json
import os
import urllib.request
from pathlib import Path

import pytest

from console.conftest import CHROMIUM

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed: apt-get install chromium"
)


def shown(page):
    """The item ids of the list, best first."""
    return page.eval_on_selector_all(".pn-card", "cards => cards.map(card => card.dataset.item)")


def past(page):
    return page.locator(".pn-did-title").all_inner_texts()


def wait_for(page, expression, argument=None):
    page.wait_for_function(expression, arg=argument, timeout=15_000)


def choose(page, place=0):
    """Click a card's button; returns its title once the history holds it."""
    card = page.locator(".pn-card").nth(place)
    title = card.locator(".pn-title").inner_text()
    card.hover()
    card.locator(".pn-choose").click()
    wait_for(page, "title => document.querySelector('.pn-did-title')?.innerText === title", title)
    return title


def become(page, user):
    field = page.locator(".pn-who input")
    field.click()
    field.fill(user)
    field.press("Enter")
    wait_for(page, "title => document.querySelector('h1').innerText === title", f"For user {user}")


def recommended(address, user):
    with urllib.request.urlopen(f"{address}v1/users/{user}/recommendations?k=24", timeout=20) as answer:
        return [str(item["item_id"]) for item in json.load(answer)["items"]]


def test_a_stranger_sees_what_is_popular_and_how_long_it_took(page):
    assert page.locator("h1").inner_text() == "For a stranger"
    assert len(shown(page)) == 24
    assert set(page.locator(".pn-reason").all_inner_texts()) == {"Popular now"}
    assert page.locator(".pn-speed").inner_text().startswith("answered in ")
    assert page.locator(".pn-art").count() >= 24
    assert past(page) == []


def test_each_choice_of_a_stranger_changes_the_list_and_shows_what_moved(page):
    seen = [shown(page)]
    chosen = []
    for _ in range(3):
        chosen.insert(0, choose(page, 2))
        seen.append(shown(page))
        assert past(page) == chosen
        assert page.locator(".pn-moved").count() > 0
        assert page.locator(".pn-move").count() == page.locator(".pn-moved").count()
    assert len({tuple(items) for items in seen}) == 4
    reasons = page.locator(".pn-reason").all_inner_texts()
    assert reasons[0] in {f"Because you watched {title}" for title in chosen}


def test_a_choice_can_be_taken_back_and_all_begun_again(page):
    popular = shown(page)
    choose(page)
    after_one = shown(page)
    choose(page)
    page.locator(".pn-undo").first.click()
    wait_for(page, "() => document.querySelectorAll('.pn-did').length === 1")
    assert shown(page) == after_one
    page.get_by_text("Start over").click()
    wait_for(page, "() => document.querySelectorAll('.pn-did').length === 0")
    assert shown(page) == popular
    assert not page.get_by_text("Start over").is_visible()


def test_begin_as_a_stranger_from_any_title(page):
    page.locator(".pn-search input").fill("moon's app")
    page.locator(".pn-hit").filter(has_text="The Moon's Apprentice").click()
    wait_for(page, "() => document.querySelector('.pn-did-title')?.innerText === \"The Moon's Apprentice\"")
    assert set(page.locator(".pn-reason").all_inner_texts()) >= {"Because you watched The Moon's Apprentice"}
    assert page.locator(".pn-search input").input_value() == ""
    assert page.locator(".pn-hit").count() == 0


def test_a_users_choice_is_an_event_that_the_service_keeps(page, address):
    before = recommended(address, 7)
    become(page, "7")
    assert shown(page) == before
    assert len(past(page)) > 3
    choose(page)
    after = recommended(address, 7)
    assert after != before
    assert before[0] not in after
    assert shown(page) == after
    assert not page.locator(".pn-undo").count()


def test_anybody_can_be_typed(page):
    become(page, "nobody yet 你好")
    assert "Nobody of this name yet" in page.locator(".pn-hint").inner_text()
    choose(page)
    assert "at once" in page.locator(".pn-hint").inner_text()


def test_what_cannot_be_an_id_is_said_in_words(page):
    field = page.locator(".pn-who input")
    field.click()
    field.fill("x" * 600)
    field.press("Enter")
    page.get_by_text("must be at most 512 bytes long").first.wait_for()
    assert len(shown(page)) == 24


def test_light_and_dark(page):
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_label("Light or dark").click()
    wait_for(page, "light => getComputedStyle(document.body).backgroundColor !== light", light)
    page.get_by_label("Light or dark").click()
    wait_for(page, "light => getComputedStyle(document.body).backgroundColor === light", light)


def test_programs_still_get_json_beside_the_page(page, address):
    for path, status in (("v1/nothing", 404), ("v1/items/9", 200), ("readyz", 200)):
        answer = page.request.get(address + path)
        assert answer.status == status
        assert answer.headers["content-type"] == "application/json"


def test_on_a_telephone_nothing_sticks_out(page):
    page.set_viewport_size({"width": 390, "height": 844})
    wait_for(page, "() => document.documentElement.scrollWidth <= 390")
    columns = "() => getComputedStyle(document.querySelector('.pn-grid')).gridTemplateColumns.split(' ').length"
    assert page.evaluate(columns) == 2


def test_the_picture_of_the_documentation(page, tmp_path):
    for title in ("Orbit of Sparrows", "The Lighthouse Clock", "Gravity Garden"):
        page.locator(".pn-search input").fill(title)
        page.locator(".pn-hit").first.click()
        wait_for(page, "title => document.querySelector('.pn-did-title')?.innerText === title", title)
    page.mouse.move(5, 5)
    page.wait_for_timeout(600)  # cards glide for half a second
    target = Path(os.environ.get("PENCHANT_SCREENSHOT") or tmp_path / "page.png")
    target.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target)
    assert target.stat().st_size > 50_000
