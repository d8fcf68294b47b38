"""Molecules from files, standard input or the command line: one reader for all formats.

Lines of a SMILES file are read here and not by RDKit, whose supplier takes the first line for a
header and whose parser drops what follows a blank in silence.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import final

from molinterp.chem.cxsmiles import read_extension, split_cxsmiles
from molinterp.errors import InputError
from molinterp.io.escaping import SAVE_AS_UTF_8
from molinterp.io.formats import DAMAGED, KINDS, STDIN, Kind, kind_of, open_text
from molinterp.io.mol_blocks import Drawing, read_block, read_cdxml, split_blocks
from molinterp.io.tables import Rows, open_rows, rows_of

HEADER_NAMES = frozenset(
    ("smiles", "canonical_smiles", "isomeric_smiles", "smi", "structure", "molecule", "mol", "compound")
)
SMILES_COLUMNS = ("smiles", "isomericsmiles", "isosmiles", "canonicalsmiles", "smi", "structure", "mol")
"""Columns of a table that may hold SMILES, blanks and signs in their names aside, the most trusted first;
the canonical one may lack stereo."""
NAME_COLUMNS = (
    *("name", "title", "id", "compound", "compoundname", "moleculename", "prefname", "preferredname"),
    *("cmpdname", "drugname", "genericname", "drugid", "chemblid", "moleculechemblid", "compoundid"),
    *("moleculeid", "cid", "pubchemcompoundcid", "zincid", "catalogid", "idnumber", "key", "iupacname"),
)
"""Columns and fields that may hold a name, the most trusted first, spelt likewise."""
SUFFIXES = tuple(KINDS)
"""Suffixes of files that hold molecules."""
_TOO_MANY = "more than the first line names columns (is a comma in a cell without quotes?)"
_SNIFFED = 4
"""Lines by which a text without a suffix is told."""


@final
@dataclass(frozen=True)
class Record:
    """One molecule as it stands in an input, not yet checked."""

    smiles: str
    """Text of the SMILES or InChI; empty where the input could not be read, see `fault`."""
    name: str
    """Name beside it; may be empty."""
    where: str
    """Where it stands, for messages: `line 3 of 'a.smi'`."""
    fault: str = ""
    """Why there is no SMILES, where there is none."""
    extension: str = ""
    """What stands between bars behind the SMILES: `&1:1`."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Other cells of its row, or data of its record, by name; a second one of a name is called `NAME (2)`."""

    @property
    def stereo(self) -> str:
        """Labels of enhanced stereo beside the SMILES, which is that of one stereoisomer: `&1:1`."""
        return read_extension(self.extension).stereo if self.extension else ""

    @property
    def cxsmiles(self) -> str:
        """The SMILES with what stands behind it."""
        return f"{self.smiles} |{self.extension}|" if self.extension else self.smiles


def read_records(source: str, smiles_column: str | None = None) -> Generator[Record, None, None]:
    """Molecules of a file, in order; the format is told by the suffix, on standard input by the first lines.

    Args:
        source: a file of any format of `molinterp.io.formats`, or `-` for standard input.
        smiles_column: of a table; None means the column that is called so.

    Raises:
        InputError: the file is missing, of an unknown format, not text, or has no SMILES column.
        MissingDependencyError: the format needs a package that is not installed.
    """
    file = Path(source)
    shown = "standard input" if file == STDIN else f"file {source!r}"
    try:
        yield from _records(file, shown if file == STDIN else repr(source), smiles_column)
    except UnicodeDecodeError as error:
        raise InputError(f"{shown} cannot be read as text: {error}. {SAVE_AS_UTF_8}") from error
    except (*DAMAGED, csv.Error) as error:
        raise InputError(f"{shown} cannot be read as text: {error}.") from error
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror or error}.") from error
    except InputError as error:
        if str(error).startswith(("line ", "its lines ")):
            raise InputError(f"{shown} cannot be read as a table: {error}") from error
        raise


def _records(file: Path, label: str, column: str | None) -> Iterator[Record]:
    kind = kind_of(file)
    if kind in (Kind.PARQUET, Kind.WORKBOOK, Kind.TABLE):
        with open_rows(file) as table:
            yield from _table_records(table, label, column)
        return
    # A stray byte in a field of an SD file costs that field, not the file.
    with open_text(file, "replace" if kind in (Kind.BLOCKS, Kind.CDXML) else "strict") as stream:
        if kind is Kind.CDXML:
            yield from _drawings(read_cdxml(stream.read()), label)
            return
        lines: Iterator[str] = iter(stream)
        if kind is Kind.TEXT:
            head = list(islice(lines, _SNIFFED))
            kind, lines = _told_by(head), chain(head, lines)
        if kind is Kind.BLOCKS:
            yield from _drawings(map(read_block, split_blocks(lines)), label)
        elif kind is Kind.TABLE:
            yield from _table_records(rows_of(lines, None), label, column)
        else:
            yield from _smiles_lines(lines, label)


def _told_by(head: list[str]) -> Kind:
    """What the first lines of a text show it to be."""
    if any(re.search(r"V[23]000\s*$", line) for line in head):
        return Kind.BLOCKS
    first = "".join(head[:1]).removeprefix("\ufeff")
    if re.match(r'"?sep=', first):
        return Kind.TABLE
    names = next(csv.reader([first.strip()], delimiter=max(",;\t", key=first.count)), [])
    return Kind.TABLE if len(names) > 1 and smiles_column(names) is not None else Kind.LINES


def _smiles_lines(stream: Iterable[str], label: str) -> Iterator[Record]:
    is_first = True
    for number, line in enumerate(stream, 1):
        line = line.removeprefix("\ufeff")  # standard input keeps the byte-order mark
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        smiles, extension, name = split_cxsmiles(line)
        if is_first and smiles.strip('"').split(",")[0].lower() in HEADER_NAMES:
            is_first = False
            continue
        is_first = False
        yield Record(smiles, name, f"line {number} of {label}", extension=extension)


def _by_plain_name(names: Iterable[str]) -> dict[str, str]:
    """Columns by their names in lower case without blanks, hyphens and underscores."""
    return {re.sub(r"[\s_-]", "", name).lower(): name for name in names if name}


def smiles_column(names: Iterable[str]) -> str | None:
    """Which column of a table holds SMILES, else InChI, by its name in any spelling; None where none does.

    >>> smiles_column(["ID", "Canonical SMILES", "Isomeric_SMILES", "pIC50"])
    'Isomeric_SMILES'
    """
    columns = _by_plain_name(names)
    sure = next((columns[c] for c in SMILES_COLUMNS if c in columns and "smi" in c), None)
    sure = sure or next((columns[c] for c in columns if "smiles" in c), None)
    sure = sure or next((columns[c] for c in columns if c.endswith("inchi")), None)
    return sure or next((columns[c] for c in (*SMILES_COLUMNS, "drug") if c in columns), None)


def column_named(names: Iterable[str], wanted: str) -> str:
    """The column of a table called so, or so but for case, blanks and signs.

    Raises:
        InputError: there is none, or more than one.
    """
    names = list(names)
    plain = next(iter(_by_plain_name([wanted])), "")
    same = [n for n in names if n == wanted] or [n for n in names if plain in _by_plain_name([n])]
    if len(same) != 1 or f"{same[0]} (2)" in names:
        found = ", ".join(names[:12]) or "none"
        many = "one column" if same else "a column"
        raise InputError(f"a table must have {many} {wanted!r}; found {found}.")
    return same[0]


def _smiles_place(table: Rows, label: str, wanted: str | None) -> int:
    """Place of the column that holds the molecules.

    Raises:
        InputError: there is none, or it is there twice.
    """
    name = smiles_column(table.names) if wanted is None else column_named(table.names, wanted)
    if name is None:
        found = ", ".join(c.strip().lower() for c in table.names if c) or "nothing"
        key = any("inchikey" in plain for plain in _by_plain_name(table.names))
        hint = " An InChIKey is a hash, from which no structure can be read." if key else ""
        raise InputError(f"{label} must have a column 'smiles' in its first row; found {found}.{hint}")
    if table.names.count(name) > 1:
        raise InputError(
            f"{label} must have one column {name!r}; found {table.names.count(name)}. Rename one."
        )
    return table.names.index(name)


def _table_records(table: Rows, label: str, wanted: str | None) -> Iterator[Record]:
    place = _smiles_place(table, label, wanted)
    unique = _unique(table.names)
    own = unique[place]
    names = _by_plain_name(n for n in unique if n != own)
    name = next((names[c] for c in NAME_COLUMNS if c in names), None)
    for number, row in enumerate(table.rows, 2):
        if len(row) > len(table.names):
            yield Record("", "", f"row {number} of {label}", fault=f"it holds {len(row)} values, {_TOO_MANY}")
            continue
        fields = dict(zip(unique, row, strict=True))
        smiles, extension, rest = split_cxsmiles(fields.pop(own))
        if rest:  # in a cell a second word is no name: the gate refuses it
            smiles, extension = row[place].strip(), ""
        title = fields.get(name, "").strip() if name else ""
        yield Record(smiles, title, f"row {number} of {label}", extension=extension, fields=fields)


def _unique(names: Sequence[str]) -> list[str]:
    """Names of columns, a second one of a name told from the first."""
    return [
        f"{name} ({n})" if (n := names[: i + 1].count(name)) > 1 else name for i, name in enumerate(names)
    ]


def _drawings(drawings: Iterable[Drawing], label: str) -> Iterator[Record]:
    for number, drawing in enumerate(drawings, 1):
        fields = _by_plain_name(drawing.fields)
        name = drawing.title or next((drawing.fields[fields[c]] for c in NAME_COLUMNS if c in fields), "")
        yield Record(
            drawing.smiles,
            name,
            f"record {number} of {label}",
            drawing.fault,
            drawing.extension,
            drawing.fields,
        )
