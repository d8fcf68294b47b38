"""Text of a user's inside a file that another program reads: table cells, SDF fields, file names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMULA_SIGNS = frozenset("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
"""First characters that make a spreadsheet take a cell for a formula; the last four are full-width."""
SAVE_AS_UTF_8 = "Save it as UTF-8, from Excel as 'CSV UTF-8'."
"""What to do with a file whose bytes are text of another encoding."""
MAX_SLUG = 60
"""Longest slug, in characters."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def neutralise(text: str) -> str:
    """A cell that no spreadsheet runs: one that would begin a formula gets an apostrophe before it.

    >>> neutralise("=1+1"), neutralise("CCO")
    ("'=1+1", 'CCO')
    """
    first = text.lstrip(" \n\v\f\u00a0\ufeff")[:1]
    return f"'{text}" if first in FORMULA_SIGNS and first else text


def neutralised(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table with the cells of its text columns, and its headings, neutralised.

    Numbers stay numbers: a negative one in a numeric column is no formula.
    """
    import pandas as pd

    out = frame.copy()
    for column in out.columns:
        if not pd.api.types.is_numeric_dtype(out[column].dtype):
            out[column] = out[column].map(lambda cell: neutralise(cell) if isinstance(cell, str) else cell)
    return out.rename(columns=lambda name: neutralise(name) if isinstance(name, str) else name)


def csv_line(cells: Iterable[object], separator: str = ",") -> str:
    r"""A line of a .csv without its end; a cell with a break of any kind, a quote or a separator is quoted.

    Python's own writer leaves a bare carriage return unquoted before 3.13, and readers begin a row there.

    >>> csv_line(["a, b", 1.5, None])
    '"a, b",1.5,'
    """
    signs = (separator, '"', "\r", "\n")
    texts = ["" if cell is None else str(cell) for cell in cells]
    if texts == [""]:
        return '""'  # else the line would be empty, and pass for none
    quoted = ('"' + text.replace('"', '""') + '"' for text in texts)
    plain = (not any(sign in text for sign in signs) for text in texts)
    return separator.join(
        text if is_plain else cell for text, cell, is_plain in zip(texts, quoted, plain, strict=True)
    )


def is_missing(value: object) -> bool:
    """Whether a value of a table is one that stands for none, as pandas has several."""
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def one_line(text: str) -> str:
    r"""A text on one line, without control characters; any run of blanks becomes one.

    >>> one_line("a\n$$$$\u2028 b")
    'a $$$$ b'
    """
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") else c for c in text)
    return " ".join(plain.split())


def sdf_line(text: str) -> str:
    r"""A name or a value of an SDF record, on one line that ends no record and begins no field.

    >>> sdf_line("a\n$$$$\nb"), sdf_line(">  <key>")
    ('a b', '<key>')
    """
    line = one_line(one_line(text).replace("$$$$", ""))
    return line.lstrip("> ") if line.startswith(">") else line


def sdf_key(text: str) -> str:
    """A name of an SDF field: without angle brackets and line breaks, `field` where nothing is left."""
    return one_line(re.sub(r"[<>]", " ", sdf_line(text))) or "field"


def slug(text: str) -> str:
    r"""A file name, without suffix, of a name: ASCII letters, digits and single hyphens.

    >>> slug("../Ibuprofen (S)"), slug("CON"), slug("\u2603")
    ('ibuprofen-s', 'con-', 'unnamed')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:MAX_SLUG].strip("-")
    return f"{name}-" if _RESERVED.fullmatch(name) else name or "unnamed"


def separator_of(header: str) -> str:
    """What parts the names in the first line of a .csv: the sign that stands there most, outside quotes.

    >>> separator_of("ID;Smiles;IC50, nM")
    ';'
    """
    plain = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=plain.count)
