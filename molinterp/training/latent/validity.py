"""Fit the probability that a decode is a clean compound."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from molinterp.chem.filters import is_clean
from molinterp.metrics import calibration_error, roc_auc
from molinterp.realism.fitted import RealismModels
from molinterp.realism.fitting import Progress, fit_network, silent, soft_cross_entropy
from molinterp.training.latent.examples import Examples
from molinterp.training.latent.sampling import KINDS
from molinterp.training.latent.settings import ValidityFit


def fit_validity_part(
    models: RealismModels,
    examples: Examples,
    settings: ValidityFit,
    seed: int = 0,
    progress: Progress = silent,
) -> RealismModels:
    """Add the probability that a decode is a clean compound to a bundle's models.

    A compound is clean if it is made of familiar environments, uncharged, free of alerts and of a SA score
    of at most 4.5. A figure for which there are too few held-out decodes is None.

    Args:
        models: what the bundle has so far.
        examples: decodes to learn from and to measure on.
        settings: of the network.
        seed: of the network.
        progress: told of each molecule that is judged.
    """
    began = time.perf_counter()
    y = _clean(examples.decodes.smiles, progress)
    network = fit_network(examples.decodes.z, y, soft_cross_entropy, settings.network, seed=seed)
    test, truth = examples.held_out_decodes, _clean(examples.held_out_decodes.smiles, progress).numpy()
    p = torch.sigmoid(network(test.z)[:, 0]).numpy()
    between = test.kind == KINDS.index("between")
    of_kind = {kind: truth[test.kind == k] for k, kind in enumerate(KINDS)}
    facts = {
        "n": len(y),
        "auc": roc_auc(truth, p),
        "auc_between": roc_auc(truth[between], p[between]),
        "calibration_error": calibration_error(p.astype(np.float64), truth.astype(np.int64)),
        "clean_share": {kind: float(y.mean()) if len(y) else None for kind, y in of_kind.items()},
        "n_held_out": len(truth),
        "seconds": round(time.perf_counter() - began, 1),
        "seed": seed,
    }
    return replace(models, validity=network, facts={**models.facts, "validity": facts})


def _clean(smiles: Sequence[str], progress: Progress) -> Tensor:
    out = torch.zeros(len(smiles))
    for i, text in enumerate(progress(smiles, len(smiles), "judge")):
        out[i] = float(bool(text) and is_clean(Chem.MolFromSmiles(text)))
    return out
