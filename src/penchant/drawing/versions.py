# SPDX-License-Identifier: Apache-2.0
"""What made a page: the versions of the program, of Python and of the libraries."""

from __future__ import annotations

import platform
from importlib import metadata

from penchant import __version__

LIBRARIES = ("torch", "numpy", "polars", "scipy", "scikit-learn")


def library_versions() -> dict[str, str]:
    """What this process runs on: {"penchant": "0.1.0", "python": "3.11.7", "numpy": "2.1.0", ...}."""
    found = {"penchant": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found
