"""A library of compounds that exist: a catalogue or an in-house set, searched by similarity.

Fingerprints are packed into 64-bit words. Compounds are sorted by their number of bits, so that those too
small or too large to be similar enough are never looked at (Swamidass and Baldi, J. Chem. Inf. Model. 2007).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.DataStructs import ExplicitBitVect

from molinterp.chem.identity import without_stereo
from molinterp.chem.similarity import N_BITS, Words, ecfp4, packed, tanimoto_rows
from molinterp.chem.standardise import FORM, standardise
from molinterp.errors import InputError, InvalidMoleculeError
from molinterp.io.download import cache_folder
from molinterp.io.escaping import slug
from molinterp.io.files import sha256, whole_file
from molinterp.io.molecule_files import Record, read_records

Progress = Callable[[Iterable[Any]], Iterable[Any]]
_SCHEMA = f"4.{FORM}"
_NO_INDEX = (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error)
"""What reading an index that is missing or damaged may raise."""


@final
@dataclass(frozen=True)
class Library:
    """Compounds with their packed fingerprints, in order of their number of bits."""

    smiles: tuple[str, ...]
    """Canonical SMILES in standard form, each once."""
    words: Words
    """ECFP4 of each compound, (n, 32)."""
    counts: npt.NDArray[np.int64]
    """Bits set in each fingerprint, (n,), ascending."""
    names: tuple[str, ...] = ()
    """What the file calls each compound, empty strings where nothing; none at all where it names none."""
    n_left_out: int = 0
    """Records of the file that are no molecules."""

    def __len__(self) -> int:
        """Number of compounds."""
        return len(self.smiles)

    @classmethod
    def of(cls, smiles: Iterable[str], names: Iterable[str] | None = None, n_left_out: int = 0) -> Library:
        """The library of compounds in standard form; of a compound that stands twice the first name stays.

        Args:
            smiles: canonical SMILES.
            names: a name for each, perhaps empty.
            n_left_out: records that were no molecules.

        Raises:
            ValueError: not a name for each.
        """
        pairs = ((s, "") for s in smiles) if names is None else zip(smiles, names, strict=True)
        name_of: dict[str, str] = {}
        for one, name in pairs:
            name_of[one] = name_of.get(one) or " ".join(name.split())
        unique = list(name_of)
        mols = (Chem.MolFromSmiles(s) for s in unique)
        words = np.array([packed(ecfp4(m)) for m in mols], np.uint64).reshape(len(unique), N_BITS // 64)
        counts = np.bitwise_count(words).sum(1, dtype=np.int64)
        order = np.argsort(counts, kind="stable")
        named = tuple(name_of[unique[i]] for i in order)
        return cls(
            tuple(unique[i] for i in order),
            words[order],
            counts[order],
            named if any(named) else (),
            n_left_out,
        )

    @classmethod
    def load(
        cls,
        source: Path,
        cache: Path | None = None,
        progress: Progress = lambda x: x,
        smiles_column: str | None = None,
    ) -> Library:
        """The compounds of a file; those that are no molecules are left out.

        Args:
            source: any file that `read_records` reads.
            cache: folder of indices; None means `molinterp` in the user's cache folder. The index is made
                anew when the file changes or the index is damaged, and at each call where that folder cannot
                be written.
            progress: wraps the compounds while an index is made, to show a bar.
            smiles_column: of a table; None means the column that is called so.

        Raises:
            InputError: the file cannot be read or holds no molecule.
        """
        folder = cache_folder() if cache is None else cache
        try:
            digest = sha256(source)
        except OSError as error:
            raise InputError(f"library '{source}' cannot be read: {error.strerror}.") from error
        column = "" if smiles_column is None else f"-{slug(smiles_column)}"
        index = folder / f"library-{_SCHEMA}-{digest[:32]}{column}.npz"
        with (
            suppress(*_NO_INDEX),
            index.open("rb") as stream,
            np.load(stream, allow_pickle=False) as arrays,
        ):
            smiles, names = (_lines(arrays[column]) for column in ("smiles", "names"))
            return cls(smiles, arrays["words"], arrays["counts"], names, int(arrays["n_left_out"]))
        records = [_standard(record) for record in progress(read_records(str(source), smiles_column))]
        found = [record for record in records if record is not None]
        library = cls.of((s for s, _ in found), (name for _, name in found), len(records) - len(found))
        if not library.smiles:
            raise InputError(f"library '{source}' holds no molecule. Give a file with a SMILES a line.")
        with suppress(OSError):
            library._save(index)
        return library

    def _save(self, index: Path) -> None:
        index.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {
            "smiles": _bytes(self.smiles),
            "names": _bytes(self.names),
            "words": self.words,
            "counts": self.counts,
            "n_left_out": np.array(self.n_left_out),
        }
        with whole_file(index) as temporary:
            np.savez(temporary, **arrays)

    def name_of(self, smiles: str) -> str:
        """What the file calls a compound of canonical `smiles`; empty where it does not say or have it."""
        try:
            return self.names[self.smiles.index(smiles)] if self.names else ""
        except ValueError:
            return ""

    def similarities(
        self, query: ExplicitBitVect, floor: float = 0.0
    ) -> tuple[slice, npt.NDArray[np.float32]]:
        """Tanimoto similarities of a query with the compounds that can reach `floor` by their size.

        Returns:
            A slice of the library, and the similarities of the compounds in it.
        """
        bits = packed(query)
        n = int(np.bitwise_count(bits).sum())
        largest = n / floor if floor else np.inf
        low, high = np.searchsorted(self.counts, floor * n), np.searchsorted(self.counts, largest, "right")
        part = slice(int(low), int(high))
        found = tanimoto_rows(bits, self.words[part], self.counts[part])
        return part, found.astype(np.float32)

    def between(self, near: Chem.Mol, towards: Chem.Mol, floor: float, n: int) -> list[str]:
        """The `n` compounds most similar to `towards` among those at least `floor` similar to `near`."""
        part, to_near = self.similarities(ecfp4(near), floor)
        found = np.flatnonzero(to_near >= floor)
        bits = packed(ecfp4(towards))
        to_goal = tanimoto_rows(bits, self.words[part][found], self.counts[part][found])
        best = np.argsort(-to_goal, kind="stable")[:n]
        return [self.smiles[part.start + int(i)] for i in found[best]]


def known_smiles(source: str, smiles_column: str | None = None) -> frozenset[str]:
    """Canonical SMILES without stereo of the compounds of a file, to tell what is new.

    Raises:
        InputError: the file cannot be read or holds no molecule.
    """
    found = (_standard(record) for record in read_records(source, smiles_column))
    known = frozenset(without_stereo(one[0]) for one in found if one is not None)
    if not known:
        raise InputError(f"reference {source!r} holds no molecule. Give a file with a SMILES a line.")
    return known


def _bytes(lines: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode(), np.uint8)


def _lines(stored: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    text = bytes(stored).decode()
    return tuple(text.split("\n")) if text else ()


def _standard(record: Record) -> tuple[str, str] | None:
    """Canonical SMILES in standard form and name of a record; None where it is no molecule."""
    try:
        return standardise(record.cxsmiles).smiles, record.name
    except InvalidMoleculeError:
        return None
