"""Where in a molecule a filter strikes: the atoms that a fault is due to, whatever the rest of the molecule is.

A hybrid that fails at one place fails with every other hybrid that is the same about that place, which a search
then need not look at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache

from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molinterp.chem.alerts import matched_alerts
from molinterp.chem.judge import Judge
from molinterp.chem.stability import matched_groups

REACH = {"ring": 0, "unfamiliar": 1, "unstable": 1, "alert": 1}
"""Bonds about the atoms at fault that the fault may depend on, by fault."""


def places_of(judge: Judge, mol: Chem.Mol, fault: str) -> list[frozenset[int]]:
    """Atoms that a fault is due to, one set a place; none where it is due to the whole molecule.

    Args:
        judge: that found the fault.
        mol: the molecule.
        fault: what the judge said against it.
    """
    found = _STRIKES[fault](judge, mol) if fault in _STRIKES else ()
    return [_about(mol, atoms, REACH[fault]) for atoms in found]


def _about(mol: Chem.Mol, atoms: Collection[int], reach: int) -> frozenset[int]:
    out = set(atoms)
    for _ in range(reach):
        out |= {n.GetIdx() for i in tuple(out) for n in mol.GetAtomWithIdx(i).GetNeighbors()}
    return frozenset(out)


def _rings(judge: Judge, mol: Chem.Mol) -> Iterable[Collection[int]]:
    return (ring for ring in mol.GetRingInfo().AtomRings() if len(ring) not in judge.ring_sizes)


def _strange(judge: Judge, mol: Chem.Mol) -> Iterable[Collection[int]]:
    """Atoms whose environment of radius 1 is unknown."""
    output = rdFingerprintGenerator.AdditionalOutput()
    output.AllocateBitInfoMap()
    _generator().GetSparseFingerprint(mol, additionalOutput=output)
    for number, places in output.GetBitInfoMap().items():
        if not judge.is_known(number & 0xFFFFFFFF, 1):
            yield from ((atom,) for atom, _ in places)


@cache
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=1)


def _unstable(judge: Judge, mol: Chem.Mol) -> Iterable[Collection[int]]:
    return matched_groups(mol, judge.allowed_groups)


def _alerting(judge: Judge, mol: Chem.Mol) -> Iterable[Collection[int]]:
    return matched_alerts(mol, judge.catalogues, judge.allowed_alerts)


_STRIKES = {"ring": _rings, "unfamiliar": _strange, "unstable": _unstable, "alert": _alerting}
