# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C promises a resume only where there is one."""

import shop


def test_ctrl_c_before_training_began(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("penchant.recipe.ingest", stop)
    run = shop.stock(tmp_path)
    said = " ".join(shop.penchant("train", run, "--artefacts", tmp_path / "out", code=130).stderr.split())
    assert "Stopped before training began: start again with penchant train" in said
    assert "--resume" not in said
