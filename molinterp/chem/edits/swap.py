"""Swap: one atom of another element, or one bond of another order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import final

from rdkit import Chem

from molinterp.chem.edits.products import N_CACHED, Goal, Product, sites, unique

SWAPS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {
        6: (7, 8, 9, 16, 17),
        7: (6, 8),
        8: (6, 7, 16),
        9: (6, 17, 8),
        16: (6, 8),
        17: (6, 9),
        35: (17, 6),
    }
)
"""Atomic number to those that may take its place."""


@final
class Swap:
    """Products with one atom or bond swapped, once for each kind of site; the goal does not matter."""

    def __call__(self, mol: Chem.Mol, goal: Goal | None = None) -> tuple[Product, ...]:
        """See `Edit`."""
        return _swaps(Chem.MolToSmiles(mol))


@lru_cache(maxsize=N_CACHED)
def _swaps(smiles: str) -> tuple[Product, ...]:
    mol = Chem.MolFromSmiles(smiles)
    return tuple(unique(chain(_swapped_atoms(mol), _swapped_bonds(mol))))


def flatten(mol: Chem.RWMol, atoms: Iterable[int]) -> None:
    """Forget the configuration of atoms whose neighbours change."""
    for i in atoms:
        mol.GetAtomWithIdx(i).SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)


def _swapped_atoms(mol: Chem.Mol) -> Iterator[Chem.Mol]:
    for index in sites(mol):
        atom = mol.GetAtomWithIdx(index)
        if atom.GetFormalCharge() or atom.GetIsotope():
            continue
        for number in SWAPS.get(atom.GetAtomicNum(), ()):
            if number in (9, 17) and atom.GetDegree() > 1:
                continue
            swapped = Chem.RWMol(mol)
            site = swapped.GetAtomWithIdx(index)
            site.SetAtomicNum(number)
            site.SetNoImplicit(False)
            site.SetNumExplicitHs(0)
            flatten(swapped, [index])
            yield swapped


def _swapped_bonds(mol: Chem.Mol) -> Iterator[Chem.Mol]:
    other = {Chem.BondType.SINGLE: Chem.BondType.DOUBLE, Chem.BondType.DOUBLE: Chem.BondType.SINGLE}
    for bond in mol.GetBonds():
        if bond.GetIsAromatic() or bond.GetBondType() not in other:
            continue
        swapped = Chem.RWMol(mol)
        site = swapped.GetBondWithIdx(bond.GetIdx())
        site.SetBondType(other[bond.GetBondType()])
        site.SetStereo(Chem.BondStereo.STEREONONE)
        ends = (site.GetBeginAtomIdx(), site.GetEndAtomIdx())
        flatten(swapped, ends)
        for i in ends:
            swapped.GetAtomWithIdx(i).SetNoImplicit(False)
            swapped.GetAtomWithIdx(i).SetNumExplicitHs(0)
        yield swapped
