# SPDX-License-Identifier: Apache-2.0
"""Keys: made once, kept as hashes, found however they are brought."""

from __future__ import annotations

import base64
import hashlib
import stat

import pytest

from penchant.errors import ConfigError
from penchant.serve.keys import Keys, Scope, drop, make, read


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.toml"


def test_a_key_is_kept_as_its_hash_alone(path):
    secret = make(path, "shop", (Scope.READ, Scope.EVENTS))
    assert len(secret) > 40
    text = path.read_text()
    assert secret not in text
    assert hashlib.sha256(secret.encode()).hexdigest() in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = make(path, "me", (Scope.ADMIN,))
    assert other != secret
    assert [(key.name, key.scopes) for key in read(path)] == [("shop", ("read", "events")), ("me", ("admin",))]


def test_a_key_is_found_however_it_is_brought(path):
    secret = make(path, "shop", (Scope.READ,)).encode()
    make(path, "other", (Scope.READ,))
    keys = Keys.load(path)
    login = base64.b64encode(b"anybody:" + secret)
    for headers in (
        {b"x-api-key": secret},
        {b"authorization": b"Bearer " + secret},
        {b"authorization": b"bearer  " + secret + b" "},
        {b"authorization": b"Basic " + login},
    ):
        assert keys.find(headers).name == "shop"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"x-api-key": b"pen_guess"},
        {b"x-api-key": b""},
        {b"authorization": b"Bearer"},
        {b"authorization": b"Basic \xff\xfe"},
        {b"authorization": b"Basic " + base64.b64encode(b"no colon")},
        {b"authorization": b"Digest whatever"},
    ],
)
def test_who_brings_no_key_is_nobody(path, headers):
    make(path, "shop", (Scope.READ,))
    assert Keys.load(path).find(headers) is None


def test_a_dropped_key_is_gone(path):
    secret = make(path, "shop", (Scope.READ,)).encode()
    make(path, "other", (Scope.READ,))
    drop(path, "shop")
    assert Keys.load(path).find({b"x-api-key": secret}) is None
    with pytest.raises(ConfigError, match=r"has no key 'shop' \(it has: other\)"):
        drop(path, "shop")
    drop(path, "other")
    with pytest.raises(ConfigError, match="holds no keys: make one with penchant keys new"):
        Keys.load(path)


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 65, 'a"b'])
def test_names_are_plain(path, name):
    with pytest.raises(ConfigError, match="is no name for a key"):
        make(path, name, (Scope.READ,))
    assert not path.exists()


def test_a_name_is_taken_once(path):
    make(path, "shop", (Scope.READ,))
    with pytest.raises(ConfigError, match="has a key 'shop' already"):
        make(path, "shop", (Scope.ADMIN,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keys = ", "this is no file of keys"),
        ('[[keys]]\nname = "a"\nscopes = ["write"]\nsha256 = "00"\n', "keys"),
        ('[[keys]]\nname = "a"\nscopes = []\nsha256 = "' + "0" * 64 + '"\n', "keys"),
        ('[[keys]]\nname = "a"\nscopes = ["read"]\nsecret = "x"\n', "secret"),
    ],
)
def test_a_file_that_is_none_of_keys_is_named(path, text, message):
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        Keys.load(path)
    assert str(path) in str(error.value)


def test_no_file_at_all(path):
    with pytest.raises(ConfigError, match="the keys cannot be read"):
        Keys.load(path)


def test_every_key_is_compared(path, monkeypatch):
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: compared.append(1) or a == b)
    first = make(path, "a", (Scope.READ,)).encode()
    make(path, "b", (Scope.READ,))
    assert Keys.load(path).find({b"x-api-key": first}).name == "a"
    assert len(compared) == 2
