"""Tables in files: the one reader of .csv, .tsv, .xlsx and .parquet, whose errors a user can act on."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, final

from molinterp.errors import InputError, MissingDependencyError
from molinterp.io.escaping import SAVE_AS_UTF_8, separator_of
from molinterp.io.formats import DAMAGED, KINDS, STDIN, Kind, kind_of, open_text, suffix_of

if TYPE_CHECKING:
    import pandas as pd

_SEP_LINE = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)
"""First line by which Excel is told the separator."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
_TOO_MANY = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
"""How pandas says so; its lines are counted from the second of the file."""


@final
@dataclass(frozen=True)
class Rows:
    """A table, a row at a time."""

    names: tuple[str, ...]
    """Of the columns, as the first line has them."""
    rows: Iterator[Sequence[str]]
    """Cells of each row, as many as there are names, or more; an empty one where the row is shorter."""


def rows_of(stream: Iterator[str], separator: str | None) -> Rows:
    """The table in lines of text.

    Args:
        stream: the lines.
        separator: of the cells of a row; None means the comma, semicolon or tab that stands most in the first
            line.

    Raises:
        InputError: a row holds more values than the first line names columns, or a quote is not closed.
    """
    names, separator, lines = _header(stream, separator)
    return Rows(names, _cells(lines, separator, len(names)))


def _header(stream: Iterator[str], separator: str | None) -> tuple[tuple[str, ...], str, Iterator[str]]:
    """Names of the columns, the separator, and the lines behind."""
    first = next(stream, "")
    if told := _SEP_LINE.fullmatch(first.removeprefix("\ufeff")):
        separator, first = told[1], next(stream, "")
    first = first.removeprefix("\ufeff")
    separator = separator or separator_of(first)
    lines = chain([first], stream)
    names = next(csv.reader(lines, delimiter=separator), [])
    return tuple(names), separator, lines


def _cells(lines: Iterator[str], separator: str, n: int) -> Iterator[Sequence[str]]:
    seen: list[str] = []

    def recorded() -> Iterator[str]:
        for line in lines:
            seen.append(line)
            yield line

    number, is_first = 1, True
    for row in csv.reader(recorded(), delimiter=separator):
        first, number = number + 1, number + len(seen)
        if len(seen) > 1:
            _check_quotes(seen, separator, first)
        seen.clear()
        if not row:
            continue
        is_longer = any(cell.strip() for cell in row[n:])
        if is_longer and is_first:
            raise InputError(f"its lines hold {TOO_MANY}")
        yield row if is_longer else [*row[:n], *([""] * (n - len(row)))]
        is_first = False


TOO_MANY = (
    "more values than the first line names columns. Leave no separator at the end of a line, "
    "and put a value that contains one in double quotes."
)


def _check_quotes(lines: Sequence[str], separator: str, first: int) -> None:
    """Tell a cell of several lines from a quote that was never closed and swallows rows.

    Raises:
        InputError: it was not closed, or text stands behind its end.
    """
    try:
        list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(
            f"line {first} opens a quote that is not closed, so that the lines behind it would be lost. "
            "Close it, or double the quotes within a cell."
        ) from error


@contextmanager
def open_rows(file: Path) -> Iterator[Rows]:
    """The table in a file, a row at a time; see `read_table`."""
    kind = kind_of(file)
    if kind is Kind.WORKBOOK:
        names, *rows = _sheet(file) or [[]]
        yield Rows(tuple(names), iter(rows))
    elif kind is Kind.PARQUET:
        frame = _parquet(file)
        cells = frame.astype(object).where(frame.notna(), "").astype(str)
        yield Rows(tuple(map(str, frame.columns)), iter(cells.to_numpy().tolist()))
    else:
        with open_text(file, newline="") as stream:
            yield rows_of(stream, separator_for(file))


def separator_for(file: Path) -> str | None:
    """What parts the cells in a file of this name; None where its first line tells."""
    return "\t" if suffix_of(file) == ".tsv" else None


def read_table(
    file: Path,
    *,
    separator: str | None = None,
    dtype: type | Mapping[str, type] | None = None,
    has_na: bool = True,
) -> pd.DataFrame:
    """The table in a file, its columns named by the first line, and text packed or not.

    Args:
        file: .parquet, .xlsx, or text with one line a row; `STDIN` reads standard input.
        separator: of the values of a line; None means a tab in a .tsv and elsewhere the comma,
            semicolon or tab that stands most in the first line, as databases and spreadsheets differ.
        dtype: of all columns or by name; None means what the values look like.
        has_na: whether NA and the like stand for missing values, as an empty cell always does.

    Raises:
        InputError: the file is missing, damaged or no table, or a line holds more values than the first.
        MissingDependencyError: a .parquet file, and pyarrow is not installed; or an .xlsx file, and
            python-calamine is not.
    """
    import pandas as pd

    try:
        suffix = "" if file == STDIN else suffix_of(file)
        if KINDS.get(suffix) is Kind.PARQUET:
            return _parquet(file)
        if KINDS.get(suffix) is Kind.WORKBOOK:
            names, *rows = _sheet(file) or [[]]
            return pd.DataFrame([[cell or None for cell in row] for row in rows], columns=list(names))
        with warnings.catch_warnings(), open_text(file, newline="") as stream:
            # pandas would cut off what is too much, and a shifted row would pass for a sound one.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return _frame(stream, separator or separator_for(file), dtype, has_na)
    except (ValueError, OSError, *DAMAGED, csv.Error, pd.errors.ParserWarning) as error:
        if isinstance(error, InputError) and "cannot be read" in str(error):
            raise
        raise InputError(f"file '{file}' cannot be read as a table: {_reason(error)}") from error


def _frame(
    stream: TextIO, separator: str | None, dtype: type | Mapping[str, type] | None, has_na: bool
) -> pd.DataFrame:
    import pandas as pd

    names, separator, lines = _header(iter(stream), separator)
    if not names:
        raise InputError("it is empty")
    types: Any = dtype
    if isinstance(dtype, Mapping):
        types = {i: dtype[name] for i, name in enumerate(names) if name in dtype}
    del lines  # what it would give next is what the stream gives next
    try:
        frame = pd.read_csv(
            stream,
            sep=separator,
            header=None,
            names=list(range(len(names))),
            dtype=types,
            keep_default_na=has_na,
            na_values=[""],
            index_col=False,
        )
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame(columns=list(range(len(names))))
    if separator == ";" and (dtype is None or isinstance(dtype, Mapping)):
        told = set(types or ())
        frame = frame.apply(lambda column: column if column.name in told else _with_decimal_comma(column))
    # Columns of one name stay so, for the caller to refuse those that it needs.
    frame.columns = pd.Index([name or f"Unnamed: {i}" for i, name in enumerate(names)])
    return frame


def _with_decimal_comma(column: pd.Series) -> pd.Series:
    """The numbers of a column of texts such as 0,5; any other column as it is."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    present = column.dropna().astype(str)
    if not len(present) or not present.str.contains(",").any():
        return column
    if not present.map(lambda text: _DECIMAL_COMMA.fullmatch(text.strip()) is not None).all():
        return column
    return column.str.replace(",", ".").astype(float)


def _parquet(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(file)
    except ImportError as error:
        raise MissingDependencyError("Parquet files", "pyarrow", "parquet") from error
    except (ValueError, OSError) as error:
        raise InputError(f"file '{file}' cannot be read as a table: {_reason(error)}") from error


def _sheet(file: Path) -> list[list[str]]:
    """Cells of the first sheet of a workbook, each as text.

    Raises:
        InputError: it is no workbook.
        MissingDependencyError: python-calamine is not installed.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise MissingDependencyError("Excel files", "python-calamine", "excel") from error
    try:
        rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    except (CalamineError, IndexError, ValueError) as error:
        raise InputError(f"file '{file}' cannot be read as a workbook: {error}.") from error
    return [[_cell_text(cell) for cell in row] for row in rows if any(str(cell) for cell in row)]


def _cell_text(cell: Any) -> str:
    # A spreadsheet has no whole numbers.
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _reason(error: Exception) -> str:
    import pandas as pd

    text = " ".join(str(error).split())
    found = _TOO_MANY.search(text)
    if found is None and not isinstance(error, pd.errors.ParserWarning):
        advice = f" {SAVE_AS_UTF_8}" if isinstance(error, UnicodeDecodeError) else ""
        return f"{text.rstrip('.')}.{advice}"
    return f"{f'line {int(found[2]) + 1} holds' if found else 'its lines hold'} {TOO_MANY}"
