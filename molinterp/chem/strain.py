"""Strained sites that no pattern describes: bridgehead alkenes, and small rings fused trans.

Bredt, Justus Liebigs Ann. Chem. 1924; Fawcett, Bredt's Rule of Double Bonds in Atomic-Bridged-Ring
Structures, Chem. Rev. 1950; Eliel and Wilen, Stereochemistry of Organic Compounds, 1994, on fused rings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

MIN_TRANS_RING = 8
"""Atoms of the smallest ring that holds a trans double bond in a compound that can be kept."""
SMALL_FUSED = (3, 4)
"""Sizes of rings whose trans fusion to a ring of three atoms no compound that can be kept has."""


def bridgehead_alkenes(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Double bonds at a bridgehead of a bicycle too small for them: the two atoms of each, bridgehead first.

    Such a bond is trans in the larger of the two rings that hold it.
    """
    if mol.GetRingInfo().NumRings() < 2:
        return []
    heads: Any = []
    rdMolDescriptors.CalcNumBridgeheadAtoms(mol, atoms=heads)
    return [
        (head, bond.GetOtherAtomIdx(head))
        for head in sorted(set(heads))
        for bond in mol.GetAtomWithIdx(head).GetBonds()
        if bond.GetBondType() == Chem.BondType.DOUBLE and bond.IsInRing()
        if _largest_ring(mol, head, bond.GetOtherAtomIdx(head)) < MIN_TRANS_RING
    ]


def _largest_ring(mol: Chem.Mol, head: int, other: int) -> int:
    """Largest of the smallest rings through a double bond and each further ring bond of its bridgehead."""
    sizes = []
    for bond in mol.GetAtomWithIdx(head).GetBonds():
        neighbour = bond.GetOtherAtomIdx(head)
        if bond.IsInRing() and neighbour != other:
            sizes.append(_distance_around(mol, head, other, neighbour) + 2)
    return max(sizes, default=0)


def _distance_around(mol: Chem.Mol, barred: int, start: int, goal: int) -> int:
    """Bonds between two atoms on the shortest way that avoids a third."""
    seen, front, n_bonds = {barred, start}, [start], 0
    while front and goal not in seen:
        n_bonds += 1
        reached = {n.GetIdx() for i in front for n in mol.GetAtomWithIdx(i).GetNeighbors()} - seen
        seen |= reached
        front = list(reached)
    return n_bonds


def trans_fusions(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Bonds that fuse a ring of three atoms trans to one of three or four: the two atoms of each."""
    rings = mol.GetRingInfo().AtomRings()
    small = [r for r in rings if len(r) in SMALL_FUSED]
    pairs = [(r, s) for r in small if len(r) == 3 for s in small if s is not r and len(set(r) & set(s)) == 2]
    found = {tuple(sorted(set(r) & set(s))) for r, s in pairs if _is_trans(mol, r, s)}
    return sorted(found)


def _is_trans(mol: Chem.Mol, first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether two rings that share a bond are fused trans; not where their centres bear no stereo.

    A mirror plane through the middle of the bond turns one centre of a cis fusion into the other.
    """
    parities = []
    a, b = sorted(set(first) & set(second))
    for centre, partner in ((a, b), (b, a)):
        order = [partner, *(_next_in(mol, centre, partner, ring) for ring in (first, second))]
        parities.append(_parity(mol.GetAtomWithIdx(centre), order))
    return 0 not in parities and parities[0] == parities[1]


def _next_in(mol: Chem.Mol, centre: int, partner: int, ring: tuple[int, ...]) -> int:
    """Neighbour of an atom in a ring, other than `partner`."""
    neighbours = (n.GetIdx() for n in mol.GetAtomWithIdx(centre).GetNeighbors())
    return next(i for i in neighbours if i in ring and i != partner)


def _parity(atom: Chem.Atom, order: list[int]) -> int:
    """Handedness of a centre seen with its neighbours in an order, the rest last: 1 or -1, 0 if unknown."""
    tags = {Chem.ChiralType.CHI_TETRAHEDRAL_CW: 1, Chem.ChiralType.CHI_TETRAHEDRAL_CCW: -1}
    own = [n.GetIdx() for n in atom.GetNeighbors()]
    wanted = [*order, *(i for i in own if i not in order)]
    places = [own.index(i) for i in wanted]
    n_swaps = sum(x > y for k, x in enumerate(places) for y in places[k + 1 :])
    return tags.get(atom.GetChiralTag(), 0) * (-1) ** n_swaps


def strained_sites(mol: Chem.Mol) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and atoms of each strained site."""
    for atoms in bridgehead_alkenes(mol):
        yield "bridgehead alkene", atoms
    for atoms in trans_fusions(mol):
        yield "trans-fused small rings", atoms
