"""What a path minimises and must satisfy: λ on latent space and the constraints on molecules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from rdkit import Chem
from torch import Tensor

from molinterp.chem.constraints import Constraint, Mode, parse_constraints
from molinterp.errors import InputError
from molinterp.model.protocol import LatentModel
from molinterp.paths.request import TERM_WEIGHTS, PathRequest
from molinterp.realism.terms import Realism


@final
@dataclass(frozen=True)
class PathObjective:
    """λ of a path and the features that were asked for."""

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

    def weighted_terms(self, model: LatentModel, smiles: Sequence[str]) -> list[dict[str, float]]:
        """Weighted λ terms at the latent point of each molecule; none for one that cannot be encoded."""
        known = [s for s in smiles if model.can_encode(s)]
        if not known or not self.realism.terms:
            return [{} for _ in smiles]
        weights = dict(zip(self.realism.names, self.realism.weights, strict=True))
        found = dict(zip(known, self.terms_at(model.posterior(known)[0]), strict=True))
        return [{name: weights[name] * v for name, v in found.get(s, {}).items()} for s in smiles]


def objective_of(model: LatentModel, start: Chem.Mol, end: Chem.Mol, request: PathRequest) -> PathObjective:
    """λ and constraints of a path between two compounds.

    A model in which a part was not fitted goes without it; a note says so.

    Args:
        model: the model.
        start: one end, standardised.
        end: the other.
        request: whose features, weights and ε count.

    Raises:
        InputError: a text names no feature, or a weight no term.
    """
    constraints = constraints_of(model, (start, end), request)
    terms, notes = list(model.realism_terms(request.epsilon)), list[str]()
    missing = [name for name in ("density", "validity") if name not in [t.name for t in terms]]
    if missing:
        notes.append(f"model '{model.name}' has no {' and no '.join(missing)}; see `molinterp fit`")
    for constraint in constraints:
        fault = constraint.fault_of_ends(start, end)
        notes += [fault] if fault else []
        term = model.term(constraint, request.epsilon)
        if term is None:
            notes.append(f"{constraint.name}: judged on molecules alone; the model has no latent form of it")
        else:
            terms.append(term)
    weights = tuple(_weight(term.name, request.term_weights) for term in terms)
    return PathObjective(Realism(tuple(terms), weights), constraints, tuple(notes))


def constraints_of(
    model: LatentModel, ends: Sequence[Chem.Mol], request: PathRequest
) -> tuple[Constraint, ...]:
    """The features that are asked for.

    Args:
        model: whose classifiers can be asked for.
        ends: the two ends of the path.
        request: the features and the weights of their terms.

    Raises:
        InputError: a text names no feature, or a weight no term.
    """
    requests = {
        Mode.KEEP: request.kept,
        Mode.GAIN: request.gain,
        Mode.LOSE: request.lose,
        Mode.AVOID: request.avoid,
    }
    constraints = parse_constraints(requests, model.classifiers, ends)
    names = [*TERM_WEIGHTS, *(c.feature.name for c in constraints)]
    for name in request.term_weights:
        if name not in names:
            raise InputError(
                f"`term_weights` must name some of {', '.join(names)}; got {name!r}.",
                argument="term_weights",
            )
    return constraints


def _weight(name: str, weights: Mapping[str, float]) -> float:
    feature = name.partition(" ")[2] or name
    kind = name if name in ("density", "validity") else "feature"
    return weights.get(feature, weights.get(kind, TERM_WEIGHTS[kind]))
