# SPDX-License-Identifier: Apache-2.0
"""The first page: pick a user or be a stranger, choose something, and see the list follow.

Draws what `visit` says and asks nothing of any other host: styles, script, fonts and pictures come from here.
"""

from __future__ import annotations

import asyncio
import warnings
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from nicegui import ui

from penchant.console import art, words
from penchant.console.visit import NEW, Shown, View, Visit
from penchant.errors import PenchantError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import ThreadPoolExecutor

    from fastapi import FastAPI
    from nicegui.events import ValueChangeEventArguments

    from penchant.serve.service import Service
    from penchant.serve.wire import Id, ItemCard

    Action = Callable[[], Coroutine[Any, Any, None]]

T = TypeVar("T")

LISTED_USERS = 1000
"""Users in the list to pick from; any other can be typed."""

_ACCENT = "#7a5af8"

_LOGO = (
    '<svg viewBox="0 0 64 64"><defs><linearGradient id="pn-logo" x1="0" y1="0" x2="1" y2="1">'
    '<stop offset="0" stop-color="#8b6cff"/><stop offset="1" stop-color="#ff6b81"/></linearGradient></defs>'
    '<rect width="64" height="64" rx="17" fill="url(#pn-logo)"/>'
    '<path d="M24 50 L31 15 H40 a10.5 10.5 0 0 1 0 21 H29" fill="none" stroke="#fff" stroke-width="7" '
    'stroke-linecap="round" stroke-linejoin="round"/></svg>'
)
_MOON = '<svg viewBox="0 0 24 24"><path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z"/></svg>'
_CROSS = '<svg viewBox="0 0 24 24"><path d="M7 7l10 10M17 7L7 17"/></svg>'
_TICK = '<svg viewBox="0 0 24 24"><path d="M5 13l4.5 4.5L19 7.5" /></svg>'


def mount(app: FastAPI, service: Service) -> None:
    """Add the page at `/` of `app`."""
    folder = resources.files("penchant.console")
    style = folder.joinpath("style.css").read_text(encoding="utf-8")
    motion = folder.joinpath("motion.js").read_text(encoding="utf-8")

    @ui.page("/")
    async def home() -> None:
        ui.add_css(style)
        ui.add_body_html(f"<script>{motion}</script>")
        await _Page(service, app.state.pool).draw()

    # At start NiceGUI looks at every object in memory, and one of torch's answers with a warning that is nobody's.
    warnings.filterwarnings("ignore", message=".*torch.distributed.reduce_op", category=FutureWarning)
    ui.run_with(app, title="Penchant", favicon=_LOGO, dark=None, tailwind=False, show_welcome_message=False)


class _Page:
    """One visitor's page."""

    def __init__(self, service: Service, pool: ThreadPoolExecutor) -> None:
        self._service = service
        self._pool = pool
        self._visit = Visit(service)
        self._verb = words.verb(service.schema)
        self._turn = asyncio.Lock()

    async def draw(self) -> None:
        """Everything, once; later only lists change."""
        with _box("pn"):
            self._head()
            with _box("pn-lead"):
                with _box("pn-say"):
                    with ui.element("h1"):
                        self._title = ui.label()
                    self._hint = ui.label().classes("pn-hint")
                self._controls()
            with _box("pn-main"):
                self._grid = _box("pn-grid").mark("grid")
                with ui.element("aside").classes("pn-side"):
                    with _box("pn-side-head"):
                        with ui.element("h2"):
                            ui.label("What you did")
                        self._restart = _button("Start over", self._start_over, "pn-link")
                    self._past = _box("pn-past")
        await self._refresh()

    def _head(self) -> None:
        state = self._service.ready()
        dark = ui.dark_mode(None)
        ui.colors(primary=_ACCENT)
        with ui.element("header").classes("pn-head"):
            ui.html(_LOGO, sanitize=False).classes("pn-logo")
            ui.label("Penchant").classes("pn-name")
            _box("pn-gap")
            self._speed = ui.label().classes("pn-pill pn-speed")
            ui.label(f"{state.model} · {state.items:,} items").classes("pn-pill pn-wide")
            with _button("", lambda: _toggle(dark), "pn-round").props('aria-label="Light or dark"'):
                ui.html(_MOON, sanitize=False)

    def _controls(self) -> None:
        users = [str(user) for user in self._service.users()[:LISTED_USERS]]
        with _box("pn-controls"):
            with _box("pn-search"):
                self._query = ui.input(placeholder="Search any title to begin with").props(
                    'outlined dense rounded clearable debounce=120 aria-label="Search"'
                )
                self._query.on_value_change(self._search)
                self._found = _box("pn-found")
            self._who = ui.select(users, with_input=True, new_value_mode="add-unique", clearable=True).props(
                'outlined dense rounded placeholder="Be a user of the data" aria-label="User"'
            )
            self._who.classes("pn-who").on_value_change(self._become)

    # What the visitor does

    async def _become(self, event: ValueChangeEventArguments[Any]) -> None:
        self._visit.become(event.value or None)
        await self._refresh()

    async def _start_over(self) -> None:
        self._visit.become(self._visit.user)
        await self._refresh()

    async def _choose(self, item_id: Id) -> None:
        self._query.value = ""
        async with self._turn:
            try:
                await self._in_thread(self._visit.did, item_id)
            except PenchantError as error:
                ui.notify(str(error), type="negative", position="top")
        await self._refresh()

    async def _undo(self, item_id: Id) -> None:
        self._visit.undo(item_id)
        await self._refresh()

    def _search(self, event: ValueChangeEventArguments[Any]) -> None:
        self._found.clear()
        with self._found:
            for card in self._service.search(event.value or "", 7):
                with _button("", lambda item=card.item_id: self._choose(item), "pn-hit"):
                    _picture(card)
                    with _box("pn-hit-text"):
                        ui.label(_title(card)).classes("pn-hit-title")
                        ui.label(" · ".join(words.tags(card, self._service.schema))).classes("pn-small")

    async def _in_thread(self, function: Callable[..., T], *given: Any) -> T:
        """Like the routes: what waits or computes does so beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *given)

    # What the visitor sees

    async def _refresh(self) -> None:
        async with self._turn:
            try:
                view = await self._in_thread(self._visit.look)
            except PenchantError as error:
                ui.notify(str(error), type="negative", position="top")
                return
            self._show(view)

    def _show(self, view: View) -> None:
        user = self._visit.user
        self._title.text = f"For user {user}" if user is not None else "For a stranger"
        if user is not None and not view.known:
            self._hint.text = "Nobody of this name yet: what is popular now, until the first choice."
        elif view.known:
            self._hint.text = "Every choice is answered at once; nothing is retrained."
        else:
            self._hint.text = "Nothing is known of you. Choose something: the third choice already tells a lot."
        self._speed.text = f"answered in {view.milliseconds:.1f} ms"
        self._restart.visible = user is None and bool(view.history)
        self._grid.clear()
        with self._grid:
            for shown in view.items:
                self._card(shown)
            if not view.items:
                ui.label("Nothing is left to recommend: everything here has been seen.").classes("pn-empty")
        self._past.clear()
        with self._past:
            for card in view.history:
                self._past_item(card)
            if not view.history:
                ui.label("Nothing yet. Choose something from the list, or search for a title you like.").classes(
                    "pn-empty"
                )

    def _card(self, shown: Shown) -> None:
        item, card = shown.item, shown.card
        moved = "pn-card pn-moved" if shown.moved else "pn-card"
        with ui.element("article").classes(moved).mark(f"card-{item.item_id}") as box:
            box.props["data-item"] = str(item.item_id)
            with _box("pn-poster"):
                _picture(card)
                ui.label(str(item.rank)).classes("pn-rank")
                _movement(shown.moved)
                with _button("", lambda: self._choose(item.item_id), "pn-choose"):
                    ui.html(_TICK, sanitize=False)
                    ui.label(f"{self._verb.capitalize()} it")
            ui.label(_title(card)).classes("pn-title")
            details = [words.year(card), *words.tags(card, self._service.schema)]
            ui.label(" · ".join(filter(None, details))).classes("pn-small")
            reason = item.reason
            cause = reason.title or reason.because
            ui.label(f"Because you {self._verb} {cause}" if cause is not None else reason.text).classes(
                "pn-reason"
            )

    def _past_item(self, card: ItemCard) -> None:
        with _box("pn-did") as box:
            box.props["data-item"] = f"did {card.item_id}"
            with _box("pn-thumb"):
                _picture(card)
            with _box("pn-did-text"):
                ui.label(_title(card)).classes("pn-did-title")
                ui.label(" · ".join(words.tags(card, self._service.schema)[:2])).classes("pn-small")
            if self._visit.user is None:
                with _button("", lambda: self._undo(card.item_id), "pn-undo").props('aria-label="Take back"'):
                    ui.html(_CROSS, sanitize=False)


def _box(classes: str) -> ui.element:
    return ui.element("div").classes(classes)


def _button(text: str, action: Action | Callable[[], None], classes: str) -> ui.element:
    button = ui.element("button").classes(classes).props("type=button")
    button.on("click", lambda _event: action())
    if text:
        with button:
            ui.label(text)
    return button


async def _toggle(dark: ui.dark_mode) -> None:
    """From automatic to the opposite of what is shown, and then to and fro."""
    if dark.value is None:
        dark.value = not await ui.run_javascript("document.body.classList.contains('body--dark')")
    else:
        dark.value = not dark.value


def _title(card: ItemCard) -> str:
    return card.title or f"Item {card.item_id}"


def _picture(card: ItemCard) -> None:
    """The item's picture over the drawn stand-in, which stays if the picture does not load."""
    drawn = art.poster(card.item_id, card.title)
    if card.has_image:
        source = f"/v1/items/{quote(str(card.item_id), safe='')}/image"
        drawn += f'<img class="pn-image" src="{source}" alt="" loading="lazy" onerror="this.remove()">'
    ui.html(drawn, sanitize=False).classes("pn-picture")


def _movement(moved: int | str) -> None:
    if moved == NEW:
        ui.label("new").classes("pn-move pn-new")
    elif isinstance(moved, int) and moved:
        ui.label(f"▲ {moved}" if moved > 0 else f"▼ {-moved}").classes(
            f"pn-move {'pn-up' if moved > 0 else 'pn-down'}"
        )
