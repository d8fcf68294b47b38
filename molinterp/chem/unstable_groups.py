"""Functional groups and strained sites too unstable to isolate, found in a molecule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from rdkit import Chem

from molinterp.chem.screening import Screen
from molinterp.chem.strain import strained_sites
from molinterp.chem.unstable_table import UNSTABLE

Matches = Mapping[str, tuple[frozenset[int], ...]]
"""Name of a group to the atoms of each place where a molecule has it."""
REASONS: Mapping[str, str] = MappingProxyType(
    {group.name: group.why for group in UNSTABLE}
    | {"bridgehead alkene": "too strained to keep", "trans-fused small rings": "too strained to keep"}
)
"""What becomes of each group, by name."""


@cache
def patterns() -> tuple[Chem.Mol, ...]:
    """Patterns of UNSTABLE, in its order."""
    return tuple(Chem.MolFromSmarts(group.smarts) for group in UNSTABLE)


@cache
def _screen() -> Screen:
    return Screen(patterns())


def unstable_groups(mol: Chem.Mol) -> frozenset[str]:
    """Names of the unstable groups and strained sites of a molecule."""
    return frozenset(unstable_matches(mol))


def unstable_matches(mol: Chem.Mol, possible: Iterable[int] | None = None) -> Matches:
    """Unstable groups and strained sites of a molecule, and where they are.

    Args:
        mol: the molecule.
        possible: indices of UNSTABLE that a screen lets pass; None means to screen.
    """
    found: dict[str, tuple[frozenset[int], ...]] = {}
    for k in _screen().possible(mol) if possible is None else possible:
        places = mol.GetSubstructMatches(patterns()[k])
        if places:
            found[UNSTABLE[k].name] = tuple(frozenset(atoms) for atoms in places)
    for name, atoms in strained_sites(mol):
        found[name] = (*found.get(name, ()), frozenset(atoms))
    return found
