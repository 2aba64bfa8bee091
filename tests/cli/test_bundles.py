# SPDX-License-Identifier: Apache-2.0
"""Looking at a bundle, and checking it."""

import shutil
from pathlib import Path

from penchant.bundle.bundle import find
from shop import penchant, refused


def test_show(trained):
    folder = find(trained.artefacts / "bundles")
    said = penchant("bundle", "show", "--artefacts", trained.artefacts).output
    assert "sasrec" in said
    assert "all events, test included" in said
    assert penchant("bundle", "show", folder).output == said
    assert penchant("bundle", "show", folder.name, "--artefacts", trained.artefacts).output == said


def test_verify(trained):
    folder = find(trained.artefacts / "bundles")
    said = penchant("bundle", "verify", "--artefacts", trained.artefacts).output
    assert f"{folder}: whole, and answers as it did (sasrec)" in said
    shutil.copytree(folder, "copy")
    Path("copy/model.safetensors").write_bytes(b"no")
    assert "model.safetensors" in refused("bundle", "verify", "copy")
    assert "holds no bundle" in refused("bundle", "show", "nowhere")
