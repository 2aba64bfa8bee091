# SPDX-License-Identifier: Apache-2.0
"""Decoding pictures: every kind that is plain, no kind that means harm."""

import io
import sys
import zipfile

import numpy as np
import polars as pl
import pytest
from PIL import Image

import media
from penchant.content.encoder import UnusableError
from penchant.content.picture import decode, decode_all
from penchant.errors import MissingExtraError

MOST = 1_000_000


def refused(raw, most=MOST):
    with pytest.raises(UnusableError) as caught:
        decode(raw, 16, most)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_plain_pictures_are_decoded(kind):
    if kind == "AVIF" and ".avif" not in Image.registered_extensions():
        pytest.skip("this Pillow has no AVIF")
    found = decode(media.picture(kind=kind), 16, MOST)
    assert found.shape == (16, 16, 3)
    assert found.dtype == np.uint8
    assert found[0, 0].min() > 200
    red, green, blue = found[8, 8].astype(int)
    assert red > 150
    assert max(green, blue) < 80


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(mode):
    kind = "TIFF" if mode in ("CMYK", "YCbCr", "F", "I") else "PNG"
    base = Image.fromarray(np.full((20, 30), 128, np.uint8))
    if mode == "I;16":
        base = Image.fromarray(np.full((20, 30), 128 * 256, np.uint16))
    elif mode == "PA":
        base, kind = base.convert("P"), "PNG"
        base.info["transparency"] = 3
    else:
        base = base.convert(mode)
    found = decode(media.saved(base, kind), 8, MOST)
    assert found.shape == (8, 8, 3)
    if mode == "I;16":
        assert abs(int(found[4, 4, 0]) - 128) <= 1


def test_what_is_transparent_is_white():
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    assert decode(media.saved(clear), 8, MOST).min() == 255


def test_an_oblong_picture_is_seen_whole():
    wide = Image.new("RGB", (90, 30), "white")
    wide.paste("blue", (0, 0, 45, 30))
    found = decode(media.saved(wide), 16, MOST)
    assert found[8, 2].tolist() == [0, 0, 255]
    assert found[8, 13].tolist() == [255, 255, 255]


def test_a_decompression_bomb_is_not_decoded(monkeypatch):
    raw = media.bomb()
    assert len(raw) < 20_000
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("was decoded"))
    assert refused(raw, 50_000_000) == "10,000 x 10,000 pixels are more than max_pixels (50,000,000)"
    assert "max_pixels" in refused(media.bomb(20_000, 20_000))  # beyond what Pillow opens


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("part", [0.3, 0.7])
def test_a_picture_that_is_cut_off_is_broken(kind, part):
    noisy = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8))
    raw = media.saved(noisy, kind)
    assert refused(raw[: int(len(raw) * part)])


@pytest.mark.parametrize("raw", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"<svg/>", b"GIF89a"])
def test_what_is_no_picture(raw):
    assert refused(raw)


def test_programs_and_archives_are_not_opened():
    assert (
        refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n") == "is no picture of a known kind"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 10_000_000)
    assert refused(file.getvalue()) == "is no picture of a known kind"


def test_no_damage_whatever_raises_anything_else():
    raw = bytearray(media.picture(kind="JPEG", side=64))
    random = np.random.default_rng(1)
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"):
        raw = media.picture(kind=kind, side=24)
        for _ in range(60):
            damaged = bytearray(raw)
            for at in random.integers(0, len(raw), 6):
                damaged[at] = random.integers(0, 256)
            try:
                assert decode(bytes(damaged), 8, MOST).shape == (8, 8, 3)
            except UnusableError as error:
                assert str(error)  # noqa: PT017


def test_a_column_tells_which_are_not_usable():
    told = {}
    values = pl.Series([media.picture(), None, b"x", media.picture("square", "blue")], dtype=pl.Binary)
    pixels, usable = decode_all(values, 8, MOST, told.__setitem__)
    assert pixels.shape == (4, 8, 8, 3)
    assert usable.tolist() == [True, False, False, True]
    assert told == {2: "is no picture of a known kind"}
    assert not pixels[1:3].any()


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"Reading pictures .*penchant\[content\]"):
        decode(b"", 8, MOST)
