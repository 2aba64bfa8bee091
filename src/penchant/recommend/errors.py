# SPDX-License-Identifier: Apache-2.0
"""A wish that cannot be granted."""

from __future__ import annotations

from penchant.errors import RequestError


class WishError(RequestError):
    """A rule of a request does not fit these items or this model.

    Attributes:
        field: where it stands in the request.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
