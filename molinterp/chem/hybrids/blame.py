"""Locate a failure in a molecule: the atoms that it is due to, whatever the rest of the molecule is.

A hybrid that fails at one place fails with every other hybrid that is the same about that place, so that a
search need not look at those.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType

from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molinterp.chem.filters.base import Context, Failure

REACH: Mapping[str, int] = MappingProxyType({"ring": 0, "ring-system": 1, "unstable": 1, "alert": 1})
"""Name of a filter to the bonds about the atoms at fault that its failure may depend on."""


def places_of(context: Context, mol: Chem.Mol, failure: Failure) -> list[frozenset[int]]:
    """Atoms that a failure is due to, one set a place; none if it is due to the whole molecule.

    Args:
        context: in which the molecule fails.
        mol: the molecule.
        failure: of a filter.
    """
    if failure.name == "unfamiliar":
        return [_about(mol, (atom,), 1) for atom in _strange(context, mol)]
    if failure.name not in REACH or not failure.atoms:
        return []
    return [_about(mol, failure.atoms, REACH[failure.name])]


def _about(mol: Chem.Mol, atoms: Collection[int], reach: int) -> frozenset[int]:
    out = set(atoms)
    for _ in range(reach):
        out |= {n.GetIdx() for i in tuple(out) for n in mol.GetAtomWithIdx(i).GetNeighbors()}
    return frozenset(out)


def _strange(context: Context, mol: Chem.Mol) -> list[int]:
    """Atoms whose environment of radius 1 is unknown."""
    output = rdFingerprintGenerator.AdditionalOutput()
    output.AllocateBitInfoMap()
    _generator().GetSparseFingerprint(mol, additionalOutput=output)
    known = context.familiar.environments.known[1]
    out = []
    for key, places in output.GetBitInfoMap().items():
        number = key & 0xFFFFFFFF
        if number not in known and not any(number in end.environments for end in context.ends):
            out += [atom for atom, _ in places]
    return out


@cache
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=1)
