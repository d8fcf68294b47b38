"""Molecules from files, standard input or the command line.

Lines of a SMILES file are read here and not by RDKit, whose supplier takes the first line for a
header and whose parser drops what follows a blank in silence.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO, cast, final

from rdkit import Chem, rdBase

from molinterp.chem.cxsmiles import split_cxsmiles
from molinterp.chem.parsing import check_size
from molinterp.errors import InputError, InvalidMoleculeError
from molinterp.io.escaping import SAVE_AS_UTF_8, separator_of

HEADER_NAMES = frozenset(
    ("smiles", "canonical_smiles", "isomeric_smiles", "smi", "structure", "molecule", "mol", "compound")
)
SMILES_COLUMNS = ("smiles", "isomericsmiles", "isosmiles", "canonicalsmiles", "smi", "structure", "mol")
"""Columns of a table that may hold SMILES, blanks and signs in their names aside, the most trusted first;
the canonical one may lack stereo."""
NAME_COLUMNS = ("name", "title", "id", "compound", "compoundname", "moleculename")
SUFFIXES = (".smi", ".smi.gz", ".smiles", ".txt", ".csv", ".csv.gz", ".tsv", ".sdf", ".sdf.gz", ".mol")


@final
@dataclass(frozen=True)
class Record:
    """One molecule as it stands in an input, not yet checked."""

    smiles: str
    """Text of the SMILES; empty where the input could not be read, see `fault`."""
    name: str
    """Name beside it; may be empty."""
    where: str
    """Where it stands, for messages: `line 3 of 'a.smi'`."""
    fault: str = ""
    """Why there is no SMILES, where there is none."""
    stereo: str = ""
    """Labels of enhanced stereo beside the SMILES, which is that of one stereoisomer: `&1:1`."""

    @property
    def cxsmiles(self) -> str:
        """The SMILES with the labels beside it."""
        return f"{self.smiles} |{self.stereo}|" if self.stereo else self.smiles


def read_records(source: str) -> Generator[Record, None, None]:
    """Molecules of a file, in order; the format is told by the suffix, `-` reads SMILES from stdin.

    Raises:
        InputError: the file is missing, of an unknown format, not text, or has no SMILES column.
    """
    shown = "standard input" if source == "-" else f"file {source!r}"
    try:
        yield from _records(source)
    except UnicodeDecodeError as error:
        raise InputError(f"{shown} cannot be read as text: {error}. {SAVE_AS_UTF_8}") from error
    except (gzip.BadGzipFile, EOFError, zlib.error, csv.Error) as error:
        raise InputError(f"{shown} cannot be read as text: {error}.") from error
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror or error}.") from error


def _records(source: str) -> Iterator[Record]:
    if source == "-":
        with _standard_input() as lines:
            yield from _smiles_lines(lines, "standard input")
        return
    path = Path(source)
    if not path.is_file():
        raise InputError(f"file {source!r} does not exist or is not a file. Check the path.")
    suffix = "".join(path.suffixes[-2 if _is_gzip(path) else -1 :]).lower()
    if suffix not in SUFFIXES:
        raise InputError(f"file {source!r} must end in one of {', '.join(SUFFIXES)}.")
    is_mol_block = suffix.startswith((".sdf", ".mol"))
    # A stray byte in a field of an SD file costs that field, not the file.
    with _open(path, "replace" if is_mol_block else "strict") as stream:
        if is_mol_block:
            yield from _mol_blocks(stream, source)
        elif suffix.startswith((".csv", ".tsv")):
            yield from _table_rows(stream, source, "\t" if suffix == ".tsv" else None)
        else:
            yield from _smiles_lines(stream, repr(source))


@contextmanager
def _standard_input() -> Iterator[Iterable[str]]:
    """Its lines, read as UTF-8: some locales would let other bytes through as lone surrogates."""
    if not isinstance(sys.stdin, io.TextIOWrapper):
        yield sys.stdin
        return
    stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig")
    try:
        yield stream
    finally:
        stream.detach()


def _is_gzip(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _open(path: Path, errors: str) -> TextIO:
    if _is_gzip(path):
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", errors=errors))
    return path.open(encoding="utf-8-sig", errors=errors)


def split_line(line: str) -> tuple[str, str]:
    """SMILES and name of a line; a CXSMILES part between bars is left out.

    >>> split_line("C[C@H](N)O |&1:1| a name")
    ('C[C@H](N)O', 'a name')
    """
    smiles, _, name = split_cxsmiles(line)
    return smiles, name


def cell_smiles(cell: str) -> str:
    """SMILES of a cell; a CXSMILES part is left out, any other blank is the gate's to refuse.

    >>> cell_smiles("C[C@H](N)O |&1:1|")
    'C[C@H](N)O'
    """
    bare, rest = split_line(cell)
    return cell.strip() if rest else bare


def _smiles_lines(stream: Iterable[str], label: str) -> Iterator[Record]:
    is_first = True
    for number, line in enumerate(stream, 1):
        line = line.removeprefix("\ufeff")  # standard input keeps the byte-order mark
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        smiles, labels, name = split_cxsmiles(line)
        if is_first and smiles.strip('"').split(",")[0].lower() in HEADER_NAMES:
            is_first = False
            continue
        is_first = False
        yield Record(smiles, name, f"line {number} of {label}", stereo=labels)


def _by_plain_name(names: Iterable[str]) -> dict[str, str]:
    """Columns by their names in lower case without blanks, hyphens and underscores."""
    return {re.sub(r"[\s_-]", "", name).lower(): name for name in names if name}


def smiles_column(names: Iterable[str]) -> str | None:
    """Which column of a table holds SMILES, by its name in any spelling; None where none does.

    >>> smiles_column(["ID", "Canonical SMILES", "Isomeric_SMILES", "pIC50"])
    'Isomeric_SMILES'
    """
    columns = _by_plain_name(names)
    found = next((columns[c] for c in SMILES_COLUMNS if c in columns), None)
    return found or next((columns[c] for c in columns if "smiles" in c), None)


def inchi_hint(names: Iterable[str]) -> str:
    """A sentence on what is needed in place of a column of InChI; empty where there is none.

    >>> inchi_hint(["name", "Standard InChI Key"])
    ' InChI and InChIKey are not read: SMILES are needed.'
    """
    is_there = any(column.endswith(("inchi", "inchikey")) for column in _by_plain_name(names))
    return " InChI and InChIKey are not read: SMILES are needed." if is_there else ""


def _table_rows(stream: Iterable[str], source: str, separator: str | None) -> Iterator[Record]:
    lines = iter(stream)
    first = next(lines, "")
    rows = csv.DictReader(chain([first], lines), delimiter=separator or separator_of(first))
    columns = _by_plain_name(rows.fieldnames or ())
    smiles = smiles_column(columns.values())
    if smiles is None:
        found = ", ".join(c.strip().lower() for c in columns.values()) or "nothing"
        raise InputError(
            f"{source!r} must have a column 'smiles' in its first row; found {found}.{inchi_hint(columns)}"
        )
    is_plain = "smi" in smiles.lower() or not inchi_hint(columns)
    doubt = "" if is_plain else f", whose column {smiles!r} is read as SMILES; InChI is not read"
    name = next((columns[c] for c in NAME_COLUMNS if c in columns and columns[c] != smiles), None)
    for number, row in enumerate(rows, 2):
        cell = row[smiles] or ""
        yield Record(
            cell_smiles(cell),
            (row[name] or "").strip() if name else "",
            f"row {number} of {source!r}{doubt}",
            stereo=split_cxsmiles(cell)[1],
        )


def _mol_blocks(stream: Iterable[str], source: str) -> Iterator[Record]:
    for number, block in enumerate(_split_blocks(stream), 1):
        name = block.partition("\n")[0].strip()
        where = f"record {number} of {source!r}"
        try:
            smiles, labels = _smiles_of_block(block)
        except InvalidMoleculeError as error:
            yield Record("", name, where, error.reason)
        else:
            yield Record(smiles, name, where, stereo=labels)


def _split_blocks(stream: Iterable[str]) -> Iterator[str]:
    lines: list[str] = []
    for line in stream:
        if not line.startswith("$$$$"):
            lines.append(line)
            continue
        yield "".join(lines)
        lines = []
    if any(line.strip() for line in lines):
        yield "".join(lines)


def _smiles_of_block(block: str) -> tuple[str, str]:
    """SMILES of a record, and its labels of enhanced stereo."""
    with rdBase.BlockLogs():
        raw = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
        if raw is not None:
            # RDKit may crash while it canonicalises a molecule that is too large.
            check_size(raw, "")
        mol = raw and Chem.MolFromMolBlock(block)
    if mol is None:
        raise InvalidMoleculeError("", "RDKit cannot read this record")
    labels = split_cxsmiles(Chem.MolToCXSmiles(mol))[1] if mol.GetStereoGroups() else ""
    return Chem.MolToSmiles(mol), labels
