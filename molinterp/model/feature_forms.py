"""Latent forms of features, as terms of λ on the latent space, and the table of all features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, final

import torch
from rdkit import Chem

from molinterp.chem.constraints import Constraint
from molinterp.chem.features import (
    RULES,
    SUBSTRUCTURES,
    ClassifierFeature,
    Feature,
    SubstructureFeature,
    WindowFeature,
)
from molinterp.chem.properties import PROPERTIES
from molinterp.model.output_spaces import property_at
from molinterp.realism.fitting import fit_latent_feature
from molinterp.realism.latent_network import LatentNetwork, log_odds
from molinterp.realism.reference_points import Reference
from molinterp.realism.terms import ProbabilityTerm, Term, WindowTerm

if TYPE_CHECKING:
    from molinterp.model.bundle import Bundle


def latent_term(bundle: Bundle, constraint: Constraint, epsilon: float) -> Term | None:
    """Build the term λ_k of a constraint, or None if its feature has no latent form in this model.

    A feature without a trained latent form, such as `smarts:` and `scaffold`, is fitted on demand on the
    bundle's reference points, if at least 30 of them have it and 30 lack it, and kept for the next path.
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
        network = _fitted_now(bundle, feature)
    if network is None:
        return None
    return ProbabilityTerm(constraint.name, log_odds(network), constraint.is_wanted, epsilon)


COUNTS = ("hbd", "hba", "rotatable_bonds", "rings", "aromatic_rings", "heavy_atoms")
"""Properties that are whole numbers: `hbd=2` is the window from 1.5 to 2.5."""


def _window_of(feature: WindowFeature) -> tuple[float, float]:
    half = 0.5 if feature.column in COUNTS else 0.0
    half = -half if feature.is_open else half
    return feature.low - half, feature.high + half


MIN_EXAMPLES = 30
"""Reference points that have a feature, and that lack it, for a latent form to be fitted."""


def _fitted_now(bundle: Bundle, feature: Feature) -> LatentNetwork | None:
    reference = bundle.realism.reference
    if reference is None:
        return None
    pattern = Chem.MolToSmarts(feature.pattern) if isinstance(feature, SubstructureFeature) else ""
    network = _fitted_once(_FeatureFit(reference, feature, (feature.name, pattern)))
    # `to` moves a network in place, and this one is shared.
    return None if network is None else LatentNetwork.from_state(network.state_dict()).to(bundle.device)


@final
@dataclass(frozen=True)
class _FeatureFit:
    """Input of the fit of a latent form; two are equal if the points and the text of the feature are."""

    reference: Reference
    feature: Feature = field(compare=False)
    key: tuple[str, str]


@lru_cache(maxsize=16)
def _fitted_once(fit: _FeatureFit) -> LatentNetwork | None:
    """Fit a feature once for all pairs of a batch, as a fit takes seconds."""
    reference = fit.reference
    has = torch.from_numpy(fit.feature.scores([Chem.MolFromSmiles(s) for s in reference.smiles]))
    if not MIN_EXAMPLES <= int(has.sum()) <= len(has) - MIN_EXAMPLES:
        return None
    return fit_latent_feature(reference.z, has)


def feature_table(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """Return all features that a path can keep, by name: their kind, meaning and metrics."""
    latent = bundle.realism.facts.get("features", {})
    table: dict[str, dict[str, Any]] = {}
    for name, classifier in bundle.classifiers.items():
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
