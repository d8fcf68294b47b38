"""Sets of molecules for training: read with their splits; public ones fetched and made into a table."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, final

from rdkit import rdBase

from molinterp.chem.identity import hashed_split
from molinterp.chem.standardise import standardise
from molinterp.data import sources
from molinterp.errors import DownloadError, InputError, InvalidMoleculeError
from molinterp.io.download import Fetched, Progress, cache_folder, fetch
from molinterp.io.files import whole_file
from molinterp.io.molecule_files import read_records
from molinterp.training.data.settings import SPLITS


@final
@dataclass(frozen=True)
class Table:
    """What a fetched file was made into."""

    path: Path
    """A .csv.gz with the columns `smiles` and `split`; see `hashed_split`."""
    n_molecules: int
    """Rows."""
    n_repeated: int
    """Molecules that stood in the file before."""
    n_refused: int
    """Rows of the file that hold no molecule which can be used."""


def read_molecules(path: Path) -> tuple[list[str], list[str] | None]:
    """SMILES of a file, empty where a row has none, and the split of each; None where none is named.

    Args:
        path: any file of molecules; a column, or a field of an SD file, may be called `split`, in any case.

    Raises:
        InputError: the file cannot be read, has no such column, no molecule or a split of another name.
    """
    records = list(read_records(str(path)))
    smiles = [record.cxsmiles for record in records]
    named = next((c for r in records[:1] for c in r.fields if c.strip().lower() == "split"), None)
    split = None
    if named is not None:
        split = [record.fields.get(named, "").strip() or "an empty cell" for record in records]
    if not smiles:
        raise InputError(f"'{path}' must hold molecules; got none.")
    if unknown := sorted(set(split or ()) - set(SPLITS)):
        raise InputError(f"column 'split' must hold train, valid or test; got {', '.join(unknown[:3])}.")
    return smiles, split


def source_named(name: str) -> dict[str, Any]:
    """The source called `name`.

    Raises:
        InputError: there is none, or it is no single file.
    """
    found = {source["name"]: source for source in sources()}
    if name not in found:
        raise InputError(f"there is no data source {name!r}; there are: {', '.join(found)}.")
    if found[name]["file"] is None:
        raise InputError(
            f"data source {name!r} is no single file that could be fetched; "
            f"its page is {found[name]['address']}."
        )
    return found[name]


def fetch_source(name: str, progress: Progress = lambda done, total: None) -> Fetched:
    """The file of a source, as its publisher has it, in the user's cache.

    Raises:
        InputError: there is no such source.
        DownloadError: it cannot be fetched; see `molinterp.io.download.fetch`.
    """
    file = source_named(name)["file"]
    suffix = file["address"].rpartition("/")[2]
    return fetch(
        file["address"],
        cache_folder("data"),
        f"{name}-{suffix}",
        file["sha256"],
        file["max_bytes"],
        progress,
    )


def to_table(
    raw: Path,
    layout: dict[str, Any],
    target: Path,
    limit: int | None = None,
    progress: Callable[[Iterable[str]], Iterable[str]] = lambda rows: rows,
) -> Table:
    """Write the molecules of a fetched file in standard form, each once, in the order of the file.

    Args:
        raw: the file, plain or .gz.
        layout: `separator` of its cells, and `column`, a name in its header or, without one, a place.
        target: .csv.gz to write; the same bytes for the same file.
        limit: rows of the file to read; None means all.
        progress: wraps the rows, to show a bar.

    Raises:
        DownloadError: the file has no such column, no molecule, or is damaged.
    """
    seen: set[str] = set()
    n_repeated = n_refused = 0
    try:
        with rdBase.BlockLogs(), whole_file(target) as temporary, _gzip_writer(temporary) as out:
            out.write("smiles,split\n")
            for text in progress(islice(_column(raw, layout), limit)):
                try:
                    smiles = standardise(text).smiles
                except InvalidMoleculeError:
                    n_refused += 1
                    continue
                if smiles in seen:
                    n_repeated += 1
                    continue
                seen.add(smiles)
                out.write(f"{smiles},{hashed_split(smiles)}\n")
            if not seen:
                raise DownloadError(f"'{raw}' holds no molecule in its column {layout['column']!r}.")
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError, csv.Error) as error:
        raise DownloadError(f"'{raw}' is damaged: {error}. Delete it and fetch it again.") from error
    return Table(target, len(seen), n_repeated, n_refused)


def _column(raw: Path, layout: dict[str, Any]) -> Iterator[str]:
    opened: Callable[..., IO[str]] = gzip.open if raw.suffix == ".gz" else open
    column = layout["column"]
    with opened(raw, "rt", encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream, delimiter=layout["separator"])
        place = column
        if isinstance(column, str):
            header = next(rows, [])
            if column not in header:
                raise DownloadError(
                    f"'{raw}' must have a column {column!r}; found {', '.join(header)[:200]}."
                )
            place = header.index(column)
        # Cells of one of the sources end in a line break.
        yield from (row[place].strip() for row in rows if len(row) > place)


@contextmanager
def _gzip_writer(path: Path) -> Iterator[IO[str]]:
    """Text into a .gz that bears no time and no name, so that the same text gives the same bytes."""
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        with io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text:
            yield text
