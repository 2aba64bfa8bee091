# SPDX-License-Identifier: Apache-2.0
"""`penchant keys`: make, list, drop."""

from typer.testing import CliRunner

from penchant.cli.app import app
from penchant.serve.keys import Keys


def run(*words):
    return CliRunner().invoke(app, ["keys", *words])


def test_a_key_is_shown_once_and_lets_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = run("new", "shop", "--scope", "read", "--scope", "events", "--scope", "read")
    secret = made.output.strip()
    assert Keys.load(tmp_path / "keys.toml").find({b"x-api-key": secret.encode()}).scopes == ("read", "events")
    assert run("list").output == "shop: read, events\n"
    assert run("drop", "shop").output == "dropped shop\n"
    assert run("list").output == ""


def test_a_scope_that_does_not_exist(tmp_path):
    found = run("new", "shop", "--scope", "reed", "--file", str(tmp_path / "k.toml"))
    assert found.exit_code != 0
    assert "did you mean 'read'?" in found.output + str(found.stderr if found.stderr_bytes else "")
    assert not (tmp_path / "k.toml").exists()
