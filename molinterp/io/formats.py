"""Formats of input files, one table for all readers: by suffix, in any case, plain or packed."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO, cast, final

from molinterp.errors import InputError

STDIN = Path("-")
"""Stands for standard input."""


@final
class Kind(Enum):
    """What a file holds."""

    LINES = auto()
    """A SMILES, and maybe a name, a line."""
    TABLE = auto()
    """Rows of cells, named by the first."""
    TEXT = auto()
    """Either of the two, told by the first line."""
    BLOCKS = auto()
    """Mol blocks, with fields or without."""
    CDXML = auto()
    """A drawing of ChemDraw in XML."""
    PARQUET = auto()
    """Columns, in binary."""
    WORKBOOK = auto()
    """A spreadsheet, of which the first sheet is read."""


KINDS: Mapping[str, Kind] = {
    **dict.fromkeys((".smi", ".smiles", ".ism", ".can", ".cxsmiles", ".inchi"), Kind.LINES),
    ".txt": Kind.TEXT,
    **dict.fromkeys((".csv", ".tsv"), Kind.TABLE),
    **dict.fromkeys((".sdf", ".sd", ".mol", ".mdl"), Kind.BLOCKS),
    ".cdxml": Kind.CDXML,
    ".parquet": Kind.PARQUET,
    ".xlsx": Kind.WORKBOOK,
}
"""Suffix to what a file of it holds."""
PACKINGS = (".gz", ".bz2", ".xz", ".zip")
"""Suffixes behind that of a text format."""
TABLES = {
    suffix: kind
    for suffix, kind in KINDS.items()
    if kind in (Kind.TABLE, Kind.TEXT, Kind.PARQUET, Kind.WORKBOOK)
}
"""Those of tables."""
DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What reading a packed file that is damaged raises, beside OSError."""
ADVICE = {
    ".cdx": "Save it from ChemDraw as .cdxml, .mol or SMILES.",
    ".mol2": "Convert it to .sdf or SMILES.",
    ".pdb": "Convert the ligand to .sdf or SMILES.",
    ".rxn": "It holds a reaction: give one of its compounds as .mol.",
    ".xls": "Save it as .xlsx or .csv.",
    ".ods": "Save it as .xlsx or .csv.",
}
"""What to do with files that are not read."""
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_OPENERS: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def suffix_of(file: Path) -> str:
    """Suffix that tells the format, in lower case, without that of a packing.

    >>> suffix_of(Path("A.SMI.GZ"))
    '.smi'
    """
    suffixes = [suffix.lower() for suffix in file.suffixes]
    return next(reversed(suffixes[:-1] if suffixes[-1:] and suffixes[-1] in PACKINGS else suffixes), "")


def packing_of(file: Path) -> str:
    """Suffix of the packing of a file, in lower case; empty where it is plain."""
    return suffix if (suffix := file.suffix.lower()) in PACKINGS else ""


def kind_of(file: Path, suffixes: Mapping[str, Kind] = KINDS) -> Kind:
    """What a file holds, by its suffix; without one, as a pipe and standard input, it holds text.

    Raises:
        InputError: the file is missing, or its suffix is none of `suffixes`.
    """
    if file == STDIN:
        return Kind.TEXT
    if not file.exists() or file.is_dir():
        raise InputError(f"file '{file}' does not exist or is not a file. Check the path.")
    suffix, packing = suffix_of(file), packing_of(file)
    kind = suffixes.get(suffix)
    if kind in (Kind.PARQUET, Kind.WORKBOOK, Kind.CDXML) and packing:
        kind = None
    if kind is None and not (suffix or packing):
        return Kind.TEXT
    if kind is None:
        advice = ADVICE.get(suffix, f"Text may be packed ({', '.join(PACKINGS)}).")
        raise InputError(f"file '{file}' must end in one of {', '.join(suffixes)}. {advice}")
    return kind


@contextmanager
def open_text(file: Path, errors: str = "strict", newline: str | None = None) -> Iterator[TextIO]:
    """Text of a file, unpacked: UTF-8 with or without a byte-order mark, or UTF-16 with one.

    Args:
        file: the file; `STDIN` reads standard input, which stays open.
        errors: what to do with bytes that are no text: "strict" or "replace".
        newline: "" leaves the ends of lines as they are, as a reader of tables wants it.
    """
    if file == STDIN:
        with _standard_input() as lines:
            yield lines
        return
    with _open_bytes(file) as stream:
        buffered = io.BufferedReader(cast(Any, stream)) if not hasattr(stream, "peek") else stream
        head = cast(Any, buffered).peek(4)[:4]
        encoding = next((name for mark, name in _BOMS if head.startswith(mark)), "utf-8")
        with io.TextIOWrapper(cast(Any, buffered), encoding=encoding, errors=errors, newline=newline) as text:
            yield text


@contextmanager
def _standard_input() -> Iterator[TextIO]:
    """Its text, read as UTF-8: some locales would let other bytes through as lone surrogates."""
    if not isinstance(sys.stdin, io.TextIOWrapper):
        yield sys.stdin
        return
    head = cast(Any, sys.stdin.buffer).peek(4)[:4] if hasattr(sys.stdin.buffer, "peek") else b""
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), "utf-8-sig")
    stream = io.TextIOWrapper(sys.stdin.buffer, encoding=encoding)
    try:
        yield stream
    finally:
        stream.detach()


@contextmanager
def _open_bytes(file: Path) -> Iterator[IO[bytes]]:
    packing = packing_of(file)
    if packing == ".zip":
        with zipfile.ZipFile(file) as packed:
            names = [name for name in packed.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise InputError(f"file '{file}' must hold one file; got {len(names)}. Unpack it.")
            with packed.open(names[0]) as stream:
                yield stream
        return
    with cast(BinaryIO, _OPENERS.get(packing, open)(file, "rb")) as stream:
        yield stream
