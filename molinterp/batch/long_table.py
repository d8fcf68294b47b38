"""Write outcomes as a long table to .csv, .csv.gz or .parquet, in parts and reproducibly."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, cast

from molinterp.batch.job import Outcome, Pair
from molinterp.errors import InputError, MissingDependencyError
from molinterp.io.escaping import csv_line, neutralise
from molinterp.io.files import check_place, whole_file

SUFFIXES = (".csv", ".csv.gz", ".parquet")
OK, FAILED = "ok", "failed"
LAST = ("status", "error", "note")
"""Columns after those of the path."""
ROW_GROUP = 20_000
"""Number of rows in a row group of a .parquet file."""
_KINDS = ("bool", "int", "float", "str")
"""Types of a column, each of which can represent those before it."""

Record = tuple[Any, ...]


def layout(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """Return the columns of the long table, in order, with their types: bool, int, float or str."""
    kinds: dict[str, int] = {}
    for outcome in outcomes:
        for i, name in enumerate(outcome.columns):
            seen = {type(row[i]).__name__ for row in outcome.rows} - {"NoneType"}
            kinds[name] = max([kinds.get(name, 0), *(_KINDS.index(kind) for kind in seen)])
    inner = {n: _KINDS[k] for n, k in kinds.items()} or _of_any_path()
    return {"pair": "str"} | inner | dict.fromkeys(LAST, "str")


def _of_any_path() -> dict[str, str]:
    """Return the columns that every path has, for a table in which no pair has a path."""
    from rdkit import Chem  # slow to import and rarely needed here

    from molinterp.chem.properties import describe

    similarities = ("similarity", "similarity_to_start", "similarity_to_end")
    return {
        **{"step": "int", "smiles": "str", "t": "float", "origin": "str"},
        **dict.fromkeys(similarities, "float"),
        **dict.fromkeys(("verdict", "verdict_alone", "change"), "str"),
        "n_changed": "float",
        **{name: type(value).__name__ for name, value in describe(Chem.MolFromSmiles("C")).items()},
    }


def records(
    pairs: Iterable[Pair], outcomes: Iterable[Outcome], columns: Sequence[str], keep_failed: bool = True
) -> Iterator[Record]:
    """Yield the rows of the long table: the molecules of each path, or one row with the error.

    The first row of a path has its note.
    """
    for pair, outcome in zip(pairs, outcomes, strict=True):
        place = {name: i for i, name in enumerate(outcome.columns)}
        inner = [place.get(name) for name in columns[1 : -len(LAST)]]
        for number, row in enumerate(outcome.rows):
            note = outcome.note if number == 0 and outcome.note else None
            yield (pair.id, *(None if i is None else row[i] for i in inner), OK, None, note)
        if outcome.is_failed and keep_failed:
            yield (pair.id, *([None] * len(inner)), FAILED, outcome.error, None)


def write_table(target: Path, columns: dict[str, str], rows: Iterable[Record], raw_cells: bool) -> None:
    """Write the table to a temporary file beside the target, then rename it; links are followed.

    Args:
        target: .csv, .csv.gz or .parquet.
        columns: types by name, as returned by `layout`.
        rows: values in the order of the columns.
        raw_cells: do not escape text cells of a .csv that a spreadsheet would read as formulas.

    Raises:
        InputError: the file cannot be written.
        MissingDependencyError: the file is a .parquet file and pyarrow is not installed.
    """
    write = _write_parquet if target.suffix == ".parquet" else _write_csv(target, raw_cells)
    try:
        with whole_file(target) as temporary, temporary.open("wb") as stream:
            write(stream, columns, rows)
    except OSError as error:
        raise InputError(f"output '{target}' cannot be written: {error.strerror}.") from error


def check_format(target: Path) -> None:
    """Check before any work starts that a table with this name can be written.

    Raises:
        InputError: the suffix is unknown, or the folder is missing or not writable.
        MissingDependencyError: the file is a .parquet file and pyarrow is not installed.
    """
    if not target.name.endswith(SUFFIXES):
        raise InputError(f"output '{target}' must end in one of {', '.join(SUFFIXES)}.")
    check_place(target)
    if target.suffix == ".parquet":
        _pyarrow()


def _write_csv(target: Path, raw_cells: bool) -> Callable[[Any, dict[str, str], Iterable[Record]], None]:
    def write(stream: Any, columns: dict[str, str], rows: Iterable[Record]) -> None:
        with _text(stream, target.suffix == ".gz") as text:
            clean = (lambda t: t) if raw_cells else neutralise
            text.write(csv_line([clean(name) for name in columns]) + "\n")
            for row in rows:
                text.write(csv_line([_cell(value, clean) for value in row]) + "\n")

    return write


@contextmanager
def _text(stream: Any, is_gzip: bool) -> Iterator[io.TextIOWrapper]:
    # The header has no name and no time, so that the same rows give the same bytes.
    binary = gzip.GzipFile("", "wb", 6, stream, 0) if is_gzip else stream
    text = io.TextIOWrapper(cast(Any, binary), encoding="utf-8", newline="")
    try:
        yield text
    finally:
        text.flush()
        text.detach()
        if is_gzip:
            binary.close()


def _cell(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}"
    return clean(value) if isinstance(value, str) else "" if value is None else value


def _write_parquet(stream: Any, columns: dict[str, str], rows: Iterable[Record]) -> None:
    pyarrow, parquet = _pyarrow()
    types = {
        "bool": pyarrow.bool_(),
        "int": pyarrow.int64(),
        "float": pyarrow.float64(),
        "str": pyarrow.string(),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    rows = iter(rows)
    with parquet.ParquetWriter(stream, schema) as writer:
        while part := list(islice(rows, ROW_GROUP)):
            arrays = [
                pyarrow.array([_as(kind, row[i]) for row in part], types[kind])
                for i, kind in enumerate(columns.values())
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def _as(kind: str, value: Any) -> Any:
    if value is None:
        return None
    return str(value) if kind == "str" else float(value) if kind == "float" else value


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError("Parquet files", "pyarrow", "parquet") from error
    return pyarrow, pyarrow.parquet
