# SPDX-License-Identifier: Apache-2.0
"""The progress bars: of content columns, and of training."""

import io

from rich.console import Console

from penchant.cli.progress import Bar


def test_a_content_column_has_a_bar_until_it_is_read():
    with Bar(Console(file=io.StringIO())) as bar:
        tasks = bar._progress.task_ids
        bar.on_content("known", 5, 5)
        assert not tasks
        bar.on_content("photo", 64, 200)
        bar.on_content("photo", 128, 200)
        assert [(task.description, task.completed, task.total) for task in bar._progress.tasks] == [
            ("  reading photo", 128, 200)
        ]
        bar.on_content("photo", 200, 200)
        assert not bar._progress.task_ids
