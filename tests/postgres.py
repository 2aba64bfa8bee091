# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server for tests, out of the system's package: its own folder, a socket in it, no port."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

INSTALL = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
_OWNER = "postgres"
"""Whom the server runs as where tests run as root, which it refuses."""


def programs():
    """The folder of `initdb` and `pg_ctl`, or None."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


class Server:
    """A server, from `start` to `remove`; it can be stopped and started in between."""

    def __init__(self):
        self._programs = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="penchant-pg-", dir="/tmp"))  # a socket's path must be short
        self._as = {}
        if os.getuid() == 0:
            shutil.chown(self._folder, _OWNER)
            self._as = {"user": _OWNER, "group": _OWNER, "extra_groups": []}
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync")

    def url(self, schema):
        """Where tables are in a schema of their own, which must have been made."""
        return f"postgresql://postgres@/postgres?host={self._folder}&options=-csearch_path%3D{schema}"

    def start(self):
        options = f"-c listen_addresses='' -c fsync=off -c max_connections=200 -k {self._folder}"
        self._run("pg_ctl", "--wait", "--silent", "--log", self._folder / "log", "-o", options, "start")
        return self

    def stop(self):
        """As if it had crashed: nobody is told, nothing is waited for."""
        self._run("pg_ctl", "--wait", "--silent", "--mode=immediate", "stop")

    def remove(self):
        self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program, *words):
        subprocess.run(
            [self._programs / program, "--pgdata", self._folder / "data", *words],
            check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=self._folder, **self._as,
        )  # fmt: skip
