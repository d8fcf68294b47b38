"""Fit the errors of the property head, which property windows and stochastic metrics rest on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from rdkit import Chem

from molinterp.chem.properties import PROPERTIES
from molinterp.errors import InputError
from molinterp.metrics import r_squared
from molinterp.model.bundle import Bundle
from molinterp.model.output_spaces import fit_precision, property_at
from molinterp.realism.reference_points import Reference


def check_held_out(held_out: Reference) -> None:
    """Check that there are enough compounds to fit to and to measure on.

    Raises:
        InputError: fewer than four compounds.
    """
    if len(held_out) < 4:
        raise InputError(f"windows need 4 held-out compounds or more; got {len(held_out)}. Give more.")


def fit_windows(bundle: Bundle, held_out: Reference, seed: int = 0) -> Bundle:
    """Add the deviation of its property head to a bundle; the head stays as it is.

    The r2 of a property that is the same for all compounds is None.

    Args:
        bundle: the model.
        held_out: encoded compounds that the head was not fitted on; the deviation is fitted on the even
            ones and measured on the others.
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
            truth = np.array([float(PROPERTIES[name](mol)) for mol in mols])
            mean, deviation = (part.numpy() for part in property_at(fitted, name)(others.z))
            facts[name] = {
                "r2": r_squared(truth, mean),
                "within_one_deviation": float((np.abs(truth - mean) < deviation).mean()),
            }
    realism = replace(fitted.realism, facts={**bundle.realism.facts, "properties": facts})
    return replace(fitted, realism=realism)
