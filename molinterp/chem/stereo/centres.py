"""The hand of stereocentres between two compounds: as it is at the ends.

Similarity on ECFP4 does not see the hand of a centre, and a decoder gets it wrong now and then. So fused
rings between have the hands of the same rings at an end, all together (`fused`), and any other centre that
of the centre at an end that looks like it: the same atoms about it, told apart by what stands up to three
bonds away. Where the end leaves its hand open, it is left open; where the ends disagree, and in centres that
neither end has, it stays as it was found. So do atoms of two rings where no such rings are at the ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import final

from rdkit import Chem

from molinterp.chem.stereo.fused_rings import FusedRings, tagged
from molinterp.chem.stereo.neighbourhoods import HANDS, OPEN, TAGS, Shell, parity, shell, tetrahedral

DEPTHS = (3, 2, 1)
"""Bonds from a centre up to which its surroundings are compared, the most telling first."""


@final
class Hands:
    """The hands of the stereocentres of some compounds, by fused rings and by what stands about them."""

    def __init__(self, *mols: Chem.Mol) -> None:
        """Note every centre of `mols` and its hand."""
        self._known: defaultdict[Shell, set[int]] = defaultdict(set)
        self._fused = FusedRings(*mols)
        for mol in mols:
            for atom in _lone(mol, tetrahedral(mol)):
                for about, order in _surroundings(atom):
                    self._known[about].add(order * HANDS.get(atom.GetChiralTag(), OPEN))

    def given(self, mol: Chem.Mol) -> Chem.Mol | None:
        """The molecule with the hands that are known here; None where it has them already."""
        centres = tetrahedral(mol)
        fused = self._fused.given(mol, centres)
        others = self._alone(mol, (i for i in centres if i not in fused.sure))
        tags = {**fused.likely, **others, **fused.sure}
        wanted = {i: tag for i, tag in tags.items() if tag != mol.GetAtomWithIdx(i).GetChiralTag()}
        return tagged(mol, wanted) if wanted else None

    def _alone(self, mol: Chem.Mol, centres: Iterable[int]) -> dict[int, Chem.ChiralType]:
        """Tags of centres by what stands about each, where the ends agree."""
        found: dict[int, Chem.ChiralType] = {}
        for atom in _lone(mol, centres) if self._known else ():
            for about, order in _surroundings(atom):
                hands = self._known.get(about, ())
                if len(hands) == 1:
                    (hand,) = hands
                    found[atom.GetIdx()] = TAGS.get(order * hand, Chem.ChiralType.CHI_UNSPECIFIED)
                    break
        return found


def _lone(mol: Chem.Mol, centres: Iterable[int]) -> Iterator[Chem.Atom]:
    """Those of some atoms that are in one ring at most."""
    rings = mol.GetRingInfo()
    return (mol.GetAtomWithIdx(i) for i in centres if rings.NumAtomRings(i) <= 1)


def _surroundings(atom: Chem.Atom) -> Iterator[tuple[Shell, int]]:
    """What stands about a centre, and the parity of its neighbours, at each depth that tells them apart."""
    for depth in DEPTHS:
        shells = [shell(neighbour, atom.GetIdx(), depth) for neighbour in atom.GetNeighbors()]
        order = sorted(range(len(shells)), key=lambda i: repr(shells[i]))
        if len(set(shells)) == len(shells):
            about = (depth, atom.GetAtomicNum(), *(shells[i] for i in order))
            yield about, parity(order)
