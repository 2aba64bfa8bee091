# SPDX-License-Identifier: Apache-2.0
"""Models that are named, and their libraries may download: timm, torchvision, OpenCLIP; transformers for sound.

As thin as can be: what a model wants its pictures to look like, its own library says.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import torch
from torch.nn import functional

from penchant.batch import ContentSize
from penchant.content.cnn import package
from penchant.content.encoder import ContentEncoder, Note, unheard
from penchant.content.picture import PictureConfig, decode_all
from penchant.content.sound import RATE, SoundConfig
from penchant.content.sound import decode_all as decode_sounds
from penchant.errors import ConfigError, MissingExtraError
from penchant.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from torch import Tensor

EXTRA = "content-hub"
_NAME = Annotated[str, msgspec.Meta(min_length=1)]


class _Named(ContentEncoder):
    """A model by name; the length of its vectors is all that is learned here."""

    batch_size = 16

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._length = 0

    @property
    def size(self) -> ContentSize:
        """A vector."""
        return ContentSize.vector(self._length)

    def state(self) -> dict[str, Tensor]:
        """The length of a vector."""
        return {"length": torch.tensor(self._length)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
        self._length = int(state["length"])


class _NamedPicture(_Named):
    """A model of pictures, given RGB in float32, normalised as it wants."""

    reads = Kind.IMAGE

    def fit(self, values: pl.Series) -> None:  # noqa: ARG002 - it was trained elsewhere
        """Load the model and learn how long its vectors are."""
        side = self._looks[0]
        self._length = int(self._features(torch.zeros(1, 3, side, side)).shape[1])

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """(vectors [n, size] of length 1, present [n])."""
        side, mean, deviation = self._looks
        pixels, usable = decode_all(values, side, self.config.max_pixels, note)
        present, vectors = torch.from_numpy(usable), torch.zeros(len(values), self._length)
        if usable.any():
            images = torch.from_numpy(np.ascontiguousarray(pixels[usable])).permute(0, 3, 1, 2).float() / 255
            images = (images - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]
            vectors[present] = functional.normalize(self._features(images).float(), dim=1)
        return vectors, present

    @property
    @abstractmethod
    def _looks(self) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
        """(side in pixels, mean, deviation) of the pictures that it was trained on."""

    @abstractmethod
    def _features(self, images: Tensor) -> Tensor:
        """[n, size]."""


_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class TimmEncoder(_NamedPicture):
    """Any model of timm, without its last layer."""

    class Config(PictureConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of a timm model."""

        model: _NAME = "mobilenetv3_small_100.lamb_in1k"
        """Its name in timm; `hf-hub:...` for one of the hub."""

    config: Config

    @property
    def weights(self) -> str:
        """The library; the model's name stands in the configuration."""
        return package("timm")

    @cached_property
    def _network(self) -> Any:
        timm = _library("timm", "timm")
        return timm.create_model(self.config.model, pretrained=True, num_classes=0).eval()

    @property
    def _looks(self) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
        wants = self._network.pretrained_cfg
        return int(wants["input_size"][-1]), tuple(wants["mean"]), tuple(wants["std"])

    def _features(self, images: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.as_tensor(self._network(images)).clone()


class TorchvisionEncoder(_NamedPicture):
    """Any classifier of torchvision, without its last layer."""

    class Config(PictureConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of a torchvision model."""

        model: _NAME = "mobilenet_v3_small"
        side: Annotated[int, msgspec.Meta(ge=32, le=1024)] = 224
        """Pixels of a side."""

    config: Config

    @property
    def weights(self) -> str:
        """The library; the model's name stands in the configuration."""
        return package("torchvision")

    @cached_property
    def _network(self) -> Any:
        models = _library("torchvision.models", "torchvision")
        try:
            network = models.get_model(self.config.model, weights="DEFAULT")
        except ValueError:
            raise ConfigError(f"[content.image] model: torchvision has no model {self.config.model!r}") from None
        for last in ("fc", "classifier", "heads", "head"):
            if hasattr(network, last):
                setattr(network, last, torch.nn.Identity())
        return network.eval()

    @property
    def _looks(self) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
        return (self.config.side, *_IMAGENET)

    def _features(self, images: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.as_tensor(self._network(images)).flatten(1).clone()


class ClipEncoder(_NamedPicture):
    """The picture side of any OpenCLIP model (Radford et al., ICML 2021, https://arxiv.org/abs/2103.00020)."""

    class Config(PictureConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of an OpenCLIP model."""

        model: _NAME = "ViT-B-32"
        pretrained: str = "laion2b_s34b_b79k"
        """Which training of it."""

    config: Config

    @property
    def weights(self) -> str:
        """The library; model and training stand in the configuration."""
        return package("open_clip_torch")

    @cached_property
    def _network(self) -> Any:
        clip = _library("open_clip", "clip")
        return clip.create_model(self.config.model, pretrained=self.config.pretrained).eval()

    @property
    def _looks(self) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
        visual = self._network.visual
        side = visual.image_size
        return (
            int(side[0] if isinstance(side, tuple) else side),
            tuple(visual.image_mean or _IMAGENET[0]),
            tuple(visual.image_std or _IMAGENET[1]),
        )

    def _features(self, images: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.as_tensor(self._network.encode_image(images)).clone()


class HubSoundEncoder(_Named):
    """A sound model of transformers, such as CLAP or wav2vec 2.0: its own summary, or the mean over time."""

    class Config(SoundConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of a sound model of transformers."""

        model: _NAME = "laion/clap-htsat-unfused"
        """A name on the hub, or a folder."""
        revision: str | None = None
        """Which version of it; else the newest."""
        max_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
        """Only the first so many seconds of a clip are listened to."""

    reads = Kind.AUDIO
    batch_size = 8
    config: Config

    @property
    def weights(self) -> str:
        """The library; the model's name stands in the configuration."""
        return package("transformers")

    def fit(self, values: pl.Series) -> None:  # noqa: ARG002 - it was trained elsewhere
        """Load the model and learn how long its vectors are."""
        self._length = len(self._features(np.zeros(RATE, np.float32)))

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """(vectors [n, size] of length 1, present [n])."""
        vectors, present = torch.zeros(len(values), self._length), torch.zeros(len(values), dtype=torch.bool)
        # One at a time: clips differ in length, and most of these models have no mask for padding.
        for at, samples in enumerate(decode_sounds(values, self.config.max_seconds)):
            if isinstance(samples, np.ndarray):
                vectors[at], present[at] = functional.normalize(self._features(samples), dim=0), True
            elif samples is not None:
                note(at, samples)
        return vectors, present

    @cached_property
    def _network(self) -> tuple[Any, Any]:
        transformers = _library("transformers", "hub_sound")
        choices = {"revision": self.config.revision}
        reader = transformers.AutoFeatureExtractor.from_pretrained(self.config.model, **choices)
        return reader, transformers.AutoModel.from_pretrained(self.config.model, **choices).eval()

    def _features(self, samples: np.ndarray[Any, np.dtype[np.float32]]) -> Tensor:
        reader, network = self._network
        rate = int(reader.sampling_rate)
        length = max(len(samples) * rate // RATE, 1)
        heard = functional.interpolate(torch.from_numpy(samples)[None, None], length, mode="linear")[0, 0]
        given = reader(heard.numpy(), sampling_rate=rate, return_tensors="pt")
        with torch.inference_mode():
            if hasattr(network, "get_audio_features"):
                found = network.get_audio_features(**given)
                # transformers 5 wraps what 4 gave as it was.
                return torch.as_tensor(getattr(found, "pooler_output", found))[0].float().clone()
            return torch.as_tensor(network(**given).last_hidden_state)[0].mean(dim=0).float().clone()


def _library(module: str, encoder: str) -> Any:
    """A library that is imported when it is needed.

    Raises:
        MissingExtraError: it is absent, or does not fit the PyTorch that is installed.
    """
    from importlib import import_module  # noqa: PLC0415

    try:
        return import_module(module)
    except (ImportError, RuntimeError):  # RuntimeError: torchvision beside a PyTorch of another build
        raise MissingExtraError(f"The encoder {encoder!r}", EXTRA) from None
