# SPDX-License-Identifier: Apache-2.0
"""`penchant keys new|list|drop`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penchant.cli.say import examples, out

app = typer.Typer(no_args_is_help=True, help="Keys of the API: who may ask, who may say what happened.")

File = Annotated[Path, typer.Option(metavar="FILE", help="Where hashes of the keys are kept.")]
Name = Annotated[str, typer.Argument(help="Whose key it is.")]
_FILE = Path("keys.toml")
_SCOPES = "read: ask; events: say what people did; admin: everything, items and the page included."


@app.command(
    "new",
    epilog=examples(
        "penchant keys new shop --scope read --scope events",
        "penchant keys new me --scope admin",
        "penchant serve --keys keys.toml",
    ),
)
def new(
    name: Name,
    scope: Annotated[list[str], typer.Option(metavar="read|events|admin", help=_SCOPES)] = ["read"],  # noqa: B006
    file: File = _FILE,
) -> None:
    """Make a key. It is shown once and kept nowhere: the file holds only its hash."""
    from penchant.errors import ConfigError, nearest
    from penchant.serve.keys import Scope, make

    for one in scope:
        if one not in list(Scope):
            raise ConfigError(f"--scope {one!r}: there is no such scope{nearest(one, Scope)}")
    secret = make(file, name, tuple(dict.fromkeys(map(Scope, scope))))
    out().print(secret, markup=False, highlight=False, soft_wrap=True)


@app.command("list", epilog=examples("penchant keys list"))
def show(file: File = _FILE) -> None:
    """List the names of the keys, and what each is good for."""
    from penchant.serve.keys import read

    for key in read(file):
        out().print(f"{key.name}: {', '.join(key.scopes)}", markup=False, highlight=False)


@app.command("drop", epilog=examples("penchant keys drop shop"))
def drop(name: Name, file: File = _FILE) -> None:
    """Drop a key. A running service takes it up when it starts again."""
    from penchant.serve import keys

    keys.drop(file, name)
    out().print(f"dropped {name}", markup=False, highlight=False)
