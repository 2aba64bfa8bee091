# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a picture file to a small square of pixels. Needs Pillow, of the extra `content`."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np

from penchant.content.encoder import EncoderConfig, Note, UnusableError
from penchant.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What is opened: plain pictures. Formats that are programs (EPS) or need other programs are not."""

_BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError, TypeError, AttributeError,
    NotImplementedError, RuntimeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's readers raise on damaged files, its own errors among them as kinds of these."""


class PictureConfig(EncoderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every encoder of pictures can be told."""

    max_pixels: Annotated[int, msgspec.Meta(ge=1)] = 50_000_000
    """A picture with more is not decoded and counts as absent; a few kilobytes can hold billions."""


def decode(raw: bytes, side: int, max_pixels: int) -> NDArray[np.uint8]:
    """[side, side, 3] the whole picture as RGB, squeezed into a square; what is transparent becomes white.

    Raises:
        UnusableError: it is broken, cut off, too large or no picture.
        MissingExtraError: Pillow is absent.
    """
    image_module = _pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, metadata, palettes: judged below, or of no concern
            with image_module.open(io.BytesIO(raw), formats=_formats()) as image:
                width, height = image.size
                # The header alone has been read so far.
                if width * height > max_pixels:
                    raise UnusableError(f"{width:,} x {height:,} pixels are more than max_pixels ({max_pixels:,})")
                image.draft("RGB", (side, side))  # JPEG: decode at a fraction of the size
                return np.asarray(
                    _opaque(image).resize((side, side), image_module.Resampling.BILINEAR, reducing_gap=2.0)
                )
    except image_module.UnidentifiedImageError:
        raise UnusableError("is no picture of a known kind") from None
    except image_module.DecompressionBombError:
        raise UnusableError(f"more than max_pixels ({max_pixels:,})") from None
    except _BROKEN as error:
        raise UnusableError(f"is broken: {str(error) or type(error).__name__}") from error


def decode_all(
    values: pl.Series, side: int, max_pixels: int, note: Note
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """([n, side, side, 3], usable [n]) of a column of bytes; `note` is told of those that are not usable."""
    return gather([_tried(raw, side, max_pixels) for raw in values], (side, side, 3), np.uint8, note)


def gather(
    parts: Sequence[Any], shape: tuple[int, ...], dtype: Any, note: Note
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """([n, *shape], usable [n]) of arrays, reasons (str) and None for what was null."""
    usable = np.array([isinstance(part, np.ndarray) for part in parts], dtype=np.bool_)
    whole = np.zeros((len(parts), *shape), dtype)
    for at, part in enumerate(parts):
        if isinstance(part, np.ndarray):
            whole[at] = part
        elif part is not None:
            note(at, part)
    return whole, usable


def _tried(raw: bytes | None, side: int, max_pixels: int) -> NDArray[np.uint8] | str | None:
    if raw is None:
        return None
    try:
        return decode(raw, side, max_pixels)
    except UnusableError as error:
        return str(error)


def _opaque(image: Any) -> Any:
    """RGB, what is transparent on white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = _pillow().new("RGBA", image.size, (255, 255, 255, 255))
        ground.alpha_composite(image)
        image = ground
    if image.mode.startswith("I;16"):  # 16-bit grey: Pillow would clip instead of scaling
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGB")


@cache
def _formats() -> list[str]:
    """Those of `_FORMATS` that this Pillow was built with."""
    image_module = _pillow()
    image_module.init()
    return [name for name in _FORMATS if name in image_module.OPEN]


def _pillow() -> Any:
    try:
        from PIL import Image  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Reading pictures", "content") from None
    return Image
