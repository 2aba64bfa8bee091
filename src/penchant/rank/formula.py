# SPDX-License-Identifier: Apache-2.0
"""The final score as a formula of the run file, such as `0.3*click + purchase*log(price)`.

Read by Python's own parser and walked by a grammar that knows numbers, names, + - * / ** and a few functions, and
nothing else: what a formula can reach is in the table of values that it is given. It is evaluated over whole
tensors at once.
"""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING

import torch

from penchant.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from torch import Tensor

LONGEST = 500
"""Characters of a formula."""
DEEPEST = 20
"""Operations inside one another."""
_LARGEST_POWER = 10.0

_OPERATORS: dict[type[ast.operator], Callable[[Tensor, Tensor], Tensor]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: torch.pow,
}
_SIGNS: dict[type[ast.unaryop], Callable[[Tensor], Tensor]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "exp": torch.exp,
    "log": torch.log,
    "log1p": torch.log1p,
    "sqrt": torch.sqrt,
}
_OF_TWO: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"min": torch.minimum, "max": torch.maximum}


class Formula:
    """A formula that has been read and found good.

    Args:
        text: as the run file has it.

    Raises:
        ConfigError: it is too long or too deep, or holds what is no arithmetic: says what, and at which character.

    Attributes:
        text: as it was written.
        names: that it asks values of, in alphabetical order.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > LONGEST:
            raise ConfigError(f"a formula has at most {LONGEST} characters, this one {len(text):,}")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            place = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
            raise ConfigError(
                f"the formula {text!r} cannot be read{place}: write one such as 2*click + cart"
            ) from None
        names: set[str] = set()
        self._check(self._tree, DEEPEST, names)
        self.names = tuple(sorted(names))

    def check_names(self, known: Collection[str]) -> None:
        """Refuse names that nothing gives a value.

        Raises:
            ConfigError: names the first, and the nearest that is known.
        """
        for name in self.names:
            if name not in known:
                raise ConfigError(f"the formula {self.text!r}: nothing is called {name!r}{nearest(name, known)}")

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        """The formula's value, of the shape that the values [..] have; finite, whatever they are.

        What is not a number, as the root of -1, is below everything else.
        """
        found = self._value(self._tree, values).float()
        lowest = -torch.finfo(torch.float32).max
        return torch.nan_to_num(found, nan=lowest, neginf=lowest)

    def _check(self, node: ast.expr, room: int, names: set[str]) -> None:
        """Walk the tree, of which nothing is evaluated, and gather its names."""
        if not room:
            raise ConfigError(f"the formula {self.text!r} is nested more than {DEEPEST} deep: write it plainer")
        if isinstance(node, ast.Name):
            names.add(node.id)
        for part in self._parts(node):
            self._check(part, room - 1, names)

    def _parts(self, node: ast.expr) -> list[ast.expr]:
        """What an operation is done to; refuses all that is neither a number, a name nor an operation."""
        match node:
            case ast.Constant() if math.isfinite(_number(node)):
                return []
            case ast.Name():
                return []
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                power = right.operand if isinstance(right, ast.UnaryOp) else right
                if not abs(_number(power)) <= _LARGEST_POWER:
                    raise self._refused(
                        node, f"a power must be a number from {-_LARGEST_POWER:g} to {_LARGEST_POWER:g}"
                    )
                return [left, right]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return [left, right]
            case ast.UnaryOp(op=sign, operand=part) if type(sign) in _SIGNS:
                return [part]
            case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]):
                self._check_call(node, name, len(parts))
                return parts
            case _:
                raise self._refused(node, "only numbers, names, + - * / ** and functions of them may stand in it")

    def _check_call(self, node: ast.expr, name: str, count: int) -> None:
        known = {*_FUNCTIONS, *_OF_TWO}
        if name not in known:
            raise self._refused(node, f"there is no function {name!r}{nearest(name, known)}")
        wanted = 1 if name in _FUNCTIONS else 2
        if count != wanted:
            raise self._refused(node, f"{name} takes {wanted} value{'s' * (wanted > 1)}, not {count}")

    def _refused(self, node: ast.expr, why: str) -> ConfigError:
        return ConfigError(f"the formula {self.text!r}, at character {node.col_offset + 1}: {why}")

    def _value(self, node: ast.expr, values: Mapping[str, Tensor]) -> Tensor:
        match node:
            case ast.Name(id=name):
                return values[name].double()
            case ast.BinOp(left=left, op=op, right=right):
                return _OPERATORS[type(op)](self._value(left, values), self._value(right, values))
            case ast.UnaryOp(op=sign, operand=part):
                return _SIGNS[type(sign)](self._value(part, values))
            case ast.Call(func=ast.Name(id=name), args=[one]):
                return _FUNCTIONS[name](self._value(one, values))
            case ast.Call(func=ast.Name(id=name), args=[one, other]):
                return _OF_TWO[name](self._value(one, values), self._value(other, values))
            case _:
                # Of the shape of what it stands among: a formula may be a mere number.
                return torch.full_like(next(iter(values.values())), _number(node), dtype=torch.float64)


def _number(node: ast.expr) -> float:
    """The number that stands here; NaN where none does."""
    value = node.value if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
