"""Ring systems: which fused and bridged rings a molecule has, and how common they are among known compounds.

A *ring system* is a set of rings that share bonds, with its heteroatoms, charges, unsaturation and exocyclic
double bonds, without its other substituents. Two rings that share one atom alone are two systems.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log10
from types import MappingProxyType
from typing import final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from molinterp.chem.screening import BondKinds, bond_kinds

MIN_COMPOUNDS = 3
"""Compounds of the reference set that a ring system must stand in to be known."""
N_CACHED = 4096
"""Ring systems whose canonical form is kept, by the order of their atoms."""
_TYPES = {1.5: Chem.BondType.AROMATIC, 2.0: Chem.BondType.DOUBLE, 3.0: Chem.BondType.TRIPLE}
"""Order of a bond to its type; any other is a single bond."""

Arrays = Mapping[str, npt.NDArray[np.uint8] | npt.NDArray[np.uint32]]


@final
@dataclass(frozen=True)
class RingSystem:
    """One ring system of a molecule."""

    smiles: str
    """Canonical SMILES of the system on its own, hydrogens left open; the name that the table knows."""
    atoms: tuple[int, ...]
    """Indices of its atoms in the molecule, in ascending order."""


def ring_systems(mol: Chem.Mol, kinds: BondKinds | None = None) -> tuple[RingSystem, ...]:
    """Ring systems of a molecule.

    Args:
        mol: the molecule.
        kinds: what `bond_kinds` says of it; None means to ask.
    """
    if not mol.GetRingInfo().NumRings():
        return ()
    kinds = kinds or bond_kinds(mol)
    groups = _fused(kinds.rings)
    # Each system of an atom, one but for spiro atoms, with the atom's place in it.
    places: dict[int, dict[int, int]] = {}
    for system, atoms in enumerate(groups):
        for place, atom in enumerate(atoms):
            places.setdefault(atom, {})[system] = place
    inside: list[list[tuple[int, int, float]]] = [[] for _ in groups]
    outside: list[list[tuple[int, int]]] = [[] for _ in groups]
    for i, j, (order, is_ring) in kinds.bonds:
        if is_ring:
            for system in places[i].keys() & places[j].keys():
                inside[system].append((places[i][system], places[j][system], order))
        elif order == 2.0:
            for atom, other in ((i, j), (j, i)):
                for system, place in places.get(atom, {}).items():
                    outside[system].append((place, mol.GetAtomWithIdx(other).GetAtomicNum()))
    found = []
    for atoms, bonds, exocyclic in zip(groups, inside, outside, strict=True):
        own = [mol.GetAtomWithIdx(i) for i in atoms]
        numbers = tuple([(atom.GetAtomicNum(), atom.GetFormalCharge()) for atom in own])
        found.append(RingSystem(_canonical(numbers, tuple(bonds), tuple(exocyclic)), atoms))
    return tuple(found)


def _fused(rings: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Atoms of the rings that share a bond, together."""
    groups: list[set[int]] = []
    for ring in rings:
        merged, apart = set(ring), []
        for group in groups:
            if len(merged & group) > 1:
                merged |= group
            else:
                apart.append(group)
        groups = [*apart, merged]
    return sorted(tuple(sorted(group)) for group in groups)


@lru_cache(maxsize=N_CACHED)
def _canonical(
    atoms: tuple[tuple[int, int], ...],
    bonds: tuple[tuple[int, int, float], ...],
    exocyclic: tuple[tuple[int, int], ...],
) -> str:
    """Canonical SMILES of a ring system.

    Args:
        atoms: atomic number and charge of each atom.
        bonds: two atoms by index and the order of each bond.
        exocyclic: index of an atom with a double bond that leaves the system, and the element there.
    """
    system = Chem.RWMol()
    for number, charge in atoms:
        atom = Chem.Atom(number)
        atom.SetFormalCharge(charge)
        system.AddAtom(atom)
    for i, j, order in bonds:
        system.AddBond(i, j, _TYPES.get(order, Chem.BondType.SINGLE))
        if order == 1.5:
            system.GetAtomWithIdx(i).SetIsAromatic(True)
            system.GetAtomWithIdx(j).SetIsAromatic(True)
    for i, number in exocyclic:
        system.AddBond(i, system.AddAtom(Chem.Atom(number)), Chem.BondType.DOUBLE)
    system.UpdatePropertyCache(strict=False)
    return str(Chem.MolToSmiles(system))


@final
@dataclass(frozen=True)
class RingSystemTable:
    """The ring systems of a reference set of compounds, with the number of compounds that have each."""

    counts: Mapping[str, int]
    """SMILES, as `RingSystem.smiles`, to compounds; those in too few are left out."""
    n_common: int = 1_000
    """Compounds from which on a ring system costs nothing."""

    def is_known(self, smiles: str) -> bool:
        """Whether enough compounds have a ring system."""
        return smiles in self.counts

    def rarity(self, smiles: str) -> float:
        """How rare a ring system is: 0 if common, else the powers of ten that its compounds fall short by."""
        return max(0.0, log10(self.n_common / self.counts.get(smiles, 1)))

    def to_arrays(self) -> dict[str, npt.NDArray[np.uint8] | npt.NDArray[np.uint32]]:
        """SMILES as one text, a line each, in bytes; and their counts, most common first."""
        rows = sorted(self.counts.items(), key=lambda row: (-row[1], row[0]))
        text = "\n".join(smiles for smiles, _ in rows).encode()
        return {
            "smiles": np.frombuffer(text, np.uint8),
            "counts": np.array([n for _, n in rows], np.uint32),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> RingSystemTable:
        """The table that `to_arrays` described.

        Raises:
            ValueError: there are not as many counts as ring systems.
        """
        text = arrays["smiles"].tobytes().decode()
        smiles = text.split("\n") if text else []
        return cls(MappingProxyType(dict(zip(smiles, arrays["counts"].tolist(), strict=True))))


@final
class RingSystemCounter:
    """Counts the compounds that have each ring system."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: Counter[str] = Counter()

    def add(self, mol: Chem.Mol) -> None:
        """Count a compound."""
        self._counts.update({system.smiles for system in ring_systems(mol)})

    def table(self, approved: Iterable[Chem.Mol] = (), min_compounds: int = MIN_COMPOUNDS) -> RingSystemTable:
        """Ring systems in at least `min_compounds` compounds, and all those of approved drugs."""
        kept = {smiles: n for smiles, n in self._counts.items() if n >= min_compounds}
        for mol in approved:
            for system in ring_systems(mol):
                kept[system.smiles] = max(kept.get(system.smiles, 0), min_compounds)
        return RingSystemTable(MappingProxyType(kept))
