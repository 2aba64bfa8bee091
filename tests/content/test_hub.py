# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG005 - fakes take what the libraries take
"""TimmEncoder, TorchvisionEncoder, ClipEncoder, HubSoundEncoder: what is asked of libraries."""

import sys
from types import SimpleNamespace

import polars as pl
import pytest
import torch
from torch import nn

import media
from penchant.content.hub import ClipEncoder, HubSoundEncoder, TimmEncoder, TorchvisionEncoder
from penchant.errors import ConfigError, MissingExtraError

PICTURES = pl.Series([media.picture(), None, b"x", media.picture(colour="blue")], dtype=pl.Binary)
CLIPS = pl.Series([media.sound(media.tone(500)), None, b"x"], dtype=pl.Binary)


class Mean(nn.Module):
    """Answers with the mean of each channel."""

    def __init__(self, **more):
        super().__init__()
        self.classifier = nn.Linear(3, 5)
        for name, value in more.items():
            setattr(self, name, value)

    def forward(self, images):
        self.seen = images
        return images.mean(dim=(2, 3))


def taken(encoder, values, length):
    encoder.fit(values)
    assert encoder.size.shape == (length,)
    told = {}
    vectors, present = encoder.encode(values, told.__setitem__)
    assert vectors.shape == (len(values), length)
    assert present.tolist() == [value is not None and value != b"x" for value in values]
    assert torch.allclose(vectors[present].norm(dim=1), torch.ones(int(present.sum())))
    assert list(told) == [2]
    assert not encoder.encode(values[1:2])[1].any()
    again = type(encoder)(encoder.config)
    again.load_state(encoder.state())
    assert again.size == encoder.size
    assert isinstance(encoder.weights, str)
    return vectors


def test_timm(monkeypatch):
    network = Mean(pretrained_cfg={"input_size": (3, 20, 20), "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)})
    asked = []
    make = lambda name, **how: asked.append((name, how)) or network  # noqa: E731
    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=make))
    vectors = taken(TimmEncoder(TimmEncoder.Config(model="tiny")), PICTURES, 3)
    assert asked == [("tiny", {"pretrained": True, "num_classes": 0})]
    assert network.seen.shape == (2, 3, 20, 20)
    assert network.seen.abs().max() <= 1
    assert vectors[0, 0] > vectors[0, 2]


def test_torchvision(monkeypatch):
    network = Mean()
    models = SimpleNamespace(get_model=lambda name, weights: network)
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=models))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    taken(TorchvisionEncoder(TorchvisionEncoder.Config(side=32)), PICTURES, 3)
    assert isinstance(network.classifier, nn.Identity)
    assert network.seen.shape == (2, 3, 32, 32)

    def unknown(name, weights):
        raise ValueError(name)

    models.get_model = unknown
    with pytest.raises(ConfigError, match="torchvision has no model 'nothing'"):
        TorchvisionEncoder(TorchvisionEncoder.Config(model="nothing")).fit(PICTURES)


@pytest.mark.parametrize("side", [24, (24, 24)])
def test_clip(monkeypatch, side):
    network = Mean(visual=SimpleNamespace(image_size=side, image_mean=None, image_std=(1.0, 1.0, 1.0)))
    network.encode_image = network.forward
    make = lambda name, pretrained: network  # noqa: E731
    monkeypatch.setitem(sys.modules, "open_clip", SimpleNamespace(create_model=make))
    taken(ClipEncoder(ClipEncoder.Config()), PICTURES, 3)
    assert network.seen.shape == (2, 3, 24, 24)


@pytest.mark.parametrize("own", [lambda found: found, lambda found: SimpleNamespace(pooler_output=found), None])
def test_transformers(monkeypatch, own):
    heard = []

    class Sound(nn.Module):
        def forward(self, input_values):
            heard.append(input_values.shape)
            return SimpleNamespace(last_hidden_state=torch.ones(1, 7, 4))

    network = Sound()
    if own:
        network.get_audio_features = lambda input_values: own(torch.ones(1, 6))

    class Reader:
        sampling_rate = 48_000

        def __call__(self, samples, sampling_rate, return_tensors):
            assert (sampling_rate, return_tensors) == (48_000, "pt")
            return {"input_values": torch.from_numpy(samples)[None]}

    def loaded(what):
        return SimpleNamespace(from_pretrained=lambda name, revision: what)

    library = SimpleNamespace(AutoFeatureExtractor=loaded(Reader()), AutoModel=loaded(network))
    monkeypatch.setitem(sys.modules, "transformers", library)
    taken(HubSoundEncoder(HubSoundEncoder.Config()), CLIPS, 6 if own else 4)
    assert own or heard[-1] == (1, 24_000)


@pytest.mark.parametrize(
    ("encoder", "module"),
    [
        (TimmEncoder, "timm"),
        (TorchvisionEncoder, "torchvision.models"),
        (ClipEncoder, "open_clip"),
        (HubSoundEncoder, "transformers"),
    ],
)
def test_without_the_library(monkeypatch, encoder, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"penchant\[content-hub\]"):
        encoder(encoder.Config()).fit(PICTURES)
