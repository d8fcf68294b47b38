"""Locate a failure in a molecule: the atoms that it is due to, whatever the rest of the molecule is.

A hybrid that fails at one place fails with every other hybrid that is the same about that place, so that a
search need not look at those.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from types import MappingProxyType

from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molinterp.chem.alerts import matched_alerts
from molinterp.chem.environments import environments
from molinterp.chem.filters.base import Context
from molinterp.chem.unstable_groups import matched_groups

_Strike = Callable[[Context, Chem.Mol], Iterable[Collection[int]]]


def places_of(context: Context, mol: Chem.Mol, fault: str) -> list[frozenset[int]]:
    """Atoms that a failure is due to, one set a place; none if it is due to the whole molecule.

    Args:
        context: in which the molecule fails.
        mol: the molecule.
        fault: name of the filter that it fails.
    """
    if fault not in _STRIKES:
        return []
    strike, reach = _STRIKES[fault]
    return [_about(mol, atoms, reach) for atoms in strike(context, mol)]


def _about(mol: Chem.Mol, atoms: Collection[int], reach: int) -> frozenset[int]:
    out = set(atoms)
    for _ in range(reach):
        out |= {n.GetIdx() for i in tuple(out) for n in mol.GetAtomWithIdx(i).GetNeighbors()}
    return frozenset(out)


def _rings(context: Context, mol: Chem.Mol) -> Iterable[Collection[int]]:
    allowed = context.ring_sizes
    return (r for r in mol.GetRingInfo().AtomRings() if allowed is not None and len(r) not in allowed)


def _strange(context: Context, mol: Chem.Mol) -> Iterable[Collection[int]]:
    """Atoms whose environment of radius 1 is unknown."""
    output = rdFingerprintGenerator.AdditionalOutput()
    output.AllocateBitInfoMap()
    _generator().GetSparseFingerprint(mol, additionalOutput=output)
    known, excused = context.environments.known[1], [environments(end, 1) for end in context.ends]
    for key, places in output.GetBitInfoMap().items():
        number = key & 0xFFFFFFFF
        if number not in known and not any(number in of_end for of_end in excused):
            yield from ((atom,) for atom, _ in places)


@cache
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=1)


def _unstable(context: Context, mol: Chem.Mol) -> Iterable[Collection[int]]:
    return matched_groups(mol, context.groups)


def _alerting(context: Context, mol: Chem.Mol) -> Iterable[Collection[int]]:
    return matched_alerts(mol, context.catalogues, context.alerts)


_STRIKES: Mapping[str, tuple[_Strike, int]] = MappingProxyType(
    {
        "ring": (_rings, 0),
        "unfamiliar": (_strange, 1),
        "unstable": (_unstable, 1),
        "alert": (_alerting, 1),
    }
)
"""Name of a filter to the atoms at fault, and the bonds about them that the failure may depend on."""
