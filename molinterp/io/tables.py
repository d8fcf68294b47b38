"""Tables in files: the one reader of .csv, .tsv and .parquet, whose errors a user can act on."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molinterp.errors import InputError, MissingDependencyError
from molinterp.io.escaping import SAVE_AS_UTF_8, separator_of

if TYPE_CHECKING:
    import pandas as pd

STDIN = Path("-")
"""Stands for a .csv on standard input."""
MAX_HEADER = 1 << 16
"""Bytes of a first line that are looked at."""
_OPENERS: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_DAMAGED = (zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_TOO_MANY = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


def read_table(
    file: Path,
    *,
    separator: str | None = None,
    dtype: type | Mapping[str, type] | None = None,
    has_na: bool = True,
) -> pd.DataFrame:
    """The table in a file, its columns named by the first line; a .csv may be packed (.gz, .bz2, .xz, .zip).

    Args:
        file: .parquet, or text with one line a row; `STDIN` reads standard input.
        separator: of the values of a line; None means a tab in a .tsv and elsewhere the comma,
            semicolon or tab that stands most in the first line, as databases and spreadsheets differ.
        dtype: of all columns or by name; None means what the values look like.
        has_na: whether NA and the like stand for missing values, as an empty cell always does.

    Raises:
        InputError: the file is missing, damaged or no table, or a line holds more values than the first.
        MissingDependencyError: a .parquet file, and pyarrow is not installed.
    """
    import pandas as pd

    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        with warnings.catch_warnings():
            # pandas would cut off what is too much, and a shifted row would pass for a sound one.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                sys.stdin.buffer if file == STDIN else file,
                sep=separator or _separator(file),
                dtype=dtype,  # type: ignore[arg-type]
                keep_default_na=has_na,
                na_values=[""],
                index_col=False,
                encoding="utf-8-sig",
            )
    except ImportError as error:
        raise MissingDependencyError("Parquet files", "pyarrow", "parquet") from error
    except (ValueError, OSError, EOFError, *_DAMAGED, pd.errors.ParserWarning) as error:
        raise InputError(f"file '{file}' cannot be read as a table: {_reason(error)}") from error


def _separator(file: Path) -> str:
    if ".tsv" in file.suffixes[-2:]:
        return "\t"
    if file == STDIN:
        # A pipe can be looked into, a stand-in for it perhaps not.
        first = sys.stdin.buffer.peek() if isinstance(sys.stdin.buffer, BufferedReader) else b""
    elif (suffix := file.suffix.lower()) == ".zip":
        with zipfile.ZipFile(file) as packed, packed.open(packed.namelist()[0]) as stream:
            first = stream.readline(MAX_HEADER)
    else:
        with _OPENERS.get(suffix, open)(file, "rb") as stream:
            first = stream.readline(MAX_HEADER)
    return separator_of(first.partition(b"\n")[0].decode(errors="replace"))


def _reason(error: Exception) -> str:
    import pandas as pd

    text = " ".join(str(error).split())
    found = _TOO_MANY.search(text)
    if found is None and not isinstance(error, pd.errors.ParserWarning):
        advice = f" {SAVE_AS_UTF_8}" if isinstance(error, UnicodeDecodeError) else ""
        return f"{text.rstrip('.')}.{advice}"
    where = f"line {found[2]} holds" if found else "its lines hold"
    return (
        f"{where} more values than the first line names columns. Leave no separator at the end of a line, "
        "and put a value that contains one in double quotes."
    )
