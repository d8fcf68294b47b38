"""Log-odds of molecule-level classifiers for a training corpus: targets that the latent space learns to hold.

The work is cut into chunks; each finished chunk is a file, so an interrupted preparation resumes where it
stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from molinterp.chem.classifier import MoleculeClassifier
from molinterp.io.files import sha256_of, whole_file
from molinterp.realism.fitting import Progress, silent
from molinterp.training.data.corpus import Corpus

Floats = npt.NDArray[np.float32]


def with_feature_targets(
    corpus: Corpus,
    classifiers: Mapping[str, MoleculeClassifier],
    cache: Path,
    n_processes: int = 1,
    progress: Progress = silent,
    chunk_size: int = 4_096,
) -> Corpus:
    """Add the classifiers' log-odds to a corpus, each standardised over it.

    Args:
        corpus: the molecules.
        classifiers: by name; none at all leaves the corpus as it is.
        cache: folder for the chunks and the finished array.
        n_processes: worker processes.
        progress: told of each chunk.
        chunk_size: molecules of a chunk.
    """
    if not classifiers:
        return corpus
    folder = cache / f"features-{_digest(corpus, classifiers)}"
    finished = folder / "log_odds.npy"
    if not finished.exists():
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [
            (folder / f"{start:08d}.npy", corpus.smiles(range(start, min(start + chunk_size, len(corpus)))))
            for start in range(0, len(corpus), chunk_size)
        ]
        with ProcessPoolExecutor(n_processes, initializer=_start, initargs=(classifiers,)) as pool:
            for _ in progress(pool.map(_score_chunk, jobs), len(jobs), "score features"):
                pass
        _write(finished, np.concatenate([np.load(path, allow_pickle=False) for path, _ in jobs]))
        for path, _ in jobs:
            path.unlink()
    log_odds: Floats = np.load(finished, allow_pickle=False)
    spread = np.maximum(np.nanstd(log_odds, 0), 1e-3)
    targets = (log_odds - np.nanmean(log_odds, 0)) / spread
    return replace(corpus, feature_targets=targets, features=tuple(classifiers))


def _digest(corpus: Corpus, classifiers: Mapping[str, MoleculeClassifier]) -> str:
    """Hash of what the log-odds depend on, twelve hexadecimal digits."""
    parts = [corpus.sha256.encode(), corpus.tokens.tobytes()]
    for name, classifier in classifiers.items():
        parts += [name.encode(), *(array.tobytes() for array in classifier.to_arrays().values())]
    return sha256_of(parts)[:12]


_classifiers: Mapping[str, MoleculeClassifier] = {}


def _start(classifiers: Mapping[str, MoleculeClassifier]) -> None:
    """Hand the classifiers to a worker process."""
    from rdkit import RDLogger

    global _classifiers
    _classifiers = classifiers
    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]


def _score_chunk(job: tuple[Path, Sequence[str]]) -> None:
    """Write the log-odds (n, n_features) of a chunk; a row of NaN where the SMILES spells no molecule."""
    from rdkit import Chem

    from molinterp.chem.classifier import classifier_inputs

    path, smiles = job
    if path.exists():
        return
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    rows = [i for i, mol in enumerate(mols) if mol is not None]
    inputs = classifier_inputs([mols[i] for i in rows])
    log_odds = np.full((len(smiles), len(_classifiers)), np.nan, np.float32)
    log_odds[rows] = np.stack([c.of_inputs(inputs) for c in _classifiers.values()], 1)
    _write(path, log_odds)


def _write(path: Path, array: Floats) -> None:
    with whole_file(path) as temporary:
        np.save(temporary, array, allow_pickle=False)
