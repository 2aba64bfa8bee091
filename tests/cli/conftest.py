# SPDX-License-Identifier: Apache-2.0
"""One trained shop that the commands which only read can share, and a folder to stand in."""

from types import SimpleNamespace

import pytest
import torch

import shop


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """So small a model is quickest with one thread, most of all where other programs run too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _stand_in(tmp_path, monkeypatch):
    """Commands write below the folder that they are started in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("PENCHANT_ARTEFACTS", raising=False)
    monkeypatch.delenv("PENCHANT_DATA", raising=False)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A shop whose ids are text, trained; `words` is what the command said."""
    folder = tmp_path_factory.mktemp("trained")
    run = shop.stock(folder / "shop", text=True)
    artefacts = folder / "artefacts"
    words = shop.penchant("train", run, "--artefacts", artefacts).output
    return SimpleNamespace(run=run, artefacts=artefacts, words=words)
