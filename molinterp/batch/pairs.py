"""Read pairs of compounds from a file, a data frame, or any object with the Arrow interface."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molinterp.batch.job import Pair
from molinterp.errors import InputError, MissingDependencyError
from molinterp.io.escaping import is_missing
from molinterp.io.files import sha256_of
from molinterp.io.formats import TABLES, kind_of
from molinterp.io.tables import read_table

if TYPE_CHECKING:
    import pandas as pd


def read_pairs(file: Path, start: str = "start", end: str = "end", id: str | None = None) -> list[Pair]:
    """Read the pairs of a table, in order.

    Args:
        file: .csv or .tsv, possibly compressed, .xlsx or .parquet; "-" reads a .csv from standard input.
        start: column with the SMILES of the start, in any case.
        end: column with the SMILES of the end, in any case.
        id: column with the name of a pair; None means a column `pair` or `id` if there is one, and otherwise
            the number of the row, starting at 0.

    Raises:
        InputError: the file is missing, of another format, not a table, or a column is missing.
        MissingDependencyError: the file is a .parquet file and pyarrow is not installed.
    """
    kind_of(file, TABLES)
    table = read_table(file, dtype=str, has_na=False)
    named = {str(name).strip().lower(): str(name) for name in table.columns}
    names = [named[n] for n in ("pair", "id") if n in named and named[n] not in (start, end)]
    return pairs_of(table, start, end, id or next(iter(names), None))


def pairs_of(table: Any, start: str = "start", end: str = "end", id: str | None = None) -> list[Pair]:
    """Return the pairs of a table in memory, in order.

    Args:
        table: a pandas data frame, a mapping of columns, or an object with `__arrow_c_stream__` (Arrow,
            Polars, DuckDB).
        start: column with the SMILES of the start.
        end: column with the SMILES of the end.
        id: column with the name of a pair; None means the number of the row, starting at 0.

    Raises:
        InputError: a column is missing or occurs twice, or `table` has another type.
        MissingDependencyError: the table is an Arrow table and pyarrow is not installed.
    """
    frame = frame_of(table)
    for role, name in (("start", start), ("end", end), *([("id", id)] if id is not None else [])):
        if _column(frame, name) is None:
            found = ", ".join(map(str, frame.columns[:12])) or "none"
            raise InputError(
                f"`pairs` must have a column {name!r}; found {found}. Say with `{role}` which column it is."
            )
        if frame[_column(frame, name)].ndim > 1:
            raise InputError(f"`pairs` must have one column {name!r}; found several. Rename the others.")
    names = map(_text, frame[_column(frame, id)]) if id is not None else map(str, range(len(frame)))
    starts, ends = ([_text(cell).strip() for cell in frame[_column(frame, c)]] for c in (start, end))
    return [Pair(name, a, b) for name, a, b in zip(names, starts, ends, strict=True)]


def _column(frame: pd.DataFrame, name: str) -> Any:
    """Find a column by its exact name, or by a name that differs only in case and is unique."""
    if name in frame.columns:
        return name
    like = [c for c in frame.columns if str(c).strip().lower() == str(name).strip().lower()]
    return like[0] if len(like) == 1 else None


def frame_of(table: Any) -> pd.DataFrame:
    """Convert a table in memory to a data frame; see `pairs_of`."""
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return table
    if hasattr(table, "__arrow_c_stream__") and not isinstance(table, pd.Series):
        try:
            import pyarrow
        except ImportError as error:
            raise MissingDependencyError("Arrow tables", "pyarrow", "parquet") from error
        with suppress(pyarrow.ArrowInvalid):  # a single column is not a table
            # Integers stay exact even if values are missing.
            return pyarrow.table(table).to_pandas(integer_object_nulls=True)
    if isinstance(table, Mapping):
        try:
            return pd.DataFrame(dict(table))
        except ValueError as error:
            raise InputError(f"`pairs` must have columns of one length: {error}.") from error
    raise InputError(
        f"`pairs` must be a data frame, a mapping of columns or an Arrow table; got {type(table).__name__}."
    )


def digest(pairs: Sequence[Pair]) -> str:
    """Compute the SHA-256 of the pairs: names, SMILES and order."""
    return sha256_of(json.dumps([pair.id, pair.start, pair.end]).encode() for pair in pairs)


def _text(cell: Any) -> str:
    return "" if is_missing(cell) else str(cell)
