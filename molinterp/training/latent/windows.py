"""Learn how wrong the property head is and where, for property windows and stochastic metrics."""

from __future__ import annotations

from dataclasses import replace

import torch
from rdkit import Chem

from molinterp.chem.properties import PROPERTIES
from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.model.output_spaces import fit_precision, property_at
from molinterp.realism.reference_points import Reference


def check_held_out(held_out: Reference) -> None:
    """Make sure that there is something to learn from and to measure on.

    Raises:
        InputError: fewer than four compounds.
    """
    if len(held_out) < 4:
        raise InputError(f"windows need 4 held-out compounds or more; got {len(held_out)}. Give more.")


def fit_windows(bundle: Bundle, held_out: Reference, seed: int = 0) -> Bundle:
    """The bundle with the deviation of its property head, which stays as it is.

    The r2 of a property that all compounds share is None.

    Args:
        bundle: the model.
        held_out: encoded compounds that the head was not taught on; the deviation is learnt on the even
            ones, and the figures are taken on the others.
        seed: of the clustering.

    Raises:
        InputError: fewer than four compounds.
    """
    check_held_out(held_out)
    known, others = (held_out.rows(range(k, len(held_out), 2)) for k in (0, 1))
    precision = fit_precision(bundle, known.smiles, seed=seed)
    fitted = replace(bundle, realism=replace(bundle.realism, precision=precision.to_tensors()))
    mols = [Chem.MolFromSmiles(text) for text in others.smiles]
    facts = {}
    with torch.no_grad():
        for name in bundle.property_names:
            truth = torch.tensor([float(PROPERTIES[name](mol)) for mol in mols])
            mean, deviation = property_at(fitted, name)(others.z)
            spread = (truth - truth.mean()).square().sum()
            facts[name] = {
                "r2": float(1 - (truth - mean).square().sum() / spread) if spread > 0 else None,
                "within_one_deviation": float(((truth - mean).abs() < deviation).float().mean()),
            }
    realism = replace(fitted.realism, facts={**bundle.realism.facts, "properties": facts})
    return replace(fitted, realism=realism)
