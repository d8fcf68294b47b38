"""From a bundle and what is asked of a path to λ on latent space and its judge on molecules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Real
from types import MappingProxyType
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem
from torch import Tensor

from molinterp.chem.classifier import MoleculeClassifier, shipped_classifiers
from molinterp.chem.constraints import Constraint, Mode, parse_constraints
from molinterp.chem.features import (
    RULES,
    SUBSTRUCTURES,
    ClassifierFeature,
    Feature,
    SubstructureFeature,
    WindowFeature,
    nearest,
)
from molinterp.chem.properties import PROPERTIES
from molinterp.errors import InputError
from molinterp.metrics import calibration_error, rank_agreement, roc_auc
from molinterp.model.bundle import Bundle
from molinterp.model.encoding import encode_all
from molinterp.model.output_spaces import property_at
from molinterp.realism.fitting import fit_latent_feature
from molinterp.realism.latent_network import LatentNetwork
from molinterp.realism.reference_points import Reference
from molinterp.realism.terms import (
    EPSILON,
    FLOOR,
    DensityTerm,
    ProbabilityTerm,
    Realism,
    Term,
    WindowTerm,
)

WEIGHTS: Mapping[str, float] = MappingProxyType({"density": 0.05, "validity": 0.3, "feature": 20.0})
"""Default w_k by kind of term; see docs/realism.md for what was tried."""


@final
@dataclass(frozen=True)
class Restraints:
    """What holds a path to real molecules and to the features asked for."""

    realism: Realism
    """λ, a callable z (..., dim) -> (...,)."""
    constraints: tuple[Constraint, ...]
    """The features asked for, in their molecule form."""
    notes: tuple[str, ...]
    """What a reader should know: ends that break a constraint, features without a latent form."""

    def fault(self, mol: Chem.Mol) -> str | None:
        """The constraint that a molecule breaks wherever it stands, as "keep bbb"; None where none."""
        return next((c.name for c in self.constraints if not c.allows(mol)), None)

    def scores(self, mols: Sequence[Chem.Mol]) -> list[dict[str, float]]:
        """For each molecule, feature to its score in [0, 1]."""
        columns = {c.feature.name: c.feature.scores(mols) for c in self.constraints}
        return [{name: float(v[i]) for name, v in columns.items()} for i in range(len(mols))]

    def broken_at(self, mols: Sequence[Chem.Mol]) -> dict[str, list[int]]:
        """For each constraint that a path breaks, the places of the molecules that do so."""
        found = {c.name: c.broken_at(c.feature.holds(mols)) for c in self.constraints}
        return {name: places for name, places in found.items() if places}

    def terms_at(self, z: Tensor) -> list[dict[str, float]]:
        """For each point of z (n, dim), term to its λ_k, unweighted."""
        with torch.no_grad():
            columns = {name: value.tolist() for name, value in self.realism.by_term(z).items()}
        return [{name: v[i] for name, v in columns.items()} for i in range(len(z))]


def restrain(
    bundle: Bundle,
    start: Chem.Mol,
    end: Chem.Mol,
    *,
    keep: Sequence[str] = (),
    gain: Sequence[str] = (),
    lose: Sequence[str] = (),
    avoid: Sequence[str] = (),
    density: bool = True,
    validity: bool = True,
    weights: Mapping[str, float] = WEIGHTS,
    epsilon: float = EPSILON,
    floor: float = FLOOR,
) -> Restraints:
    """λ and judge of a path between two compounds.

    A bundle in which a part was not fitted goes without it; a note says so.

    Args:
        bundle: the model.
        start: one end, standardised.
        end: the other.
        keep: features that all molecules shall have, in the language of `molinterp.chem.features`.
        gain: features that the start may lack; once gained they stay.
        lose: features that the start may have; once lost they stay away.
        avoid: features that no molecule shall have.
        density: whether the density of encoded compounds counts.
        validity: whether the validity of decodes counts.
        weights: w_k by name: density, validity, feature for all features, or one asked for by its own
            name; those not named keep their defaults.
        epsilon: ε of Q = ε/2 + (1 - ε) p, in (0, 1).
        floor: λ_0 > 0.

    Raises:
        InputError: a text names no feature, or a number is out of range.
    """
    requests = {Mode.KEEP: keep, Mode.GAIN: gain, Mode.LOSE: lose, Mode.AVOID: avoid}
    constraints = constraints_of(bundle, (start, end), requests, weights, epsilon)
    models, terms, notes = bundle.realism, list[Term](), list[str]()
    if density and models.index is not None:
        terms.append(DensityTerm(models.index))
    if validity and models.validity is not None:
        terms.append(ProbabilityTerm("validity", _log_odds(models.validity), True, epsilon))
    missing = [n for n, m in (("density", models.index), ("validity", models.validity)) if m is None]
    if missing:
        notes.append(f"bundle '{bundle.name}' has no {' and no '.join(missing)}; see `molinterp fit`")
    for constraint in constraints:
        fault = constraint.fault_of_ends(start, end)
        notes += [fault] if fault else []
        term = latent_term(bundle, constraint, epsilon)
        if term is None:
            notes.append(f"{constraint.name}: judged on molecules alone; the bundle has no latent form of it")
        else:
            terms.append(term)
    chosen = tuple(_weight(term.name, weights) for term in terms)
    return Restraints(Realism(tuple(terms), chosen, floor), constraints, tuple(notes))


def constraints_of(
    bundle: Bundle,
    ends: Sequence[Chem.Mol],
    requests: Mapping[Mode, Sequence[str]],
    weights: Mapping[str, float] = WEIGHTS,
    epsilon: float = EPSILON,
) -> tuple[Constraint, ...]:
    """The features that are asked for, once all that goes with them is found to be in range.

    Args:
        bundle: whose classifiers can be asked for.
        ends: the two ends of the path.
        requests: mode to texts of the feature language.
        weights: as in `restrain`.
        epsilon: as in `restrain`.

    Raises:
        InputError: a text names no feature, a text stands where a list should, or a number is out of range.
    """
    if not 0 < epsilon < 1:
        raise InputError(f"`epsilon` must be in (0, 1), as the ε of Q; got {epsilon}.")
    constraints = parse_constraints(requests, classifiers_of(bundle), ends)
    _check_weights(weights, [c.feature.name for c in constraints])
    return constraints


def _check_weights(weights: Mapping[str, float], asked: Sequence[str]) -> None:
    names = [*WEIGHTS, *asked]
    for name, weight in weights.items():
        if name not in names:
            raise InputError(f"`weights` must name some of {', '.join(names)}; got {name!r}.")
        if not isinstance(weight, Real) or not 0 <= weight < math.inf:
            raise InputError(f"`weights` must be at least 0 and finite; got {weight!r} for {name}.")


def _weight(name: str, weights: Mapping[str, float]) -> float:
    feature = name.partition(" ")[2] or name
    kind = name if name in ("density", "validity") else "feature"
    return weights.get(feature, weights.get(kind, WEIGHTS[kind]))


def classifiers_of(bundle: Bundle) -> dict[str, MoleculeClassifier]:
    """Molecule-level classifiers that a bundle can use: those that ship, and its own."""
    return {**shipped_classifiers(), **bundle.realism.classifiers}


def latent_term(bundle: Bundle, constraint: Constraint, epsilon: float = EPSILON) -> Term | None:
    """The λ_k of a constraint, or None where the bundle has no latent form of its feature.

    A feature without a trained latent form, as `smarts:` and `scaffold`, is taught here and now on the
    bundle's reference points, where at least 30 of them have it and 30 lack it; for the next path it is
    still known.
    """
    feature, models = constraint.feature, bundle.realism
    if isinstance(feature, WindowFeature):
        if not models.precision or feature.column not in bundle.property_names:
            return None
        predict = property_at(bundle, feature.column)
        low, high = _window_of(feature)
        return WindowTerm(constraint.name, predict, low, high, constraint.is_wanted, epsilon)
    network = models.validity if feature.name == "clean" else models.features.get(feature.name)
    if network is None and not isinstance(feature, ClassifierFeature):
        network = _taught_now(bundle, feature)
    if network is None:
        return None
    return ProbabilityTerm(constraint.name, _log_odds(network), constraint.is_wanted, epsilon)


COUNTS = ("hbd", "hba", "rotatable_bonds", "rings", "aromatic_rings", "heavy_atoms")
"""Properties that are whole numbers: `hbd=2` is the window from 1.5 to 2.5."""


def _window_of(feature: WindowFeature) -> tuple[float, float]:
    half = 0.5 if feature.column in COUNTS else 0.0
    half = -half if feature.is_open else half
    return feature.low - half, feature.high + half


MIN_EXAMPLES = 30
"""Reference points that have a feature, and that lack it, for a latent form to be taught."""


def _taught_now(bundle: Bundle, feature: Feature) -> LatentNetwork | None:
    reference = bundle.realism.reference
    if reference is None:
        return None
    pattern = Chem.MolToSmarts(feature.pattern) if isinstance(feature, SubstructureFeature) else ""
    network = _taught_once(_Lesson(reference, feature, (feature.name, pattern)))
    # `to` moves a network in place, and this one is shared.
    return None if network is None else LatentNetwork.from_state(network.state_dict()).to(bundle.device)


@final
@dataclass(frozen=True)
class _Lesson:
    """What a latent form is taught on; two are equal where the points and the text of the feature are."""

    reference: Reference
    feature: Feature = field(compare=False)
    key: tuple[str, str]


@lru_cache(maxsize=16)
def _taught_once(lesson: _Lesson) -> LatentNetwork | None:
    """A batch asks for the same feature at each of its pairs, and teaching takes seconds."""
    reference = lesson.reference
    has = torch.from_numpy(lesson.feature.scores([Chem.MolFromSmiles(s) for s in reference.smiles]))
    if not MIN_EXAMPLES <= int(has.sum()) <= len(has) - MIN_EXAMPLES:
        return None
    return fit_latent_feature(reference.z, has)


def _log_odds(network: LatentNetwork) -> Callable[[Tensor], Tensor]:
    return lambda z: network(z)[..., 0]


def feature_table(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """All that a path can be asked to keep: name to kind, meaning and figures."""
    latent = bundle.realism.facts.get("features", {})
    table: dict[str, dict[str, Any]] = {}
    for name, classifier in classifiers_of(bundle).items():
        agreement = latent.get(name, {}).get("rank_agreement")
        table[name] = {"kind": "classifier", **classifier.facts, "rank_agreement": agreement}
    for name, rule in RULES.items():
        agreement = latent.get(name, {}).get("rank_agreement")
        table[name] = {"kind": "rule", "meaning": _first_line(rule), "rank_agreement": agreement}
    of_windows = bundle.realism.facts.get("properties", {})
    for name, value in PROPERTIES.items():
        r2 = of_windows.get(name, {}).get("r2")
        table[name] = {"kind": "property", "meaning": _first_line(value), "r2": r2}
    for name, meaning in SUBSTRUCTURES.items():
        table[name] = {"kind": "substructure", "meaning": meaning}
    return table


def _first_line(function: Callable[..., object]) -> str:
    return (function.__doc__ or "").partition("\n")[0]


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
    classifiers = classifiers_of(bundle)
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
