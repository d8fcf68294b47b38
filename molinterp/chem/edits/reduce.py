"""Reduce: cut a piece off, remove, open or contract a ring, take an atom out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import final

from rdkit import Chem

from molinterp.chem.edits.products import N_CACHED, Goal, Product, capped, pieces_of, sites, unique
from molinterp.chem.edits.swap import SWAPS, flatten


@final
@dataclass(frozen=True)
class Reduce:
    """Products with less than the molecule; the goal does not matter."""

    min_overlap: float = 0.4
    """Least share of the molecule's atoms that a product of a cut keeps."""
    max_branch: int = 2
    """Heavy atoms of a substituent that may go with the ring part that bears it."""

    def __call__(self, mol: Chem.Mol, goal: Goal | None = None) -> tuple[Product, ...]:
        """See `Edit`."""
        return _reductions(Chem.MolToSmiles(mol), self)


@lru_cache(maxsize=N_CACHED)
def _reductions(smiles: str, settings: Reduce) -> tuple[Product, ...]:
    mol = Chem.MolFromSmiles(smiles)
    n = mol.GetNumHeavyAtoms()
    smaller = (capped(p.mol) for p in pieces_of(smiles) if settings.min_overlap * n <= p.n_atoms < n)
    return tuple(unique(chain(smaller, _without_rings(mol, settings.max_branch), _contracted(mol))))


def _kekulised(mol: Chem.Mol) -> Chem.RWMol:
    """Without aromatic bonds, and with hydrogens that follow from the valence once atoms go."""
    editable = Chem.RWMol(mol)
    Chem.Kekulize(editable, clearAromaticFlags=True)
    for atom in editable.GetAtoms():
        if atom.GetAtomicNum() in SWAPS and not atom.GetFormalCharge():
            atom.SetNoImplicit(False)
            atom.SetNumExplicitHs(0)
    return editable


def _without_rings(mol: Chem.Mol, max_branch: int) -> Iterator[Chem.Mol]:
    """Each ring removed with its small substituents, its fused neighbours left; or opened."""
    info = mol.GetRingInfo()
    plain = _kekulised(mol)
    for ring in info.AtomRings():
        own = [i for i in ring if info.NumAtomRings(i) == 1]
        shared = [i for i in ring if info.NumAtomRings(i) > 1]
        if shared and own:
            doomed = set(own)
            found = [b for i in own for b in _branches(mol, i, set(ring), max_branch)]
            branches = [b for b in found if len(b) <= max_branch]
            n_branches = sum(mol.GetAtomWithIdx(i).GetDegree() - 2 for i in own)
            if len(branches) == n_branches:
                yield _fused_rest(plain, doomed.union(*branches), shared)
    for bond in mol.GetBonds():
        if bond.IsInRing() and info.NumBondRings(bond.GetIdx()) == 1 and not bond.GetIsAromatic():
            opened, ends = Chem.RWMol(plain), (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
            flatten(opened, ends)
            opened.RemoveBond(*ends)
            yield opened


def _branches(mol: Chem.Mol, root: int, ring: set[int], max_branch: int) -> list[set[int]]:
    """Atoms of each substituent of a ring atom."""
    out = []
    for neighbour in mol.GetAtomWithIdx(root).GetNeighbors():
        if neighbour.GetIdx() in ring:
            continue
        branch, todo = {neighbour.GetIdx()}, [neighbour]
        while todo and len(branch) <= max_branch:
            for atom in todo.pop().GetNeighbors():
                if atom.GetIdx() != root and atom.GetIdx() not in branch:
                    branch.add(atom.GetIdx())
                    todo.append(atom)
        out.append(branch)
    return out


def _fused_rest(plain: Chem.RWMol, doomed: set[int], shared: list[int]) -> Chem.RWMol:
    rest = Chem.RWMol(plain)
    flatten(rest, shared)
    for i in shared:
        lost = [b for b in plain.GetAtomWithIdx(i).GetBonds() if b.GetOtherAtomIdx(i) in doomed]
        if any(b.GetBondType() == Chem.BondType.DOUBLE for b in lost):
            # The aromatic partner lost its double bond: give it back within the ring that stays.
            _unsaturate(rest, i, doomed, shared)
    rest.BeginBatchEdit()
    for i in doomed:
        rest.RemoveAtom(i)
    rest.CommitBatchEdit()
    return rest


def _unsaturate(rest: Chem.RWMol, atom: int, doomed: set[int], shared: list[int]) -> None:
    for other in shared:
        bond = rest.GetBondBetweenAtoms(atom, other)
        if bond is None or bond.GetBondType() != Chem.BondType.SINGLE:
            continue
        free = all(
            b.GetBondType() == Chem.BondType.SINGLE
            for b in rest.GetAtomWithIdx(other).GetBonds()
            if b.GetOtherAtomIdx(other) not in doomed
        )
        if free and rest.GetAtomWithIdx(other).GetAtomicNum() == 6:
            bond.SetBondType(Chem.BondType.DOUBLE)
            return


def _contracted(mol: Chem.Mol) -> Iterator[Chem.Mol]:
    """Each atom with two single bonds taken out and its neighbours joined; each terminal =X taken off."""
    plain = _kekulised(mol)
    for index in sites(mol):
        atom = plain.GetAtomWithIdx(index)
        bonds = list(atom.GetBonds())
        if any(n.GetFormalCharge() for n in (atom, *atom.GetNeighbors())):
            continue
        if len(bonds) == 1 and bonds[0].GetBondType() != Chem.BondType.SINGLE:
            less = Chem.RWMol(plain)
            flatten(less, [bonds[0].GetOtherAtomIdx(index)])
            less.RemoveAtom(index)
            yield less
        elif len(bonds) == 2 and all(b.GetBondType() == Chem.BondType.SINGLE for b in bonds):
            ends = [b.GetOtherAtomIdx(index) for b in bonds]
            if plain.GetBondBetweenAtoms(*ends) is None:
                less = Chem.RWMol(plain)
                flatten(less, ends)
                less.AddBond(ends[0], ends[1], Chem.BondType.SINGLE)
                less.RemoveAtom(index)
                yield less
