"""New compounds from pieces of a training set, so that a model learns how pieces go together.

A model that sees the same compounds again and again learns them by heart and spells new ones worse. Two
training compounds, each cut at a bond, give two others; what is made of familiar atom environments is
learnt beside the rest. Work is cut into chunks; each finished chunk is a file, so an interrupted
preparation goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from molinterp.errors import VocabularyError
from molinterp.io.files import sha256_of, whole_file
from molinterp.model.tokens import Tokenizer
from molinterp.training.data.corpus import CHUNK, Corpus, Progress, is_plain
from molinterp.training.data.datasets import SPLITS

if TYPE_CHECKING:
    from rdkit import Chem

SIZES = range(10, 49)
"""Heavy atoms of a new compound."""
N_CUTS = 2
"""Times that two compounds are cut and crossed."""
SLOW = ("qed", "sa_score")
"""Properties that are not computed: they would take as long as all else together."""
PATIENCE = 200
"""Pairs of compounds tried for each new one at most."""


def with_recombined(
    corpus: Corpus,
    n: int,
    cache: Path,
    n_processes: int = 1,
    seed: int = 0,
    progress: Progress = lambda items, total: items,
) -> Corpus:
    """The corpus with `n` more compounds in its training split, made of two pieces of those there.

    None of them is one that is held out, whatever its stereo. Crossover: Jensen, A Graph-Based Genetic
    Algorithm, Chem. Sci. 2019. Of a new compound fingerprint and properties are known, but the SLOW ones;
    the odds of all are left to `with_odds`.

    Args:
        corpus: the molecules.
        n: compounds wanted; fewer come where the molecules have too few pieces.
        cache: folder for the chunks.
        n_processes: worker processes.
        seed: of the choice of compounds and bonds.
        progress: wraps an iterable of a known total, to show a bar.
    """
    if n < 1:
        return corpus
    folder = cache / f"recombined-{_digest(corpus)}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder / f"{k:05d}.npz", f"{seed} {k}") for k in range(-(-n // CHUNK))]
    start = (corpus.tokenizer, _spelt(corpus, "train"), [*_spelt(corpus, "valid"), *_spelt(corpus, "test")])
    with ProcessPoolExecutor(n_processes, initializer=_start, initargs=start) as pool:
        for _ in progress(pool.map(_make_chunk, jobs), len(jobs)):
            pass
    chunks = [_read(path) for path, _ in jobs]
    lengths = np.concatenate([chunk["lengths"] for chunk in chunks])[:n]
    made, n_made = {k: np.concatenate([chunk[k] for chunk in chunks]) for k in _ARRAYS}, len(lengths)
    return replace(
        corpus,
        tokens=np.concatenate([corpus.tokens, made["tokens"][: lengths.sum()]]),
        offsets=np.append(corpus.offsets, corpus.offsets[-1] + np.cumsum(lengths)),
        bits=np.concatenate([corpus.bits, made["bits"][:n]]),
        properties=np.concatenate([corpus.properties, made["properties"][:n]]),
        split=np.append(corpus.split, np.full(n_made, SPLITS.index("train"), np.uint8)),
        odds=None,
        features=(),
        n_recombined=corpus.n_recombined + n_made,
    )


_ARRAYS = ("tokens", "bits", "properties")


def _digest(corpus: Corpus) -> str:
    return sha256_of([corpus.sha256.encode(), corpus.tokens.tobytes()])[:12]


def _spelt(corpus: Corpus, split: str) -> list[str]:
    return corpus.smiles(corpus.rows(split))


def _read(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    with np.load(path, allow_pickle=False) as chunk:
        return {name: chunk[name] for name in (*_ARRAYS, "lengths")}


@final
@dataclass(frozen=True)
class _Material:
    """What a worker process makes compounds from."""

    tokenizer: Tokenizer
    """In whose vocabulary they are to be written."""
    parents: Sequence[str]
    """SMILES of the training split."""
    held_out: frozenset[str]
    """SMILES without stereo that no new compound may have."""


_material: list[_Material] = []


def _start(tokenizer: Tokenizer, parents: Sequence[str], held_out: Sequence[str]) -> None:
    from rdkit import RDLogger

    from molinterp.chem.identity import without_stereo

    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    _material[:] = [_Material(tokenizer, parents, frozenset(map(without_stereo, held_out)))]


def _make_chunk(job: tuple[Path, str]) -> None:
    """Write CHUNK new compounds to a file; the same whatever the other chunks."""
    from molinterp.chem.properties import PROPERTIES
    from molinterp.chem.similarity import N_BITS, ecfp4_array

    path, seed = job
    if path.exists():
        return
    (material,) = _material
    symbols: list[list[int]] = []
    bits = np.zeros((CHUNK, N_BITS // 8), np.uint8)
    properties = np.full((CHUNK, len(PROPERTIES)), np.nan, np.float32)
    for smiles, mol in _made(material, Random(seed)):
        with suppress(VocabularyError):
            i = len(symbols)
            symbols.append(material.tokenizer.symbol_ids(smiles))
            bits[i] = np.packbits(ecfp4_array(mol))
            properties[i] = [np.nan if name in SLOW else f(mol) for name, f in PROPERTIES.items()]
        if len(symbols) == CHUNK:
            break
    sequences = material.tokenizer.merge(symbols)
    with whole_file(path) as temporary:
        np.savez(
            temporary,
            tokens=np.concatenate([*sequences, np.zeros(0, np.int32)]).astype(np.uint16),
            lengths=np.array([len(s) for s in sequences], np.int64),
            bits=bits[: len(symbols)],
            properties=properties[: len(symbols)],
        )


def _made(material: _Material, source: Random) -> Iterator[tuple[str, Chem.Mol]]:
    """New compounds, at most CHUNK times PATIENCE pairs of them tried."""
    from rdkit import Chem

    from molinterp.chem.edits import crossings
    from molinterp.chem.filters import default_table
    from molinterp.chem.identity import flat_smiles

    table = default_table()
    for _ in range(CHUNK * PATIENCE):
        a, b = (Chem.MolFromSmiles(source.choice(material.parents)) for _ in range(2))
        if a is None or b is None:
            continue
        for _ in range(N_CUTS):
            for product in crossings(a, b, source):
                if product.mol.GetNumHeavyAtoms() not in SIZES or not table.is_familiar(product.mol):
                    continue
                mol = Chem.MolFromSmiles(product.smiles)
                if mol is None or not is_plain(mol):
                    continue
                smiles = Chem.MolToSmiles(mol)
                if flat_smiles(smiles, mol) not in material.held_out:
                    yield smiles, mol
