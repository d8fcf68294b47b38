"""Teach features to a bundle's latent space by what judges molecules: classifiers and rules."""

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
from molinterp.model.bundle import Bundle
from molinterp.realism.fitted import RealismModels
from molinterp.realism.latent_network import LatentNetwork
from molinterp.realism.reference_points import Reference
from molinterp.training.classifiers import calibration_error, roc_auc
from molinterp.training.latent.networks import fit_latent_feature, rank_agreement
from molinterp.training.latent.sampling import Progress, encode_all, silent

N_STEPS = 2_000
"""Optimiser steps of each feature."""
CHUNK = 512
Floats = npt.NDArray[np.float32]

Teacher = Callable[[Sequence[Chem.Mol]], Mapping[str, Floats]]
"""Molecules -> probability (n,) of each feature."""


def teacher_of(classifiers: Mapping[str, MoleculeClassifier]) -> Teacher:
    """Probabilities of the classifiers from inputs that are computed once."""

    def teach(mols: Sequence[Chem.Mol]) -> dict[str, Floats]:
        inputs = classifier_inputs(mols)
        odds = {n: torch.from_numpy(c.of_inputs(inputs)) for n, c in classifiers.items()}
        return {n: torch.sigmoid(v).numpy() for n, v in odds.items()}

    return teach


def rules_teacher(mols: Sequence[Chem.Mol]) -> dict[str, Floats]:
    """1 where a rule holds and 0 where it does not; the validity term stands for the rule `clean`."""
    rules = {name: rule for name, rule in RULES.items() if name != "clean"}
    return {name: np.array([float(rule(m)) for m in mols], np.float32) for name, rule in rules.items()}


def taught(teacher: Teacher, smiles: Sequence[str], progress: Progress = silent) -> dict[str, Tensor]:
    """The teacher's probabilities (n,) by feature, in chunks."""
    parts: list[Mapping[str, Floats]] = []
    starts = range(0, len(smiles), CHUNK)
    for start in progress(starts, len(starts), "teach"):
        parts.append(teacher([Chem.MolFromSmiles(s) for s in smiles[start : start + CHUNK]]))
    return {n: torch.from_numpy(np.concatenate([p[n] for p in parts])).float() for n in parts[0]}


def fit_feature_part(
    models: RealismModels,
    train: Reference,
    held_out: Reference,
    teacher: Teacher,
    *,
    n_steps: int = N_STEPS,
    seed: int = 0,
    progress: Progress = silent,
) -> RealismModels:
    """The models with a latent classifier for each feature that the teacher knows.

    They are taught around the latent points, not at them alone: a geodesic looks for the points that a
    classifier likes, off the manifold too; see docs/realism.md.

    Args:
        models: what the bundle has so far.
        train: latent points and their molecules.
        held_out: others to measure on.
        teacher: the molecule-level judgement.
        n_steps: of the optimiser.
        seed: of the networks.
        progress: wraps the chunks, to show a bar.
    """
    targets = taught(teacher, train.smiles, progress)
    truths = taught(teacher, held_out.smiles, progress)
    features, facts = dict(models.features), dict(models.facts.get("features", {}))
    for name, target in targets.items():
        began = time.perf_counter()
        features[name] = fit_latent_feature(train.z, target, n_steps, seed)
        figures = _agreement(features[name], held_out.z, truths[name])
        seconds = round(time.perf_counter() - began, 1)
        facts[name] = {"n": len(train), "n_held_out": len(held_out), **figures, "seconds": seconds}
    return replace(models, features=features, facts={**models.facts, "features": facts})


def _agreement(network: LatentNetwork, z: Tensor, truth: Tensor) -> dict[str, float]:
    """Rank correlation and ROC-AUC of a latent classifier against the molecule-level one."""
    from sklearn.metrics import roc_auc_score

    with torch.no_grad():
        odds = network(z)[:, 0]
    figures = {}
    labels = (truth > 0.5).numpy()
    if not set(truth.tolist()) <= {0.0, 1.0}:
        figures["rank_agreement"] = rank_agreement(odds.numpy(), truth.numpy())
    if 0 < labels.sum() < len(labels):
        figures["auc_against_molecules"] = float(roc_auc_score(labels, odds.numpy()))
    return figures


def reference_of(bundle: Bundle) -> Reference:
    """The points that a feature is taught on.

    Raises:
        InputError: the bundle has no reference points.
    """
    if bundle.realism.reference is None:
        raise InputError(f"bundle '{bundle.name}' has no reference points; run `molinterp fit all` first.")
    return bundle.realism.reference


def teach_feature(
    bundle: Bundle, classifier: MoleculeClassifier, *, n_steps: int = N_STEPS, seed: int = 0
) -> Bundle:
    """The bundle with one more feature, taught on its reference points.

    Args:
        bundle: the model, with reference points.
        classifier: the molecule-level teacher; the bundle keeps it.
        n_steps: of the optimiser.
        seed: of the network.

    Raises:
        InputError: the bundle has no reference points.
    """
    models, reference = bundle.realism, reference_of(bundle)
    # Every sixth point is held out to measure the agreement.
    n = len(reference)
    train = reference.rows([i for i in range(n) if i % 6])
    held_out = reference.rows(range(0, n, 6))
    teacher = teacher_of({classifier.name: classifier})
    models = fit_feature_part(models, train, held_out, teacher, n_steps=n_steps, seed=seed)
    own = {**models.classifiers, classifier.name: classifier}
    return replace(bundle, realism=replace(models, classifiers=own))


def evaluate_feature(
    bundle: Bundle, name: str, smiles: Sequence[str], labels: npt.NDArray[np.int64]
) -> dict[str, float | None]:
    """ROC-AUC of a trained feature's two forms against labels, and how far the forms agree.

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
        odds = network(z)[:, 0].cpu().numpy()
        figures["auc_latent"] = roc_auc(labels[known], odds)
        figures["rank_agreement"] = rank_agreement(odds, p[known])
    return figures
