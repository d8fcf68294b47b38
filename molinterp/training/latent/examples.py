"""What the fits of realism learn from and are measured on: encoded compounds and decodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from molinterp.model.bundle import Bundle
from molinterp.realism.reference_points import Reference
from molinterp.training.latent.sampling import Decodes, Progress, decode_points, encode_compounds, silent

N_COMPOUNDS, N_DECODES, N_HELD_OUT = 30_000, 16_000, 4_000
N_EXAMINED = 2_000
"""Held-out compounds that features and properties are measured on."""


@final
@dataclass(frozen=True)
class Material:
    """What the fits learn from and are measured on."""

    compounds: Reference
    """Encoded training compounds."""
    held_out: Reference
    """Encoded compounds of another split."""
    decodes: Decodes
    """Decodes at and between training compounds."""
    held_out_decodes: Decodes
    """Decodes at and between compounds of the other split."""

    def taught(self, n_compounds: int | None = None, n_decodes: int | None = None) -> Reference:
        """The first training compounds and the first decodes that are molecules; None means all."""
        compounds, decoded = self.compounds, self.decodes.molecules()
        z = torch.cat([compounds.z[:n_compounds], decoded.z[:n_decodes]])
        return Reference(z, compounds.smiles[:n_compounds] + decoded.smiles[:n_decodes])

    def examined(self) -> Reference:
        """Some of the compounds of the other split."""
        return self.held_out.rows(range(len(self.held_out))[:N_EXAMINED])


def gather(
    bundle: Bundle,
    train: Sequence[str],
    held_out: Sequence[str],
    *,
    n_compounds: int = N_COMPOUNDS,
    n_decodes: int = N_DECODES,
    seed: int = 0,
    progress: Progress = silent,
) -> Material:
    """Encode compounds and decode points for the fits.

    Args:
        bundle: the model.
        train: canonical SMILES of the training split.
        held_out: canonical SMILES of another split; 4,000 of them at most are used.
        n_compounds: training compounds encoded.
        n_decodes: points decoded; a sixth as many for measuring.
        seed: of the choices.
        progress: wraps the batches, to show a bar.

    Raises:
        InputError: fewer than two molecules of a split can be written in the vocabulary.
    """
    compounds = encode_compounds(bundle, train, n_compounds, seed, progress)
    others = encode_compounds(bundle, held_out, min(N_HELD_OUT, n_compounds), seed, progress)
    return Material(
        compounds,
        others,
        decode_points(bundle, compounds, n_decodes, seed, progress),
        decode_points(bundle, others, max(1, n_decodes // 6), seed + 1, progress),
    )
