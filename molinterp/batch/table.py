"""Compute paths for a data frame of pairs and return them as a long data frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molinterp.batch.in_process import InProcess
from molinterp.batch.job import SHARD_SIZE, Budget, Outcome, Pair, open_compute, plan, template
from molinterp.batch.long_table import layout, records
from molinterp.batch.pairs import frame_of, pairs_of
from molinterp.batch.pool import Engine, Pool, Shard
from molinterp.batch.progress import bar
from molinterp.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from molinterp.model.protocol import LatentModel

_DTYPES = {"bool": "boolean", "int": "Int64", "float": "float64", "str": "str"}


def interpolate_table(
    pairs: Any,
    start: str = "start",
    end: str = "end",
    id: str | None = None,
    *,
    model: LatentModel | str | Path = "default",
    workers: int = 1,
    seconds: float = 120.0,
    mebibytes: int = 2048,
    progress: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Compute the paths of many pairs and return them as one long table.

    The rows are in the order of the pairs. A pair without a path has one row with the `status` "failed" and
    the reason in `error`.

    Args:
        pairs: a pandas data frame, a mapping of columns, or any table with the Arrow interface.
        start: column with the SMILES of the start.
        end: column with the SMILES of the end.
        id: column with the name of a pair; None means the number of its row, starting at 0.
        model: name or folder of a model; a loaded model needs `workers=0`.
        workers: number of supervised child processes. 0 computes in this process without budgets, and a
            compound that crashes RDKit ends the process.
        seconds: wall-clock time that a pair may take.
        mebibytes: memory that a pair may use, in MiB.
        progress: show a bar with pairs per second and failures on stderr.
        **options: other arguments of `molinterp.interpolate`, such as `keep` and `max_sa`.

    Returns:
        Columns `pair`, those of `MoleculePath.to_frame` except `name`, `status` ("ok" or "failed"), `error`
        and `note`, as described in docs/scale.md. Counts are nullable integers.

    Raises:
        InputError: a column is missing, or an argument is out of range.
        BundleError: the model is missing or damaged.
        WorkerError: the worker processes cannot be started.
        MissingDependencyError: `pairs` is an Arrow table and pyarrow is not installed.
    """
    frame = frame_of(pairs)
    table = pairs_of(frame, start, end, id)
    engine = _engine(model, options, workers, Budget(seconds, mebibytes))
    shards = plan(len(table), SHARD_SIZE)
    found: list[Outcome | None] = [None] * len(table)
    with bar(len(table), progress) as tick:
        try:
            for number, outcomes in engine.run(_of(table, shards)):
                places = shards[number]
                found[places.start : places.stop] = outcomes
                tick(len(outcomes), sum(o.is_failed for o in outcomes))
        finally:
            engine.close()
    long = _long(table, [outcome for outcome in found if outcome is not None])
    if id is not None:
        # The column of names keeps its type.
        return long.assign(pair=frame[id].array.take(long["pair"].astype("int64").to_numpy()))
    return long.assign(pair=long["pair"].astype("int64"))


def _of(table: list[Pair], shards: list[range]) -> Iterator[Shard]:
    for number, places in enumerate(shards):
        yield number, [(p.start, p.end) for p in table[places.start : places.stop]]


def _engine(
    model: LatentModel | str | Path, options: Mapping[str, Any], workers: int, budget: Budget
) -> Engine:
    if isinstance(model, str | Path):
        request = template({"model": str(model), **options})
        return Pool(request, workers, budget) if workers else InProcess(open_compute(request))
    if workers:
        raise InputError(
            "`model` must be a name or a folder for worker processes; give it, or workers=0.",
            argument="model",
        )
    return InProcess(open_compute(template({"model": model.name, **options}), model))


def _long(table: list[Pair], outcomes: list[Outcome]) -> pd.DataFrame:
    """Build the long table, in which the name of a pair is the number of its row."""
    import pandas as pd

    columns = layout(outcomes)
    numbered = [Pair(str(i), p.start, p.end) for i, p in enumerate(table)]
    rows = list(records(numbered, outcomes, list(columns)))
    data = {
        name: pd.Series([row[i] for row in rows], dtype=_DTYPES[kind])
        for i, (name, kind) in enumerate(columns.items())
    }
    return pd.DataFrame(data)
