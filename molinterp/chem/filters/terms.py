"""Costs of a molecule between two ends that is allowed and yet worse than another: terms of λ.

Each is 0 where nothing speaks against a molecule; how much each weighs is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rdkit import Chem

from molinterp.chem.alerts import is_soft
from molinterp.chem.filters.base import Context
from molinterp.chem.filters.traits import Traits
from molinterp.chem.properties import qed

QED_TOLERANCE = 0.1
"""How far the QED of a molecule may fall below the lower end's at no cost."""


def soft_alerts(traits: Traits, context: Context) -> float:
    """Number of soft alerts of a molecule that no end raises."""
    if not context.soft_alerts_pass:
        return 0.0
    n_alerts = 0
    for name, places in traits.alerts_of(context.catalogues).items():
        there = [end.alerts.get(name, ()) for end in context.ends]
        n_alerts += any(
            is_soft(traits.mol, name, atoms) and not context.excuses(traits, atoms, there) for atoms in places
        )
    return float(n_alerts)


def rare_rings(traits: Traits, context: Context) -> float:
    """Rarity of the ring systems that no end has, in powers of ten; see `RingSystemTable.rarity`."""
    known = frozenset().union(*(end.ring_systems for end in context.ends))
    systems = {system.smiles for system in traits.ring_systems} - known
    return float(sum(context.familiar.ring_systems.rarity(smiles) for smiles in systems))


def foreign_content(traits: Traits, context: Context) -> float:
    """Share of a molecule's atom environments, of radius 0 to 2, that stand in no end, in [0, 1]."""
    own = traits.environments
    foreign = own.keys() - frozenset().union(*(end.environments for end in context.ends))
    return sum(own[i] for i in foreign) / sum(own.values())


TERMS: Mapping[str, Callable[[Traits, Context], float]] = MappingProxyType(
    {"soft_alerts": soft_alerts, "rare_rings": rare_rings, "foreign": foreign_content}
)
"""Name to term, in the order of a report."""


def qed_dip(mol: Chem.Mol, least: float, tolerance: float = QED_TOLERANCE) -> float:
    """Depth of a molecule's QED below the lower end's less a tolerance; 0 above it.

    Args:
        mol: the molecule.
        least: QED of the lower end.
        tolerance: depth that costs nothing.
    """
    return max(0.0, least - tolerance - qed(mol))
