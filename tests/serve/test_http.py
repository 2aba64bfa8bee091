# SPDX-License-Identifier: Apache-2.0
"""The HTTP layer: what it answers, and that bad input gets a clear refusal and never a 500."""

import itertools
import json
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inprocess import Client
from penchant.serve.http import create_app
from serve.conftest import NOW

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ids(answer):
    return [item["item_id"] for item in answer.json()["items"]]


def refused(answer, status, field=None):
    """The message of an error of the one shape."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "field"}
    assert error["field"] == field
    return error["message"]


def test_a_known_user_gets_a_ranked_list_with_reasons(client):
    answer = client.get("/v1/users/5/recommendations?k=7")
    assert answer.status_code == 200
    body = answer.json()
    assert body["known"] is True
    assert [item["rank"] for item in body["items"]] == list(range(1, 8))
    scores = [item["score"] for item in body["items"]]
    assert scores == sorted(scores, reverse=True)
    for item in body["items"]:
        assert item["title"]
        assert item["reason"]["text"] == f"Because of {item['reason']['title']}"


def test_events_are_durable_when_answered_and_change_the_next_answer(client, log):
    before = client.get("/v1/users/5/recommendations").json()["items"]
    clicked = before[0]["item_id"]
    receipt = client.post("/v1/events", json={"user_id": 5, "item_id": clicked})
    assert receipt.json() == {"accepted": 1, "unknown_items": 0, "last_sequence": 1, "repeated": 0}
    assert next(log.replay())["item_id_number"].to_list() == [clicked]
    after = client.get("/v1/users/5/recommendations").json()["items"]
    assert clicked not in [item["item_id"] for item in after]
    assert before != after
    again = client.get("/v1/users/5/recommendations?exclude_seen=false&k=72")
    assert clicked in ids(again)


@pytest.mark.parametrize(
    ("wrap", "count"), [(lambda e: e, 1), (lambda e: [e, e], 2), (lambda e: {"events": [e, e, e]}, 3)]
)
def test_events_come_alone_in_a_list_or_in_an_object(client, wrap, count):
    event = {"user_id": 1, "item_id": 2, "time": "2026-11-25T12:00:00+02:00", "type": "watched", "value": 1}
    answer = client.post("/v1/events", json=wrap(event))
    assert answer.json() == {"accepted": count, "unknown_items": 0, "last_sequence": count, "repeated": 0}


def test_an_empty_list_of_events_is_no_error(client):
    assert client.post("/v1/events", json=[]).json() == {
        "accepted": 0,
        "unknown_items": 0,
        "last_sequence": None,
        "repeated": 0,
    }


def test_a_strangers_third_click_already_matters(client):
    nobody = client.get("/v1/users/987654/recommendations")
    assert nobody.json()["known"] is False
    assert {item["reason"]["text"] for item in nobody.json()["items"]} == {"Popular now"}
    seen = [nobody.json()["items"]]
    for item in (9, 27, 5):
        client.post("/v1/events", json={"user_id": 987654, "item_id": item})
        seen.append(client.get("/v1/users/987654/recommendations").json()["items"])
    assert all(a != b for a, b in itertools.pairwise(seen))
    assert client.get("/v1/users/987654/recommendations").json()["known"] is True


def test_a_history_in_the_request_answers_like_the_same_history_in_the_log(client):
    history = [{"item_id": item, "time": 1_750_000_000 + item} for item in (9, 27, 5)]
    client.post("/v1/events", json=[{"user_id": 5555, **event} for event in history])
    by_log = client.get("/v1/users/5555/recommendations?k=20").json()["items"]
    by_request = client.post("/v1/recommendations", json={"history": history, "k": 20}).json()["items"]
    assert by_log == by_request


def test_no_history_at_all_is_answered_with_what_is_popular(client):
    answer = client.post("/v1/recommendations", json={})
    assert len(ids(answer)) == 10
    assert answer.json()["known"] is False


def test_an_event_sent_twice_happened_once(client):
    one = {"user_id": "ann", "item_id": 9, "event_id": "click-1"}
    first = client.post("/v1/events", json=one).json()
    again = client.post("/v1/events", json=[one, {**one, "event_id": "click-2", "item_id": 5}]).json()
    assert (first["repeated"], again["repeated"], again["accepted"]) == (0, 1, 2)
    assert client.get("/v1/users/ann").json()["events"] == 2
    assert "must not be empty" in refused(
        client.post("/v1/events", json={**one, "event_id": ""}), 422, "events[0].event_id"
    )


def test_wishes_of_a_list(client):
    def wished(**wishes):
        return ids(client.post("/v1/recommendations", json={"user_id": 5, "k": 5, **wishes}))

    best = ids(client.get("/v1/users/5/recommendations?k=5"))
    assert wished() == best
    assert wished(block=best[:2])[:3] == best[2:]
    assert set(wished(allow=[3, "5", 7, 4711], exclude_seen=False)) == {3, 5, 7}
    assert wished(pins=[{"item_id": "72", "rank": 2}])[1] == 72
    assert ids(client.post("/v1/recommendations", json={"user_id": "5", "k": 5})) == best
    varied = client.post("/v1/recommendations", json={"history": [{"item_id": 9}], "diversity": {"weight": 1}})
    assert len(ids(varied)) == 10


def test_a_filter_by_columns_of_the_items(client):
    asked = {"user_id": 5, "k": 72, "where": {"genres": {"any": ["Mystery"]}}, "exclude_seen": False}
    found = ids(client.post("/v1/recommendations", json=asked))
    everything = [client.get(f"/v1/items/{item}").json() for item in range(1, 73)]
    expected = {card["item_id"] for card in everything if "Mystery" in (card["features"]["genres"] or [])}
    assert expected
    assert set(found) == expected


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"user_id": 5, "history": []}, "history", "history: stands beside user_id: give one of them"),
        ({"where": {"gnres": {"any": ["a"]}}}, "where.gnres", "did you mean 'genres'?"),
        ({"where": {"genres": {"some": ["a"]}}}, "where[...]", "unknown field `some`"),
        ({"pins": [{"item_id": 4711}]}, "pins[0].item_id", "there is no item 4711"),
        ({"block": [""]}, "block[0]", "must not be empty"),
        ({"caps": {"title": 1}}, "caps.title", "only words"),
        ({"caps": {"genres": 0}}, "caps[...]", ">= 1"),
    ],
)
def test_a_wish_that_cannot_be_is_named(client, body, field, message):
    assert message in refused(client.post("/v1/recommendations", json=body), 422, field)


def test_events_of_unknown_items_are_kept_and_counted(client, log):
    answer = client.post(
        "/v1/events", json=[{"user_id": 1, "item_id": 10**6}, {"user_id": 1, "item_id": "电影/🎬"}]
    )
    assert answer.json() == {"accepted": 2, "unknown_items": 2, "last_sequence": 2, "repeated": 0}
    assert next(log.replay())["item_id_text"].to_list() == [None, "电影/🎬"]


def test_similar_items_and_item_cards(client):
    answer = client.get("/v1/items/9/similar?k=3")
    assert answer.json()["item_id"] == 9
    assert len(ids(answer)) == 3
    assert 9 not in ids(answer)
    card = client.get("/v1/items/9").json()
    assert card["title"]
    assert card["features"]["genres"]
    assert client.get("/v1/items/9/image").json()["error"]["code"] == "no_image"


@pytest.mark.parametrize("user", ["a/b", "x/recommendations", "😀", "用户", "a b", "a?b#c", "100%", "%2F"])
def test_ids_of_any_script_come_back_as_they_went_in(text_client, user):
    address = f"/v1/users/{quote(user, safe='')}/recommendations"
    assert text_client.get(address).json()["known"] is False
    text_client.post("/v1/events", json={"user_id": user, "item_id": "film 9"})
    answer = text_client.get(address).json()
    assert answer["known"] is True
    assert answer["items"][0]["reason"]["because"] == "film 9"


def test_an_unencoded_slash_is_taken_too(text_client):
    text_client.post("/v1/events", json={"user_id": "a/b", "item_id": "film 9"})
    assert text_client.get("/v1/users/a/b/recommendations").json()["known"] is True


def test_a_user_of_the_data_with_a_slash_in_the_id_is_found(text_client):
    assert text_client.get(f"/v1/users/{quote('ann/5 你好', safe='')}/recommendations").json()["known"] is True
    assert text_client.get(f"/v1/items/{quote('film 9')}/similar").status_code == 200


def test_an_item_named_like_a_route_is_an_item(text_client):
    assert refused(text_client.get("/v1/items/a%2Fsimilar"), 404, "item_id") == "There is no item 'a/similar'"


def test_numbers_where_ids_are_text_are_that_text(text_client):
    text_client.post("/v1/events", json={"user_id": 77, "item_id": "film 9"})
    assert text_client.get("/v1/users/77/recommendations").json()["known"] is True


@pytest.mark.parametrize("k", [0, -1, 10**9, 10**30])
def test_k_out_of_bounds(client, k):
    for answer in (
        client.get(f"/v1/users/5/recommendations?k={k}"),
        client.get(f"/v1/items/5/similar?k={k}"),
        client.post("/v1/recommendations", json={"k": k}),
    ):
        assert refused(answer, 422, "k").startswith("k: must be from 1 to 1000, is ")


def test_k_that_is_no_number(client):
    assert "integer" in refused(client.get("/v1/users/5/recommendations?k=ten"), 422, "k")
    assert (
        refused(client.post("/v1/recommendations", json={"k": "ten"}), 422, "k") == "k: Expected `int`, got `str`"
    )


@pytest.mark.parametrize(
    "address", ["/v1/items/4711", "/v1/items/4711/similar", "/v1/items/4711/image", "/v1/items/07"]
)
def test_an_unknown_item_is_not_found(client, address):
    assert refused(client.get(address), 404, "item_id").startswith("There is no item")


@pytest.mark.parametrize(
    ("address", "field", "message"),
    [
        ("/v1/users//recommendations", "user_id", "user_id: must not be empty"),
        ("/v1/items//similar", "item_id", "item_id: must not be empty"),
        ("/v1/items/", "item_id", "item_id: must not be empty"),
        (
            f"/v1/users/{'x' * 10_240}/recommendations",
            "user_id",
            "user_id: must be at most 512 bytes long, has 10,240",
        ),
        (f"/v1/items/{'x' * 10_240}", "item_id", "item_id: must be at most 512 bytes long, has 10,240"),
        ("/v1/users/%FF/recommendations", "user_id", "user_id: is not percent-encoded UTF-8"),
        ("/v1/users/a%00b/recommendations", "user_id", "user_id: must not hold the character NUL"),
    ],
)
def test_ids_that_cannot_be(client, address, field, message):
    assert refused(client.get(address), 422, field) == message


DAY = 86_400


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        (
            {"time": "next Tuesday"},
            "time",
            "must be ISO-8601, for example 2026-11-25T12:00:00Z, is 'next Tuesday'",
        ),
        ({"time": "1969-12-31T23:59:59Z"}, "time", "lies before 1970: '1969-12-31T23:59:59Z'"),
        ({"time": -1}, "time", "lies before 1970: -1"),
        (
            {"time": NOW + DAY + 1},
            "time",
            f"lies in the future: {NOW + DAY + 1} (numbers are seconds since 1970)",
        ),
        ({"time": "9999-12-31T23:59:59.999999-23:59"}, "time", "lies in the future"),
        ({"time": NOW * 1000}, "time", "lies in the future"),
        ({"time": NOW * 10**6}, "time", "is that milli- or microseconds?"),
        ({"time": True}, "time", "Expected `int | float | str | null`, got `bool`"),
        ({"user_id": ""}, "user_id", "must not be empty"),
        ({"item_id": "x" * 10_240}, "item_id", "at most 512 bytes long, has 10,240"),
        ({"item_id": 2**63}, "item_id", "outside the range of 64 bits: 9223372036854775808"),
        ({"item_id": None}, "item_id", "Expected `int | str`, got `null`"),
        ({"type": ""}, "type", "must not be empty"),
        ({"value": 1e300}, "value", "must be a finite number"),
        ({"value": "good"}, "value", "Expected `float | null`, got `str`"),
    ],
)
def test_a_bad_event_is_named_with_its_place_and_field(client, log, change, field, message):
    good = {"user_id": 1, "item_id": 2}
    answer = client.post("/v1/events", json={"events": [good, {**good, **change}]})
    assert message in refused(answer, 422, f"events[1].{field}")
    assert log.last == 0


def test_a_bad_history_is_named_the_same_way(client):
    body = {"history": [{"item_id": 1}, {"item_id": 1, "time": "soon"}]}
    assert "ISO-8601" in refused(client.post("/v1/recommendations", json=body), 422, "history[1].time")


def test_an_unknown_key_is_named(client):
    answer = client.post("/v1/events", json=[{"user_id": 1, "item_id": 1, "timestamp": 5}])
    assert "unknown field `timestamp`" in refused(answer, 422, "[0]")


def test_too_many_events_at_once(client):
    answer = client.post("/v1/events", json=[{"user_id": 1, "item_id": 1}] * 10_001)
    assert refused(answer, 422, "events") == "events: at most 10,000 at once, these are 10,001"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Input data was truncated (byte 0)"),
        (b'{"user_id": 1,', "Input data was truncated (byte 14)"),
        (b"hello", "JSON is malformed: invalid character (byte 0)"),
        (b'[{"user_id": 1, "item_id": 2},]', "trailing comma in array (byte 30)"),
        (b'{"user_id": "\xff"}', "it is not UTF-8 (byte 13)"),
        (b'{"user_id": ' + b"[" * 100_000, "it is nested too deeply"),
        (b'{"user_id": "\\ud800", "item_id": 1}', "(byte "),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_the_position(client, body, message):
    assert message in refused(client.post("/v1/events", content=body), 400)


@pytest.mark.parametrize("body", [b"3", b"null", b'"text"', b"{}", b"[[]]"])
def test_json_of_another_shape(client, body):
    answer = client.post("/v1/events", content=body)
    assert answer.status_code == 422


def test_a_large_body_is_refused_without_being_held(client):
    sent = 0

    async def pieces():
        nonlocal sent
        for _ in range(1600):
            sent += 65_536
            yield b" " * 65_536

    assert "larger than 2 MiB" in refused(client.post("/v1/events", content=pieces()), 413)
    lying = client.post("/v1/events", content=b"{}", headers={"content-length": "100000000"})
    assert lying.status_code == 413


def test_a_full_disk_is_503_and_recommendations_go_on(client, log):
    def full(connection):
        pages = connection.exec_driver_sql("pragma page_count").scalar()
        connection.exec_driver_sql(f"pragma max_page_count={pages}")

    sa.event.listen(log.engine, "begin", full)
    events = [{"user_id": 5, "item_id": 9, "type": "x" * 500}] * 1000
    answer = client.post("/v1/events", json=events)
    assert "disk is full" in refused(answer, 503)
    assert answer.headers["retry-after"] == "5"
    assert client.get("/v1/users/5/recommendations").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_lost_programs_get_json(client):
    assert "openapi" in refused(client.get("/v1/nothing"), 404)
    assert "openapi" in refused(client.get("/nothing"), 404)
    assert refused(client.delete("/v1/events"), 405)


def test_health_and_readiness(client, log):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert (ready.json()["model"], ready.json()["items"]) == ("ease", 72)
    log.close()
    assert client.get("/readyz").status_code == 503
    assert "closed" in refused(client.post("/v1/events", json={"user_id": 1, "item_id": 1}), 503)


def test_metrics_count_by_route_and_not_by_address(client):
    for user in range(3):
        client.get(f"/v1/users/{user}/recommendations")
    client.get("/v1/users/1/recommendations?k=0")
    client.post("/v1/events", json=[{"user_id": 1, "item_id": 1}, {"user_id": 1, "item_id": 10**6}])
    text = client.get("/metrics").text
    route = 'route="/v1/users/{user_id:path}/recommendations"'
    assert f'penchant_requests_total{{method="GET",{route},status="200"}} 3.0' in text
    assert f'penchant_requests_total{{method="GET",{route},status="422"}} 1.0' in text
    assert f'penchant_request_seconds_count{{method="GET",{route}}} 4.0' in text
    assert "penchant_events_total 2.0" in text
    assert "penchant_events_of_unknown_items_total 1.0" in text
    assert "penchant_event_log_size 2.0" in text
    assert "penchant_catalogue_items 72.0" in text


def test_an_error_of_our_own_is_a_500_that_tells_no_secrets(service, monkeypatch):
    monkeypatch.setattr(service, "recommend", lambda *_: 1 / 0)
    with Client(create_app(service), strict=False) as client:
        message = refused(client.get("/v1/users/5/recommendations"), 500)
        assert message == "The service failed at this request; its log says why"
        assert 'status="500"' in client.get("/metrics").text


def test_openapi_is_complete(client):
    document = client.get("/openapi.json").json()
    assert {path for path in document["paths"] if path.startswith("/v1")} == {
        "/v1/events",
        "/v1/experiments",
        "/v1/impressions",
        "/v1/users",
        "/v1/recommendations",
        "/v1/users/{user_id}",
        "/v1/users/{user_id}/recommendations",
        "/v1/items",
        "/v1/items/{item_id}",
        "/v1/items/{item_id}/image",
        "/v1/items/{item_id}/similar",
    }
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= document["components"]["schemas"].keys()
    for path, methods in document["paths"].items():
        for method in methods.values():
            assert method["description"], path
            if method.get("requestBody"):
                assert method["requestBody"]["content"]["application/json"]["examples"]


@FUZZ
@given(user=st.text(min_size=1, max_size=40), k=st.one_of(st.integers(), st.text(max_size=5)))
def test_no_id_and_no_k_breaks_a_read(client, user, k):
    encoded = quote(user.encode("utf-8", "surrogatepass"), safe="")
    for address in (f"/v1/users/{encoded}/recommendations", f"/v1/items/{encoded}/similar"):
        answer = client.get(address, params={"k": k})
        assert answer.status_code in {200, 404, 422}, answer.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["user_id", "item_id", "time", "type", "value", "events", "history", "k", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
EVENT = st.fixed_dictionaries(
    {"user_id": st.integers() | st.text(max_size=8), "item_id": st.integers() | st.text(max_size=8)},
    optional={"time": JSON, "type": st.text(max_size=5), "value": st.floats() | st.none()},
)


@FUZZ
@given(
    body=JSON
    | EVENT
    | st.lists(EVENT, max_size=4)
    | st.fixed_dictionaries({"history": st.lists(EVENT, max_size=3)})
)
def test_no_json_breaks_a_write(client, body):
    raw = json.dumps(body).encode("utf-8", "surrogatepass")
    for address in ("/v1/events", "/v1/recommendations", "/v1/items"):
        answer = client.post(address, content=raw)
        assert answer.status_code in {200, 400, 422}, answer.text
    for method in ("PUT", "PATCH"):
        answer = client.request(method, "/v1/items/5", content=raw)
        assert answer.status_code in {200, 400, 422}, answer.text


@FUZZ
@given(body=st.binary(max_size=60))
def test_no_bytes_break_a_write(client, body):
    for address in ("/v1/events", "/v1/recommendations", "/v1/items"):
        assert client.post(address, content=body).status_code in {200, 400, 422}
