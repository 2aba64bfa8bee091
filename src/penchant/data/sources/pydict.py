# SPDX-License-Identifier: Apache-2.0
"""Files whose every line is a Python dictionary as Python 2 wrote it: `{u'id': u'7', u'free': True}`.

Such lines are often handed to `eval`. Here regular expressions walk over whole columns, word by word from the
start of each line, so nothing is run, and a text that looks like a key is not taken for one.
"""

from __future__ import annotations

import polars as pl

_STRING = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_LIST = rf"""\[(?:{_STRING}|[^\]'"])*\]"""
_VALUE = rf"""(?:{_STRING}|{_LIST}|[^\s'"\[\]{{}},]+)"""

_PAIR = r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
_HALF = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_CODE, _SLASH = "\x01", "\x02"
"""Stand for `\\u` and `\\\\` that are settled; Python writes such characters themselves as escapes."""
_UNKNOWN = rf"{_CODE}fffd"


def value(line: pl.Expr, key: str) -> pl.Expr:
    """What stands behind a key, as it is written; null where the line has no such key or is no dictionary."""
    return line.str.extract(rf"^\{{(?:{_STRING}: {_VALUE}, )*?u?'{key}': ({_VALUE})[,}}]")


def text(written: pl.Expr) -> pl.Expr:
    """The text that a Python string says; null where it is none."""
    single = written.str.extract(r"^u?'(.*)'$")
    double = written.str.extract(r'^u?"(.*)"$')
    return _unescape(pl.coalesce(single, double))


def texts(written: pl.Expr) -> pl.Expr:
    """The texts of a list of Python strings; null where it is none."""
    strings = written.str.extract(r"^\[(.*)\]$").str.extract_all(_STRING)
    return strings.list.eval(text(pl.element()))


def number(written: pl.Expr) -> pl.Expr:
    """A number as Float64; null where it is none."""
    return written.cast(pl.Float64, strict=False)


def _unescape(body: pl.Expr) -> pl.Expr:
    r"""Python's escapes, turned into JSON's, which Polars reads.

    What JSON cannot say becomes U+FFFD: half a pair of surrogates, `\U0001f600`, an escape that is none.
    """
    json = (
        body.str.replace_all(r"\\", _SLASH, literal=True)
        .str.replace_all(r"\\(['\"])", "$1")
        .str.replace_all('"', rf"{_CODE}0022", literal=True)
        .str.replace_all(r"\\x([0-9a-fA-F]{2})", rf"{_CODE}00$1")
        .str.replace_all(r"\\U[0-9a-fA-F]{8}", _UNKNOWN)
        .str.replace_all(_PAIR, rf"{_CODE}$1{_CODE}$2")
        .str.replace_all(_HALF, _UNKNOWN)
        .str.replace_all(r"\\u([0-9a-fA-F]{4})", rf"{_CODE}$1")
        .str.replace_all(r"\\([^nrt]|$)", rf"{_UNKNOWN}$1")
        .str.replace_all(r"[\x00\x03-\x1f]", " ")
        .str.replace_all(_CODE, r"\u", literal=True)
        .str.replace_all(_SLASH, r"\\", literal=True)
    )
    return pl.concat_str(pl.lit('"'), json, pl.lit('"')).str.json_decode(pl.String)
