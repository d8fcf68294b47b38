"""Recombine pieces of training compounds into new ones, so that a model learns how pieces go together.

A model that sees the same compounds again and again memorises them and spells new ones worse. Two training
compounds, each cut at a bond, give two others; those made of familiar atom environments are learnt beside
the rest. The work is cut into chunks; each finished chunk is a file, so an interrupted preparation resumes
where it stopped.
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
from molinterp.realism.fitting import Progress, silent
from molinterp.training.data.corpus import Corpus, is_plain
from molinterp.training.data.settings import SPLITS, Recombination

if TYPE_CHECKING:
    from rdkit import Chem


def with_recombined(
    corpus: Corpus,
    n: int,
    cache: Path,
    settings: Recombination | None = None,
    n_processes: int = 1,
    progress: Progress = silent,
) -> Corpus:
    """Add `n` compounds to the training split of a corpus, each made of two pieces of those there.

    None of them is held out, whatever its stereo. Crossover: Jensen, A Graph-Based Genetic Algorithm, Chem.
    Sci. 2019. Feature targets are left to `with_feature_targets`.

    Args:
        corpus: the molecules.
        n: compounds wanted; there are fewer if the molecules have too few pieces.
        cache: folder for the chunks.
        settings: None means the defaults of `Recombination`.
        n_processes: worker processes.
        progress: told of each chunk.
    """
    if n < 1:
        return corpus
    settings = settings or Recombination()
    folder = cache / f"recombined-{_digest(corpus, settings)}"
    folder.mkdir(parents=True, exist_ok=True)
    n_chunks = -(-n // settings.chunk_size)
    jobs = [(folder / f"{k:05d}.npz", f"{settings.seed} {k}") for k in range(n_chunks)]
    held_out = [*_smiles_of(corpus, "valid"), *_smiles_of(corpus, "test")]
    start = (corpus.tokenizer, settings, _smiles_of(corpus, "train"), held_out)
    with ProcessPoolExecutor(n_processes, initializer=_start, initargs=start) as pool:
        for _ in progress(pool.map(_make_chunk, jobs), len(jobs), "recombine"):
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
        feature_targets=None,
        features=(),
        n_recombined=corpus.n_recombined + n_made,
    )


_ARRAYS = ("tokens", "bits", "properties")


def _digest(corpus: Corpus, settings: Recombination) -> str:
    parts = (corpus.sha256.encode(), corpus.tokens.tobytes(), repr(settings).encode())
    return sha256_of(parts)[:12]


def _smiles_of(corpus: Corpus, split: str) -> list[str]:
    return corpus.smiles(corpus.rows(split))


def _read(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    with np.load(path, allow_pickle=False) as chunk:
        return {name: chunk[name] for name in (*_ARRAYS, "lengths")}


@final
@dataclass(frozen=True)
class _Material:
    """Input of a worker process."""

    tokenizer: Tokenizer
    """Vocabulary that they must be written in."""
    settings: Recombination
    """How they are made."""
    parents: Sequence[str]
    """SMILES of the training split."""
    held_out: frozenset[str]
    """SMILES without stereo that no new compound may have."""


_material: list[_Material] = []


def _start(
    tokenizer: Tokenizer, settings: Recombination, parents: Sequence[str], held_out: Sequence[str]
) -> None:
    """Hand its input to a worker process."""
    from rdkit import RDLogger

    from molinterp.chem.identity import without_stereo

    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    flat = frozenset(map(without_stereo, held_out))
    _material[:] = [_Material(tokenizer, settings, parents, flat)]


def _make_chunk(job: tuple[Path, str]) -> None:
    """Write a chunk of new compounds to a file; they do not depend on the other chunks."""
    from molinterp.chem.properties import PROPERTIES
    from molinterp.chem.similarity import N_BITS, ecfp4_array

    path, seed = job
    if path.exists():
        return
    (material,) = _material
    size, unknown = material.settings.chunk_size, material.settings.unknown
    symbols: list[list[int]] = []
    bits = np.zeros((size, N_BITS // 8), np.uint8)
    properties = np.full((size, len(PROPERTIES)), np.nan, np.float32)
    for smiles, mol in _made(material, Random(seed)):
        with suppress(VocabularyError):
            i = len(symbols)
            symbols.append(material.tokenizer.symbol_ids(smiles))
            bits[i] = np.packbits(ecfp4_array(mol))
            properties[i] = [np.nan if name in unknown else f(mol) for name, f in PROPERTIES.items()]
        if len(symbols) == size:
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
    """Yield new compounds until `patience` pairs have been tried for each of a chunk."""
    from rdkit import Chem

    from molinterp.chem.edits import crossings
    from molinterp.chem.filters import default_table
    from molinterp.chem.identity import flat_smiles

    table, settings = default_table(), material.settings
    sizes = range(settings.min_atoms, settings.max_atoms + 1)
    for _ in range(settings.chunk_size * settings.patience):
        a, b = (Chem.MolFromSmiles(source.choice(material.parents)) for _ in range(2))
        if a is None or b is None:
            continue
        for _ in range(settings.n_cuts):
            for product in crossings(a, b, source):
                if product.mol.GetNumHeavyAtoms() not in sizes or not table.is_familiar(product.mol):
                    continue
                mol = Chem.MolFromSmiles(product.smiles)
                if mol is None or not is_plain(mol):
                    continue
                smiles = Chem.MolToSmiles(mol)
                if flat_smiles(smiles, mol) not in material.held_out:
                    yield smiles, mol
