"""Latent points with their molecules: encoded compounds, and decodes at and between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from rdkit import rdBase
from torch import Tensor

from molinterp.chem.filters import decoded_smiles
from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.model.encoding import encode_all
from molinterp.realism.fitting import Progress, silent
from molinterp.realism.reference_points import Reference
from molinterp.training.data.corpus import standard_form

KINDS = ("compound", "between", "prior", "far")
"""Where points are decoded: at compounds, between two, at prior samples, off the manifold."""


def encode_compounds(
    bundle: Bundle, smiles: Sequence[str], n: int, seed: int = 0, progress: Progress = silent
) -> Reference:
    """Encode `n` of the compounds, drawn at random; all if there are fewer.

    Args:
        bundle: the model.
        smiles: SMILES; invalid ones and those outside the vocabulary are left out.
        n: compounds wanted.
        seed: of the choice.
        progress: told of each batch.

    Raises:
        InputError: fewer than two can be written in the vocabulary.
    """
    chosen = choose_compounds(bundle, smiles, n, seed)
    return Reference(encode_all(bundle, chosen, progress), tuple(chosen))


def choose_compounds(bundle: Bundle, smiles: Sequence[str], n: int, seed: int = 0) -> list[str]:
    """Draw `n` of the compounds that can be written in the vocabulary, in standard form.

    Raises:
        InputError: there are fewer than two.
    """
    chosen: list[str] = []
    for i in np.random.default_rng(seed).permutation(len(smiles)):
        if len(chosen) == n:
            break
        with rdBase.BlockLogs():
            found = standard_form(smiles[i])
        if found is not None and bundle.can_encode(found[0]):
            chosen.append(found[0])
    if len(chosen) < 2:
        raise InputError("fewer than two of the molecules can be written in the bundle's vocabulary.")
    return chosen


@final
@dataclass(frozen=True)
class Decodes:
    """Points and their greedy decodes."""

    z: Tensor
    """(n, dim)."""
    smiles: tuple[str, ...]
    """n canonical SMILES; empty where the decode is no molecule."""
    kind: npt.NDArray[np.int64]
    """(n,) index into KINDS."""

    def molecules(self) -> Reference:
        """Points whose decodes are molecules, without those off the manifold."""
        is_kept = np.array([s != "" for s in self.smiles]) & (self.kind != KINDS.index("far"))
        return Reference(self.z[torch.from_numpy(is_kept)], tuple(compress(self.smiles, is_kept)))


def decode_points(
    bundle: Bundle,
    compounds: Reference,
    n: int,
    shares: Sequence[float],
    seed: int = 0,
    progress: Progress = silent,
    batch_size: int = 256,
) -> Decodes:
    """Decode `n` points greedily: compounds, between two compounds, prior samples, far out.

    Each is decoded at its place: 0 at a compound, that on the path between two, half-way elsewhere.

    Args:
        bundle: the model.
        compounds: encoded compounds that the points are drawn from.
        n: points.
        shares: of the KINDS among the points; they sum to 1.
        seed: of the points.
        progress: told of each batch.
        batch_size: points decoded together.
    """
    rng = np.random.default_rng([seed, 1])
    kind = np.sort(rng.choice(len(KINDS), n, p=shares))
    drawn = [_draw(KINDS[k], compounds.z, int((kind == k).sum()), rng) for k in range(len(KINDS))]
    z, t = (torch.cat(part) for part in zip(*drawn, strict=True))
    starts = range(0, n, batch_size)
    smiles: list[str] = []
    for start in progress(starts, len(starts), "decode"):
        rows = slice(start, start + batch_size)
        smiles += map(decoded_smiles, bundle.decode(z[rows], t[rows]))
    order = rng.permutation(n)
    return Decodes(z[torch.from_numpy(order)], tuple(smiles[i] for i in order), kind[order])


def _draw(kind: str, z: Tensor, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw `n` points of a kind and their places (n,), from encoded compounds (m, dim)."""
    noise = torch.from_numpy(rng.standard_normal((n, z.shape[1]))).float()
    if kind == "prior":
        return noise, torch.full((n,), 0.5)
    spread = z.std(0)
    a, b = (z[torch.from_numpy(rng.integers(0, len(z), n))] for _ in range(2))
    if kind == "compound":
        return a, torch.zeros(n)
    t = torch.from_numpy(rng.uniform(0, 1, (n, 1))).float()
    if kind == "between":
        # Geodesics leave the straight line: half of the points do too.
        bend = torch.from_numpy(rng.integers(0, 2, (n, 1)) * rng.uniform(0, 1, (n, 1))).float()
        return a * (1 - t) + b * t + bend * 0.5 * spread * noise, t[:, 0]
    return z.mean(0) + (a - z.mean(0)) * (1 + 1.5 * t) + 0.5 * spread * noise, torch.full((n,), 0.5)
