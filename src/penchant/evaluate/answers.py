# SPDX-License-Identifier: Apache-2.0
"""What each user got from each model, kept beside a report so that runs can be compared user by user later.

One Parquet file: `user_id`, `model`, and one Float32 column for each metric and k; the users of every model stand
in the same order. Four bytes a number hold seven digits, more than any interval has.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant import artefact
from penchant.errors import DataError
from penchant.schema import USER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penchant.evaluate.metrics import Floats
    from penchant.evaluate.protocol import Evaluation

MODEL = "model"
FILE = "answers.parquet"


def table(evaluations: Mapping[str, Evaluation]) -> pl.DataFrame:
    """The answers of models, by name, that were asked one question."""
    parts = [
        pl.DataFrame(
            {USER: one.question.ids, **{key: values.astype(np.float32) for key, values in one.per_user.items()}}
        ).select(USER, pl.lit(name).alias(MODEL), *one.per_user)
        for name, one in evaluations.items()
    ]
    return pl.concat(parts, how="diagonal")


def write(answers: pl.DataFrame, path: Path) -> None:
    """Put a table of answers at `path`, in one step."""
    whole = BytesIO()
    answers.write_parquet(whole, compression="zstd")
    artefact.write_bytes(path, whole.getvalue())


def read(path: Path) -> dict[str, dict[str, Floats]]:
    """By model and metric, [B] float64: what each user got, in the order in which they stand for every model.

    Raises:
        DataError: the file is not there or was not written by `write`.
    """
    try:
        answers = pl.read_parquet(path)
        parts = answers.partition_by(MODEL, maintain_order=True, as_dict=True)
        return {
            str(name): {
                key: part[key].cast(pl.Float64).to_numpy()
                for key in part.columns
                if key not in {USER, MODEL} and part[key].null_count() == 0
            }
            for (name,), part in parts.items()
        }
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path} holds no answers of single users: {error}. "
            f"Write them anew: penchant evaluate {path.parent.name}"
        ) from error
