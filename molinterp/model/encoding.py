"""Encode many molecules in batches of similar length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from molinterp.model.bundle import Bundle
from molinterp.realism.fitting import Progress, silent


def posterior_all(
    bundle: Bundle, smiles: Sequence[str], progress: Progress = silent, batch_size: int = 256
) -> tuple[Tensor, Tensor]:
    """Compute posterior means and standard deviations, (n, latent_dim) each, on the CPU.

    Args:
        bundle: the model.
        smiles: canonical SMILES within its vocabulary.
        progress: called for each batch.
        batch_size: number of molecules per batch; they are sorted by length to save padding.

    Raises:
        VocabularyError: a molecule cannot be written in the vocabulary.
    """
    by_length = np.argsort([len(s) for s in smiles], kind="stable")
    mean, deviation = (torch.empty(len(smiles), bundle.latent_dim) for _ in range(2))
    starts = range(0, len(smiles), batch_size)
    for start in progress(starts, len(starts), "encode"):
        rows = by_length[start : start + batch_size]
        index = torch.from_numpy(rows)
        mean[index], deviation[index] = (part.cpu() for part in bundle.posterior([smiles[i] for i in rows]))
    return mean, deviation


def encode_all(bundle: Bundle, smiles: Sequence[str], progress: Progress = silent) -> Tensor:
    """Compute posterior means (n, latent_dim); see `posterior_all`."""
    return posterior_all(bundle, smiles, progress)[0]
