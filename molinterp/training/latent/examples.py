"""Examples for the fits of realism: encoded compounds and decodes, to learn from and to measure on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from molinterp.model.bundle import Bundle
from molinterp.realism.fitting import Progress, silent
from molinterp.realism.reference_points import Reference
from molinterp.training.latent.sampling import Decodes, decode_points, encode_compounds
from molinterp.training.latent.settings import ExampleSettings


@final
@dataclass(frozen=True)
class Examples:
    """Examples that the fits learn from and are measured on."""

    compounds: Reference
    """Encoded training compounds."""
    held_out: Reference
    """Encoded compounds of another split."""
    decodes: Decodes
    """Decodes at and between training compounds."""
    held_out_decodes: Decodes
    """Decodes at and between compounds of the other split."""

    def points(self, n_compounds: int | None = None, n_decodes: int | None = None) -> Reference:
        """First training compounds and first decodes that are molecules; None means all."""
        compounds, decoded = self.compounds, self.decodes.molecules()
        z = torch.cat([compounds.z[:n_compounds], decoded.z[:n_decodes]])
        return Reference(z, compounds.smiles[:n_compounds] + decoded.smiles[:n_decodes])


def gather(
    bundle: Bundle,
    train: Sequence[str],
    held_out: Sequence[str],
    settings: ExampleSettings,
    seed: int = 0,
    progress: Progress = silent,
) -> Examples:
    """Encode compounds and decode points for the fits.

    Args:
        bundle: the model.
        train: canonical SMILES of the training split.
        held_out: canonical SMILES of another split.
        settings: numbers of examples.
        seed: of the choices.
        progress: told of each batch.

    Raises:
        InputError: fewer than two molecules of a split can be written in the vocabulary.
    """
    n, n_decodes, shares = settings.n_compounds, settings.n_decodes, settings.shares
    compounds = encode_compounds(bundle, train, n, seed, progress)
    others = encode_compounds(bundle, held_out, min(settings.n_held_out, n), seed, progress)
    return Examples(
        compounds,
        others,
        decode_points(bundle, compounds, n_decodes, shares, seed, progress),
        decode_points(bundle, others, max(1, n_decodes // 6), shares, seed + 1, progress),
    )
