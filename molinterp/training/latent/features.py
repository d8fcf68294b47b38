"""Fit features on a bundle's latent space to the judgement of molecules by classifiers and rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem
from torch import Tensor

from molinterp.chem.classifier import MoleculeClassifier, classifier_inputs
from molinterp.chem.features import RULES, nearest
from molinterp.errors import InputError
from molinterp.metrics import calibration_error, rank_agreement, roc_auc
from molinterp.model.bundle import Bundle
from molinterp.model.encoding import encode_all
from molinterp.realism.fitted import RealismModels
from molinterp.realism.fitting import Progress, fit_latent_feature, silent
from molinterp.realism.latent_network import LatentNetwork
from molinterp.realism.reference_points import Reference
from molinterp.realism.settings import NetworkFit

Floats = npt.NDArray[np.float32]

Judgement = Callable[[Sequence[Chem.Mol]], Mapping[str, Floats]]
"""Molecules -> probability (n,) of each feature."""


def judgement_of(classifiers: Mapping[str, MoleculeClassifier]) -> Judgement:
    """Judge molecules by classifiers, with inputs that are computed once for all."""

    def judge(mols: Sequence[Chem.Mol]) -> dict[str, Floats]:
        inputs = classifier_inputs(mols)
        log_odds = {n: torch.from_numpy(c.of_inputs(inputs)) for n, c in classifiers.items()}
        return {n: torch.sigmoid(v).numpy() for n, v in log_odds.items()}

    return judge


def judgement_by_rules(mols: Sequence[Chem.Mol]) -> dict[str, Floats]:
    """Judge molecules by rules: 1 where one holds, 0 where not; the validity term represents `clean`."""
    rules = {name: rule for name, rule in RULES.items() if name != "clean"}
    return {name: np.array([float(rule(m)) for m in mols], np.float32) for name, rule in rules.items()}


def targets_of(
    judgement: Judgement, smiles: Sequence[str], progress: Progress = silent, chunk_size: int = 512
) -> dict[str, Tensor]:
    """Compute the probabilities (n,) by feature, in chunks."""
    parts: list[Mapping[str, Floats]] = []
    starts = range(0, len(smiles), chunk_size)
    for start in progress(starts, len(starts), "judge features"):
        parts.append(judgement([Chem.MolFromSmiles(s) for s in smiles[start : start + chunk_size]]))
    return {n: torch.from_numpy(np.concatenate([p[n] for p in parts])).float() for n in parts[0]}


def fit_feature_part(
    models: RealismModels,
    train: Reference,
    held_out: Reference,
    judgement: Judgement,
    settings: NetworkFit,
    seed: int = 0,
    progress: Progress = silent,
) -> RealismModels:
    """Add a latent classifier for each feature of a judgement to a bundle's models.

    They are fitted around the latent points, not at them alone: a geodesic looks for the points that a
    classifier likes, off the manifold too; see docs/realism.md.

    Args:
        models: what the bundle has so far.
        train: latent points and their molecules.
        held_out: others to measure on.
        judgement: of the molecules.
        settings: of the networks.
        seed: of the networks.
        progress: told of each chunk of molecules.
    """
    targets = targets_of(judgement, train.smiles, progress)
    truths = targets_of(judgement, held_out.smiles, progress)
    features, facts = dict(models.features), dict(models.facts.get("features", {}))
    for name, target in targets.items():
        began = time.perf_counter()
        features[name] = fit_latent_feature(train.z, target, settings, seed)
        figures = _agreement(features[name], held_out.z, truths[name])
        seconds = round(time.perf_counter() - began, 1)
        facts[name] = {"n": len(train), "n_held_out": len(held_out), **figures, "seconds": seconds}
    return replace(models, features=features, facts={**models.facts, "features": facts})


def _agreement(network: LatentNetwork, z: Tensor, truth: Tensor) -> dict[str, float]:
    """Rank correlation and ROC-AUC of a latent classifier against the molecule-level one."""
    with torch.no_grad():
        log_odds = network(z)[:, 0].numpy()
    figures = {}
    if not set(truth.tolist()) <= {0.0, 1.0}:
        figures["rank_agreement"] = rank_agreement(log_odds, truth.numpy())
    auc = roc_auc((truth > 0.5).numpy(), log_odds)
    return figures if auc is None else {**figures, "auc_against_molecules": auc}


def reference_of(bundle: Bundle) -> Reference:
    """Points on which a feature is fitted.

    Raises:
        InputError: the bundle has no reference points.
    """
    if bundle.realism.reference is None:
        raise InputError(f"bundle '{bundle.name}' has no reference points; run `molinterp fit all` first.")
    return bundle.realism.reference


def fit_feature(
    bundle: Bundle, classifier: MoleculeClassifier, settings: NetworkFit | None = None, seed: int = 0
) -> Bundle:
    """Add a feature to a bundle, fitted on its reference points.

    Args:
        bundle: the model, with reference points.
        classifier: judges molecules; the bundle keeps it.
        settings: of the network; None means the defaults of `NetworkFit`.
        seed: of the network.

    Raises:
        InputError: the bundle has no reference points.
    """
    models, reference = bundle.realism, reference_of(bundle)
    # Every sixth point is held out to measure the agreement.
    n = len(reference)
    train = reference.rows([i for i in range(n) if i % 6])
    held_out = reference.rows(range(0, n, 6))
    judgement = judgement_of({classifier.name: classifier})
    models = fit_feature_part(models, train, held_out, judgement, settings or NetworkFit(), seed)
    own = {**models.classifiers, classifier.name: classifier}
    return replace(bundle, realism=replace(models, classifiers=own))


def evaluate_feature(
    bundle: Bundle, name: str, smiles: Sequence[str], labels: npt.NDArray[np.int64]
) -> dict[str, float | None]:
    """Measure ROC-AUC of a trained feature's two forms against labels, and how far the forms agree.

    Args:
        bundle: the model.
        name: of a trained classifier.
        smiles: canonical SMILES (n).
        labels: (n,) of 0 and 1, both of them.

    Returns:
        Figures by name. Those of the latent form are of the `n_latent` molecules that the bundle can
        encode; an ROC-AUC is None where these are of one class.

    Raises:
        InputError: the bundle has no classifier of that name.
    """
    classifiers = bundle.classifiers
    if name not in classifiers:
        raise InputError(
            f"`name` must be one of {', '.join(classifiers)}; got {name!r}.{nearest(name, list(classifiers))}"
        )
    p = classifiers[name].probability([Chem.MolFromSmiles(s) for s in smiles])
    figures = {"n": len(smiles), "auc_molecules": roc_auc(labels, p)}
    figures["calibration_error_molecules"] = calibration_error(p.astype(np.float64), labels)
    network = bundle.realism.features.get(name)
    if network is None:
        return figures
    known = [i for i, s in enumerate(smiles) if bundle.can_encode(s)]
    figures["n_latent"] = len(known)
    if len(known) > 1:
        z = encode_all(bundle, [smiles[i] for i in known]).to(bundle.device)
        log_odds = network(z)[:, 0].cpu().numpy()
        figures["auc_latent"] = roc_auc(labels[known], log_odds)
        figures["rank_agreement"] = rank_agreement(log_odds, p[known])
    return figures
