# SPDX-License-Identifier: Apache-2.0
"""`penchant bundle show|verify|rollback`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penchant.cli.options import DEFAULT_ARTEFACTS, Artefacts, bundle_path
from penchant.cli.say import examples, out

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer(no_args_is_help=True, help="Bundles: all that answers a request, in one folder.")

Named = Annotated[
    str | None, typer.Argument(metavar="BUNDLE", help="A bundle's folder or id; the current one if not given.")
]


@app.command("show", epilog=examples("penchant bundle show", "penchant bundle show artefacts/bundles"))
def show(bundle: Named = None, artefacts: Artefacts = DEFAULT_ARTEFACTS) -> None:
    """Show what a bundle is: its model, its data, what it was measured to do."""
    from penchant.bundle import verify
    from penchant.bundle.card import card

    out().print(card(verify.manifest(_folder(bundle, artefacts))), markup=False, soft_wrap=True)


@app.command("verify", epilog=examples("penchant bundle verify"))
def check(bundle: Named = None, artefacts: Artefacts = DEFAULT_ARTEFACTS) -> None:
    """Check that a bundle is whole, and that it answers its golden requests as it did when it was made."""
    from penchant.bundle.bundle import open_bundle

    folder = _folder(bundle, artefacts)
    opened = open_bundle(folder)
    out().print(f"{folder}: whole, and answers as it did ({opened.manifest.kind})", markup=False, soft_wrap=True)


@app.command("rollback", epilog=examples("penchant bundle rollback"))
def rollback(artefacts: Artefacts = DEFAULT_ARTEFACTS) -> None:
    """Let the bundle answer again that was current before; running services take it up within seconds.

    Done twice, all is as it was.
    """
    from penchant.bundle import current

    name = current.roll_back(artefacts / "bundles")
    out().print(f"{name} is current again", markup=False, soft_wrap=True)


def _folder(named: str | None, artefacts: Path) -> Path:
    from penchant.bundle.bundle import find

    return find(bundle_path(named, artefacts))
