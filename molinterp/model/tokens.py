"""Convert molecules to integer tokens: SMILES or SELFIES symbols, combined by byte-pair merges.

A *symbol* is the smallest unit of a notation (an atom, a bond, a ring digit; a SELFIES bracket).
A *token* is a symbol or a merge of two tokens. Tokens 0, 1, 2 are padding, start and end.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
import selfies

from molinterp.errors import InputError, ShapeError, VocabularyError

PAD, START, END = 0, 1, 2
N_SPECIAL = 3
MIN_GROUP = 32
"""Smallest size of a group of strings (except the last), because small batches use a processor poorly."""
_BREAK = -1

IntArray = npt.NDArray[np.int32]


class Notation(ABC):
    """A way to write a molecule as a list of symbols."""

    name: ClassVar[str]

    @abstractmethod
    def split(self, smiles: str) -> list[str]:
        """Split a SMILES into symbols.

        Raises:
            VocabularyError: the molecule cannot be written in this notation.
        """

    @abstractmethod
    def join(self, symbols: Sequence[str]) -> str:
        """Join symbols to a SMILES, which may be empty or invalid."""


@final
@dataclass(frozen=True)
class SmilesNotation(Notation):
    """SMILES, split into atoms, bonds, branches and ring digits."""

    name: ClassVar[str] = "smiles"
    _pattern: ClassVar[re.Pattern[str]] = re.compile(
        r"\[[^\]]+\]|Br|Cl|%\d\d|[BCNOPSFIbcnops]|[0-9]|[=#$:/\\\-.()+*~]"
    )

    def split(self, smiles: str) -> list[str]:
        """Split a SMILES into symbols; see `Notation.split`."""
        symbols = self._pattern.findall(smiles)
        if len("".join(symbols)) != len(smiles):
            rest = tuple(filter(None, self._pattern.split(smiles)))
            raise VocabularyError(smiles, rest)
        return symbols

    def join(self, symbols: Sequence[str]) -> str:
        """Concatenate the symbols."""
        return "".join(symbols)


@final
@dataclass(frozen=True)
class SelfiesNotation(Notation):
    """SELFIES, in which every sequence of symbols is a molecule.

    Krenn et al., Self-referencing embedded strings (SELFIES), 2020, arXiv 1905.13741.
    """

    name: ClassVar[str] = "selfies"

    def split(self, smiles: str) -> list[str]:
        """Split a SMILES into symbols; see `Notation.split`."""
        try:
            return list(_selfies_symbols(smiles))
        except (selfies.EncoderError, LookupError) as error:  # LookupError for C11 and aromatic hydrogen
            reason = "SELFIES cannot represent it (an unusual bond, or an atom with too many bonds)"
            raise VocabularyError(smiles, (), reason) from error

    def join(self, symbols: Sequence[str]) -> str:
        """Convert the SELFIES to SMILES, which is not canonical."""
        return _smiles_of("".join(symbols))


@lru_cache(maxsize=4096)
def _selfies_symbols(smiles: str) -> tuple[str, ...]:
    # A search encodes the same molecule several times.
    return tuple(selfies.split_selfies(selfies.encoder(smiles)))


@lru_cache(maxsize=4096)
def _smiles_of(text: str) -> str:
    # Neighbouring points of a curve decode to the same string.
    try:
        return str(selfies.decoder(text))
    except selfies.DecoderError:
        return ""


def notation_named(name: str) -> Notation:
    """Return the notation called `name`.

    Raises:
        InputError: there is no such notation.
    """
    for notation in (SmilesNotation(), SelfiesNotation()):
        if notation.name == name:
            return notation
    raise InputError(f"`representation` must be 'smiles' or 'selfies'; got {name!r}.")


def _merge(tokens: IntArray, left: int, right: int, new: int) -> IntArray:
    """Replace each pair (left, right) in a flat array by `new`, from the left, without overlap."""
    hits = np.flatnonzero((tokens[:-1] == left) & (tokens[1:] == right))
    if hits.size == 0:
        return tokens
    if left == right:
        # In a run of equal tokens, only every second hit starts a pair.
        starts = np.flatnonzero(np.diff(hits, prepend=-2) != 1)
        run = np.repeat(starts, np.diff(np.append(starts, hits.size)))
        hits = hits[(np.arange(hits.size) - run) % 2 == 0]
    merged = tokens.copy()
    merged[hits] = new
    return np.delete(merged, hits + 1)


@final
@dataclass(frozen=True)
class Tokenizer:
    """Converts SMILES to integer tokens and back, in one notation with one vocabulary.

    Byte-pair merges follow Sennrich et al., Neural Machine Translation of Rare Words with Subword
    Units, 2016, arXiv 1508.07909.
    """

    notation: Notation
    """Splits a molecule into symbols."""
    symbols: tuple[str, ...]
    """The alphabet; symbol i is token 3 + i."""
    merges: tuple[tuple[int, int], ...] = ()
    """Pairs of tokens in the order of their merges; merge j is token 3 + n_symbols + j."""

    @cached_property
    def index(self) -> dict[str, int]:
        """Token of each symbol."""
        return {symbol: i + N_SPECIAL for i, symbol in enumerate(self.symbols)}

    @cached_property
    def _spelling(self) -> list[tuple[str, ...]]:
        out: list[tuple[str, ...]] = [()] * N_SPECIAL + [(s,) for s in self.symbols]
        for left, right in self.merges:
            out.append(out[left] + out[right])
        return out

    @property
    def n_tokens(self) -> int:
        """Size of the vocabulary, including special tokens."""
        return N_SPECIAL + len(self.symbols) + len(self.merges)

    def symbol_ids(self, smiles: str) -> list[int]:
        """Convert a SMILES to symbol tokens, before merges.

        Raises:
            VocabularyError: it has symbols that are not in the vocabulary; the message names them.
        """
        symbols = self.notation.split(smiles)
        index = self.index
        try:
            return [index[s] for s in symbols]
        except KeyError:
            unknown = tuple(dict.fromkeys(s for s in symbols if s not in index))
            raise VocabularyError(smiles, unknown) from None

    def merge(self, sequences: Sequence[Sequence[int]] | Sequence[IntArray]) -> list[IntArray]:
        """Apply all merges to many sequences of symbol tokens at once."""
        if not len(sequences):
            return []
        flat = _flatten(sequences)
        first = N_SPECIAL + len(self.symbols)
        present = set(pairwise(flat.tolist()))
        for j, pair in enumerate(self.merges):
            if pair in present:
                flat = _merge(flat, *pair, first + j)
                places = np.flatnonzero(flat == first + j)
                # Index -1 is the break at the end of the array, which takes part in no merge.
                present.update((left, first + j) for left in set(flat[places - 1].tolist()))
                present.update((first + j, right) for right in set(flat[places + 1].tolist()))
        return np.split(flat[flat != _BREAK], np.cumsum(_lengths(flat))[:-1])

    def encode(self, smiles: Sequence[str]) -> list[IntArray]:
        """Convert each SMILES to tokens, without start and end.

        Raises:
            VocabularyError: a molecule cannot be written in this vocabulary.
        """
        return self.merge([self.symbol_ids(s) for s in smiles])

    def decode(self, tokens: Iterable[int]) -> str:
        """Convert tokens up to the first end token to SMILES, which is not canonical and may be invalid."""
        symbols: list[str] = []
        for token in tokens:
            if token == END:
                break
            symbols.extend(self._spelling[token])
        return self.notation.join(symbols)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for `from_dict` that JSON can represent."""
        return {
            "representation": self.notation.name,
            "symbols": list(self.symbols),
            "merges": [list(pair) for pair in self.merges],
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Tokenizer:
        """Restore the tokenizer from `to_dict`."""
        merges = tuple((int(a), int(b)) for a, b in fields["merges"])
        return cls(notation_named(fields["representation"]), tuple(fields["symbols"]), merges)

    @classmethod
    def fit(
        cls,
        notation: Notation,
        corpus: Iterable[Sequence[str]],
        n_tokens: int,
        min_count: int = 5,
        n_merge: int = 100_000,
    ) -> Tokenizer:
        """Build the alphabet and learn merges.

        Args:
            notation: notation in which the molecules of `corpus` were split.
            corpus: lists of symbols, one per molecule.
            n_tokens: largest size of the vocabulary, including special tokens.
            min_count: symbols that occur in fewer molecules are left out of the alphabet.
            n_merge: number of molecules, from the start of `corpus`, from which merges are learnt.
        """
        corpus = list(corpus)
        counts: dict[str, int] = {}
        for symbols in corpus:
            for s in set(symbols):
                counts[s] = counts.get(s, 0) + 1
        kept = sorted((s for s, n in counts.items() if n >= min_count), key=lambda s: (-counts[s], s))
        index = {s: i + N_SPECIAL for i, s in enumerate(kept)}
        fitted = corpus[:n_merge]
        flat = _flatten([[index[s] for s in m] for m in fitted if all(s in index for s in m)])
        merges: list[tuple[int, int]] = []
        while N_SPECIAL + len(kept) + len(merges) < n_tokens:
            inside = (flat[:-1] != _BREAK) & (flat[1:] != _BREAK)
            keys = flat[:-1][inside].astype(np.int64) * n_tokens + flat[1:][inside]
            if keys.size == 0:
                break
            tally = np.bincount(keys, minlength=1)
            best = int(tally.argmax())
            if tally[best] < 2:
                break
            pair = divmod(best, n_tokens)
            merges.append(pair)
            flat = _merge(flat, *pair, N_SPECIAL + len(kept) + len(merges) - 1)
        return cls(notation, tuple(kept), tuple(merges))


def _flatten(sequences: Sequence[Sequence[int]] | Sequence[IntArray]) -> IntArray:
    """Concatenate all sequences in one array, with a break after each."""
    parts = [np.append(np.asarray(s, dtype=np.int32), np.int32(_BREAK)) for s in sequences]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def _lengths(flat: IntArray) -> npt.NDArray[np.int64]:
    ends = np.flatnonzero(flat == _BREAK)
    return np.diff(ends, prepend=-1) - 1


def pad(sequences: Sequence[IntArray], length: int | None = None) -> npt.NDArray[np.int64]:
    """Stack sequences in one array (n, length), padded at the end with PAD.

    `length` None means the length of the longest sequence.

    Raises:
        ShapeError: a sequence is longer than `length`.
    """
    longest = max((len(s) for s in sequences), default=0)
    if length is not None and length < longest:
        raise ShapeError(
            f"`length` must be at least {longest}, the longest sequence; got {length}. "
            "Cut the sequence or pad further."
        )
    out = np.full((len(sequences), length if length is not None else longest), PAD, np.int64)
    for row, s in zip(out, sequences, strict=True):
        row[: len(s)] = s
    return out


def groups_by_length(lengths: Sequence[int]) -> Iterator[npt.NDArray[np.int64]]:
    """Group the indices of strings by similar length, because padding costs as much as tokens.

    >>> [group.tolist() for group in groups_by_length([3, 1, 2])]
    [[1, 2, 0]]
    """
    order = np.argsort(lengths, kind="stable")
    first = 0
    for i in range(1, len(order) + 1):
        if i == len(order) or (i - first >= MIN_GROUP and lengths[order[i]] > lengths[order[first]] + 2):
            yield order[first:i]
            first = i
