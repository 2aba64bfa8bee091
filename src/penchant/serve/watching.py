# SPDX-License-Identifier: Apache-2.0
"""Follows what the folder of bundles says: which bundle is current, and which experiment runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penchant.bundle.bundle import find
from penchant.bundle.current import CURRENT
from penchant.errors import PenchantError
from penchant.serve import experiments

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.serve.experiments import Experiment
    from penchant.serve.service import Service


class Watch:
    """Keeps a service in step with the folder that it serves.

    Args:
        service: what answers.
        folder: of bundles. One bundle by itself is served as long as the service runs.
    """

    def __init__(self, service: Service, folder: Path) -> None:
        self._service = service
        self._folder = folder if (folder / CURRENT).is_file() and not (folder / "manifest.json").exists() else None
        service.bundles = self._folder
        self._refused = ""
        self._tried: Experiment | None = None

    def look(self) -> None:
        """Take up what has changed. A bundle that is refused is not tried again, and the running one stays.

        Raises:
            PenchantError: why it was refused, once.
        """
        if self._folder is None:
            return
        wanted = find(self._folder)
        if wanted.name not in {self._service.ready().bundle, self._refused}:
            self._refused = wanted.name
            self._service.swap(wanted)
            self._refused = ""
        experiment = experiments.running(experiments.read(self._folder))
        if experiment != self._tried:
            self._tried = experiment
            try:
                self._service.try_out(experiment, self._folder)
            except PenchantError:
                self._service.try_out(None, self._folder)
                raise
