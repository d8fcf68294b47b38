"""Fit, calibrate and measure molecule-level classifiers on labelled SMILES."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

import molinterp
from molinterp.chem.classifier import N_COUNTS, Floats, MoleculeClassifier, Trees, classifier_inputs
from molinterp.chem.similarity import murcko_scaffold
from molinterp.io.labels import Labels, check_labels
from molinterp.metrics import calibration_error, roc_auc
from molinterp.training.settings import ClassifierFit

NO_FACTS: Mapping[str, Any] = MappingProxyType({})
Split = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
RawModel = Callable[[Floats], Floats]


def fit_classifier(
    name: str,
    smiles: Sequence[str],
    labels: Labels,
    settings: ClassifierFit | None = None,
    facts: Mapping[str, Any] = NO_FACTS,
) -> MoleculeClassifier:
    """Fit and calibrate a classifier, and measure it.

    ROC-AUC and the calibration error are means over folds whose molecules took no part in the fit: random
    ones, and ones that share no Murcko scaffold with the rest; None where no such split has both classes on
    both sides. Beside them is the split of MoleculeNet (the rarest scaffolds, a tenth of the molecules, held
    out).

    Args:
        name: of the feature.
        smiles: canonical SMILES (n).
        labels: (n,) of 0 and 1.
        settings: of the fit; None means the defaults of `ClassifierFit`.
        facts: kept beside the figures, such as the names of the files.

    Raises:
        InputError: too few molecules of a class.
    """
    settings = settings or ClassifierFit()
    n_folds, seed = settings.n_folds, settings.seed
    check_labels(labels, f"the labels of {name!r}", settings.n_each)
    mols = [Chem.MolFromSmiles(s) for s in smiles]
    inputs = classifier_inputs(mols)
    scaffolds = [murcko_scaffold(m) for m in mols]
    out_of_fold = np.zeros(len(labels), np.float32)
    figures: dict[str, Any] = {**facts, "n": len(labels), "n_positive": int(labels.sum()), "seed": seed}
    random = _cross_fitted(inputs, labels, _random_folds(labels, n_folds, seed), out_of_fold, settings)
    figures |= {"auc_random": random[0], "auc_random_spread": random[1]}
    calibration = _platt(out_of_fold, labels)
    figures["calibration_error"] = _cross_calibration_error(out_of_fold, labels, n_folds, seed)
    unused = np.zeros_like(out_of_fold)
    scaffold = _cross_fitted(inputs, labels, _scaffold_folds(scaffolds, n_folds, seed), unused, settings)
    figures |= {"auc_scaffold": scaffold[0], "auc_scaffold_spread": scaffold[1]}
    figures["auc_scaffold_moleculenet"] = _rare_scaffold_auc(inputs, labels, scaffolds, settings)
    parts = _fit_parts(inputs, labels, settings)
    figures["versions"] = {
        "molinterp": molinterp.__version__,
        "rdkit": rdBase.rdkitVersion,
        "python": platform.python_version(),
    }
    return MoleculeClassifier(name=name, calibration=calibration, facts=figures, **parts)


def _fit_parts(inputs: Floats, labels: Labels, settings: ClassifierFit) -> dict[str, Any]:
    """Fields of a classifier, the calibration left out."""
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    mean = inputs.mean(0)
    scale = np.where(inputs.std(0) > 0, inputs.std(0), 1).astype(np.float32)
    # Counts keep their scale, so that rare environments are not blown up.
    scale[:N_COUNTS], mean[:N_COUNTS] = 1, 0
    linear = LogisticRegression(C=settings.regularisation, max_iter=2_000)
    linear.fit((inputs - mean) / scale, labels)
    boosted = GradientBoostingClassifier(
        n_estimators=settings.n_trees,
        max_depth=settings.max_depth,
        learning_rate=settings.learning_rate,
        subsample=settings.subsample,
        max_features=settings.max_features,
        random_state=settings.seed,
    ).fit(inputs, labels)
    share = labels.mean()
    return {
        "mean": mean,
        "scale": scale,
        "coefficients": linear.coef_[0].astype(np.float32),
        "intercepts": np.array([linear.intercept_[0], np.log(share / (1 - share))], np.float32),
        "trees": _flat_trees(boosted),
    }


def _flat_trees(boosted: Any) -> Trees:
    roots, column, threshold, left, right, value = [], [], [], [], [], []
    n_nodes, depth = 0, 0
    for (estimator,) in boosted.estimators_:
        tree = estimator.tree_
        here = np.arange(tree.node_count)
        is_leaf = tree.children_left < 0
        roots.append(n_nodes)
        column.append(np.where(is_leaf, 0, tree.feature))
        threshold.append(_rounded_down(tree.threshold))
        left.append(np.where(is_leaf, here, tree.children_left) + n_nodes)
        right.append(np.where(is_leaf, here, tree.children_right) + n_nodes)
        value.append(boosted.learning_rate * tree.value[:, 0, 0] * is_leaf)
        n_nodes += tree.node_count
        depth = max(depth, tree.max_depth)
    integers = (np.concatenate(part).astype(np.int32) for part in (column, left, right))
    flat_column, flat_left, flat_right = integers
    return Trees(
        roots=np.array(roots, np.int32),
        column=flat_column,
        threshold=np.concatenate(threshold),
        left=flat_left,
        right=flat_right,
        value=np.concatenate(value).astype(np.float32),
        depth=int(depth),
    )


def _rounded_down(threshold: npt.NDArray[np.float64]) -> Floats:
    """Single precision, never above: an input of single precision falls on the same side."""
    single = threshold.astype(np.float32)
    return np.where(single > threshold, np.nextafter(single, np.float32(-np.inf)), single)


def _raw(inputs: Floats, labels: Labels, settings: ClassifierFit) -> RawModel:
    identity = np.array([1, 0], np.float32)
    parts = _fit_parts(inputs, labels, settings)
    return MoleculeClassifier(name="", calibration=identity, facts={}, **parts).of_inputs


def _random_folds(labels: Labels, n_folds: int, seed: int) -> Iterator[Split]:
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    yield from folds.split(labels[:, None], labels)


def _scaffold_folds(scaffolds: Sequence[str], n_folds: int, seed: int) -> Iterator[Split]:
    """Folds that share no scaffold; each molecule without rings stands alone."""
    rng = np.random.default_rng(seed)
    keys = np.array([s or f"acyclic {i}" for i, s in enumerate(scaffolds)])
    names = rng.permutation(np.unique(keys))
    fold_of = dict(zip(names, np.arange(len(names)) % n_folds, strict=True))
    fold = np.array([fold_of[k] for k in keys])
    for i in range(n_folds):
        yield np.flatnonzero(fold != i), np.flatnonzero(fold == i)


def _cross_fitted(
    inputs: Floats, labels: Labels, folds: Iterator[Split], out: Floats, settings: ClassifierFit
) -> tuple[float | None, float | None]:
    """Mean and standard deviation of ROC-AUC over folds; fills `out` with the held-out raw scores.

    A fold counts where both classes are on both sides; None where there is none, as in a series of one
    scaffold.
    """
    scores = []
    for fitted, held_out in folds:
        if not len(held_out) or len(set(labels[fitted])) < 2:
            continue
        out[held_out] = _raw(inputs[fitted], labels[fitted], settings)(inputs[held_out])
        if (score := roc_auc(labels[held_out], out[held_out])) is not None:
            scores.append(score)
    return (float(np.mean(scores)), float(np.std(scores))) if scores else (None, None)


def _rare_scaffold_auc(
    inputs: Floats, labels: Labels, scaffolds: Sequence[str], settings: ClassifierFit
) -> float | None:
    """ROC-AUC on the last tenth when scaffolds are sorted from common to rare; None with one class.

    Wu et al., MoleculeNet, Chemical Science 2018, arXiv 1703.00564.
    """
    groups: dict[str, list[int]] = {}
    for i, s in enumerate(scaffolds):
        groups.setdefault(s, []).append(i)
    # Files are often sorted by label: ties are broken at random.
    rank = np.random.default_rng(settings.seed).permutation(len(labels))
    order = [i for g in sorted(groups.values(), key=lambda g: (-len(g), rank[g[0]])) for i in g]
    cut_fit, cut_test = int(0.8 * len(order)), int(0.9 * len(order))
    fitted, held_out = np.array(order[:cut_fit]), np.array(order[cut_test:])
    if len(set(labels[fitted])) < 2:
        return None
    return roc_auc(labels[held_out], _raw(inputs[fitted], labels[fitted], settings)(inputs[held_out]))


def _platt(raw: Floats, labels: Labels) -> Floats:
    """Slope a and intercept b of log-odds = a raw + b.

    Platt, Probabilistic Outputs for Support Vector Machines, 1999.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e6).fit(raw[:, None], labels)
    return np.array([model.coef_[0, 0], model.intercept_[0]], np.float32)


def _cross_calibration_error(raw: Floats, labels: Labels, n_folds: int, seed: int) -> float:
    """Expected calibration error of held-out scores whose calibration comes from the other folds."""
    p = np.zeros(len(raw))
    for fitted, held_out in _random_folds(labels, n_folds, seed + 1):
        a, b = _platt(raw[fitted], labels[fitted])
        p[held_out] = 1 / (1 + np.exp(-(a * raw[held_out] + b)))
    return calibration_error(p, labels)
