"""The hand of stereocentres between two compounds: as it is at the ends.

Similarity on ECFP4 does not see the hand of a centre, and a decoder gets it wrong now and then. So a centre
between has the hand of the centre at an end that looks like it: the same atoms about it, told apart by what
stands up to three bonds away. Where the end leaves its hand open, it is left open; where the ends
disagree, and in centres that neither end has, it stays as it was found. Atoms of two rings and more are left
alone, since their hands depend on one another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import final

from rdkit import Chem

DEPTHS = (3, 2, 1)
"""Bonds from a centre up to which its surroundings are compared, the most telling first."""
_TAGS = {1: Chem.ChiralType.CHI_TETRAHEDRAL_CCW, -1: Chem.ChiralType.CHI_TETRAHEDRAL_CW}
_HANDS = {tag: hand for hand, tag in _TAGS.items()}
_OPEN = 0

Shell = tuple[object, ...]


@final
class Hands:
    """The hands of the stereocentres of some compounds, by what stands about them."""

    def __init__(self, *mols: Chem.Mol) -> None:
        """Note every centre of `mols` and its hand."""
        self._known: defaultdict[Shell, set[int]] = defaultdict(set)
        for mol in mols:
            for atom in _centres(mol):
                for about, parity in _surroundings(atom):
                    self._known[about].add(parity * _HANDS.get(atom.GetChiralTag(), _OPEN))

    def given(self, mol: Chem.Mol) -> Chem.Mol | None:
        """The molecule with the hands that are known here; None where it has them already."""
        wanted: dict[int, Chem.ChiralType] = {}
        for atom in _centres(mol) if self._known else ():
            for about, parity in _surroundings(atom):
                hands = self._known.get(about, ())
                if len(hands) == 1:
                    (hand,) = hands
                    tag = _TAGS.get(parity * hand, Chem.ChiralType.CHI_UNSPECIFIED)
                    if tag != atom.GetChiralTag():
                        wanted[atom.GetIdx()] = tag
                    break
        if not wanted:
            return None
        turned = Chem.Mol(mol)
        for index, tag in wanted.items():
            turned.GetAtomWithIdx(index).SetChiralTag(tag)
        Chem.AssignStereochemistry(turned, cleanIt=True, force=True)
        return turned


def _centres(mol: Chem.Mol) -> Iterator[Chem.Atom]:
    """Tetrahedral centres, with a hand or without, in one ring at most."""
    rings = mol.GetRingInfo()
    for found in Chem.FindPotentialStereo(mol):
        # Of a double bond `centeredOn` is the number of the bond.
        if found.type == Chem.StereoType.Atom_Tetrahedral and rings.NumAtomRings(found.centeredOn) <= 1:
            yield mol.GetAtomWithIdx(found.centeredOn)


def _surroundings(atom: Chem.Atom) -> Iterator[tuple[Shell, int]]:
    """What stands about a centre, and the parity of its neighbours, at each depth that tells them apart."""
    for depth in DEPTHS:
        shells = [_shell(neighbour, atom.GetIdx(), depth) for neighbour in atom.GetNeighbors()]
        order = sorted(range(len(shells)), key=lambda i: repr(shells[i]))
        if len(set(shells)) == len(shells):
            about = (depth, atom.GetAtomicNum(), *(shells[i] for i in order))
            yield about, _parity(order)


def _shell(atom: Chem.Atom, behind: int, depth: int) -> Shell:
    """An atom, and what stands behind it up to `depth` bonds from the centre."""
    own = (atom.GetAtomicNum(), atom.GetIsAromatic(), _is_unsaturated(atom))
    if depth == 1:
        return own
    others = [n for n in atom.GetNeighbors() if n.GetIdx() != behind]
    return (*own, *sorted((_shell(n, atom.GetIdx(), depth - 1) for n in others), key=repr))


def _is_unsaturated(atom: Chem.Atom) -> bool:
    return atom.GetAtomicNum() == 6 and any(b.GetBondTypeAsDouble() >= 2 for b in atom.GetBonds())


def _parity(order: list[int]) -> int:
    """1 for an even permutation, -1 for an odd one."""
    swaps = sum(order[i] > order[j] for i in range(len(order)) for j in range(i + 1, len(order)))
    return -1 if swaps % 2 else 1
