"""Fit what a bundle knows of realism: density, validity, features and properties on its latent space."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem
from torch import Tensor

from molinterp.bundle import Bundle
from molinterp.chem.classifier import MoleculeClassifier, classifier_inputs
from molinterp.chem.features import RULES
from molinterp.chem.judge import is_clean
from molinterp.chem.properties import PROPERTIES
from molinterp.errors import InputError
from molinterp.realism.index import RealismIndex
from molinterp.realism.models import RealismModels
from molinterp.realism.network import LatentNetwork
from molinterp.realism.reference import Reference
from molinterp.spaces import fit_precision
from molinterp.training.latent import (
    fit_density,
    fit_latent_feature,
    fit_network,
    normal_likelihood,
    rank_agreement,
    soft_cross_entropy,
    uniform_distance,
)
from molinterp.training.points import KINDS, Decodes, Progress, decode_points, encode_compounds, silent

N_COMPOUNDS, N_DECODES, N_HELD_OUT = 30_000, 16_000, 4_000
N_TAUGHT = (10_000, 6_000)
"""Encoded compounds and decodes that rules and properties are taught on: they take longer."""
N_EXAMINED = 2_000
"""Held-out compounds that features and properties are measured on."""
N_REFERENCE = (8_000, 4_000)
"""Encoded compounds and decodes that are kept in the bundle."""
N_STEPS = 2_000
"""Optimiser steps of each network."""
CHUNK = 512
Floats = npt.NDArray[np.float32]


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

    def taught(self) -> Reference:
        """All training compounds, and the decodes that are molecules."""
        return _joined(self.compounds, self.decodes, len(self.compounds), len(self.decodes.smiles))

    def examined(self) -> Reference:
        """Some of the compounds of the other split."""
        return self.held_out.rows(range(min(N_EXAMINED, len(self.held_out))))


def _joined(compounds: Reference, decodes: Decodes, n_compounds: int, n_decodes: int) -> Reference:
    """The first of the compounds and the first of the decodes that are molecules."""
    compounds = compounds.rows(range(min(n_compounds, len(compounds))))
    decoded = decodes.molecules()
    decoded = decoded.rows(range(min(n_decodes, len(decoded))))
    return Reference(torch.cat([compounds.z, decoded.z]), compounds.smiles + decoded.smiles)


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


def fit_density_part(
    models: RealismModels, material: Material, kind: str = "mixture", n_components: int = 8, seed: int = 0
) -> RealismModels:
    """The models with a density of the encoded compounds and its realism index.

    Args:
        models: what the bundle has so far.
        material: encoded compounds.
        kind: one of `molinterp.training.latent.DENSITIES`.
        n_components: of a mixture.
        seed: of the fit and of the samples behind the index.

    Raises:
        InputError: another kind of density.
    """
    began = time.perf_counter()
    density = fit_density(material.compounds.z, kind, n_components, seed)
    index = RealismIndex.fit(density, seed=seed)
    z = material.held_out.z
    with torch.no_grad():
        middle = 0.5 * (z[: len(z) // 2] + z[len(z) - len(z) // 2 :])
        far = z.mean(0) + 3 * (z - z.mean(0))
        facts = {
            "kind": kind,
            "n": len(material.compounds),
            "n_held_out": len(z),
            "log_likelihood": float(density.log_prob(z).mean()),
            "uniform_distance": uniform_distance(index(z)),
            "mean_index_midpoints": float(index(middle).mean()),
            "mean_index_three_deviations": float(index(far).mean()),
            "seconds": round(time.perf_counter() - began, 1),
            "seed": seed,
        }
    return replace(models, index=index, facts={**models.facts, "density": facts})


def fit_validity_part(
    models: RealismModels,
    material: Material,
    *,
    n_steps: int = N_STEPS,
    seed: int = 0,
    progress: Progress = silent,
) -> RealismModels:
    """The models with the probability that a decode is a clean compound.

    A compound is clean when it is made of familiar environments, uncharged, free of alerts and of a SA
    score of at most 4.5.

    Args:
        models: what the bundle has so far.
        material: decodes to learn from and to measure on.
        n_steps: of the optimiser; the network overfits after 1,200.
        seed: of the network.
        progress: wraps the molecules, to show a bar.
    """
    from sklearn.metrics import roc_auc_score

    began = time.perf_counter()
    y = _clean(material.decodes.smiles, progress)
    network = fit_network(
        material.decodes.z,
        y,
        soft_cross_entropy,
        dropout=0.3,
        weight_decay=0.02,
        n_steps=min(n_steps, 1_200),
        seed=seed,
    )
    test, truth = material.held_out_decodes, _clean(material.held_out_decodes.smiles, progress).numpy()
    p = torch.sigmoid(network(test.z)[:, 0]).numpy()
    between = test.kind == KINDS.index("between")
    shares = {kind: float(truth[test.kind == k].mean()) for k, kind in enumerate(KINDS)}
    facts = {
        "n": len(y),
        "auc": float(roc_auc_score(truth, p)),
        "auc_between": float(roc_auc_score(truth[between], p[between])),
        "calibration_error": _calibration_error(p, truth),
        "clean_share": shares,
        "n_held_out": len(truth),
        "seconds": round(time.perf_counter() - began, 1),
        "seed": seed,
    }
    return replace(models, validity=network, facts={**models.facts, "validity": facts})


def _calibration_error(p: Floats, truth: Floats) -> float:
    from molinterp.training.classifiers import calibration_error

    return calibration_error(p.astype(np.float64), truth.astype(np.int64))


def _clean(smiles: Sequence[str], progress: Progress) -> Tensor:
    out = torch.zeros(len(smiles))
    for i, text in enumerate(progress(smiles, len(smiles), "judge")):
        out[i] = float(bool(text) and is_clean(Chem.MolFromSmiles(text)))
    return out


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

    The classifiers are linear: a geodesic looks for the points that a classifier likes, and it finds
    many off the manifold that a network likes wrongly; see docs/realism.md.

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


def fit_property_part(
    models: RealismModels,
    train: Reference,
    held_out: Reference,
    head: Callable[[Tensor], Tensor],
    *,
    n_steps: int = N_STEPS,
    seed: int = 0,
    progress: Progress = silent,
) -> RealismModels:
    """The models with means and deviations of the properties on latent space, for windows.

    Args:
        models: what the bundle has so far.
        train: latent points and their molecules.
        held_out: others to measure on.
        head: the bundle's own property head, z -> (n, n_properties), measured beside.
        n_steps: of the optimiser.
        seed: of the network.
        progress: wraps the molecules, to show a bar.
    """
    values, truth = (_described(r.smiles, progress) for r in (train, held_out))
    offset, scale = values.mean(0), values.std(0).clamp_min(1e-6)
    network = fit_network(
        train.z,
        (values - offset) / scale,
        normal_likelihood,
        2 * values.shape[1],
        n_steps=n_steps,
        seed=seed,
    )
    fitted = replace(models, properties=network, property_offset=offset, property_scale=scale)
    facts = {}
    with torch.no_grad():
        of_head = head(held_out.z)
        for j, name in enumerate(PROPERTIES):
            mean, deviation = fitted.predict_property(j, held_out.z)
            spread = (truth[:, j] - truth[:, j].mean()).square().sum()
            facts[name] = {
                "r2": float(1 - (truth[:, j] - mean).square().sum() / spread),
                "r2_head": float(1 - (truth[:, j] - of_head[:, j]).square().sum() / spread),
                "within_one_deviation": float(((truth[:, j] - mean).abs() < deviation).float().mean()),
            }
    return replace(fitted, facts={**models.facts, "properties": facts})


def _described(smiles: Sequence[str], progress: Progress) -> Tensor:
    rows = torch.empty(len(smiles), len(PROPERTIES))
    for i, text in enumerate(progress(smiles, len(smiles), "properties")):
        mol = Chem.MolFromSmiles(text)
        rows[i] = torch.tensor([float(f(mol)) for f in PROPERTIES.values()])
    return rows


def keep_reference(models: RealismModels, material: Material) -> RealismModels:
    """The models with some of the compounds and decodes, for features that are taught later."""
    return replace(models, reference=_joined(material.compounds, material.decodes, *N_REFERENCE))


PARTS = ("density", "validity", "features", "windows", "uncertainty")


def fit_parts(
    bundle: Bundle,
    material: Material,
    parts: Sequence[str],
    classifiers: Mapping[str, MoleculeClassifier],
    *,
    density: str = "mixture",
    n_steps: int = N_STEPS,
    seed: int = 0,
    progress: Progress = silent,
) -> Bundle:
    """The bundle with some parts of its realism fitted anew, and fresh reference points.

    Args:
        bundle: the model; what it has of other parts stays.
        material: from `gather`, of the same bundle.
        parts: among `PARTS`.
        classifiers: molecule-level teachers of the features, the bundle's own beside them.
        density: kind of density.
        n_steps: of the optimiser, for each network.
        seed: of all fits.
        progress: wraps what takes long, to show a bar.
    """
    models = keep_reference(bundle.realism, material)
    held_out, head = material.examined(), bundle.model.properties
    options: dict[str, Any] = {"n_steps": n_steps, "seed": seed, "progress": progress}
    if "density" in parts:
        models = fit_density_part(models, material, density, seed=seed)
    if "validity" in parts:
        models = fit_validity_part(models, material, **options)
    fewer = _joined(material.compounds, material.decodes, *N_TAUGHT)
    if "features" in parts:
        teacher = teacher_of({**classifiers, **models.classifiers})
        models = fit_feature_part(models, material.taught(), held_out, teacher, **options)
        models = fit_feature_part(models, fewer, held_out, rules_teacher, **options)
    if "windows" in parts:
        models = fit_property_part(models, fewer, held_out, head, **options)
    if "uncertainty" in parts:
        precision = fit_precision(bundle, held_out.smiles, seed=seed)
        models = replace(models, precision=precision.to_tensors())
    return replace(bundle, realism=models)


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
    models = bundle.realism
    if models.reference is None:
        raise InputError(f"bundle '{bundle.name}' has no reference points; run `molinterp fit all` first.")
    # Every sixth point is held out to measure the agreement.
    n = len(models.reference)
    train = models.reference.rows([i for i in range(n) if i % 6])
    held_out = models.reference.rows(range(0, n, 6))
    teacher = teacher_of({classifier.name: classifier})
    models = fit_feature_part(models, train, held_out, teacher, n_steps=n_steps, seed=seed)
    own = {**models.classifiers, classifier.name: classifier}
    return replace(bundle, realism=replace(models, classifiers=own))
