"""Copy the chirality of stereocentres from the ends of a path to the molecules between them.

ECFP4 similarity ignores chirality, and a decoder sometimes gets it wrong. Fused ring systems therefore take
all their centres together from the same rings of an end (`fused_rings`). Any other centre takes the chirality
of the centre of an end with the same environment, compared up to three bonds away. A centre that is
unspecified at the end becomes unspecified. A centre keeps its chirality if the ends disagree or if neither
has a matching centre; so do atoms of two rings if neither end has these rings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import final

from rdkit import Chem

from molinterp.chem.stereo.fused_rings import FusedRings, tagged
from molinterp.chem.stereo.neighbourhoods import SIGNS, TAGS, UNSPECIFIED, Shell, parity, shell, tetrahedral

DEPTHS = (3, 2, 1)
"""Depths, in bonds, to which the environments of centres are compared, the most specific first."""


@final
class EndChirality:
    """Chirality of the ends' stereocentres, by fused ring system and by environment."""

    def __init__(self, *mols: Chem.Mol) -> None:
        """Record every stereocentre of `mols`."""
        self._known: defaultdict[Shell, set[int]] = defaultdict(set)
        self._fused = FusedRings(*mols)
        for mol in mols:
            for atom in _outside_fused_rings(mol, tetrahedral(mol)):
                for environment, order in _environments(atom):
                    self._known[environment].add(order * SIGNS.get(atom.GetChiralTag(), UNSPECIFIED))

    def applied_to(self, mol: Chem.Mol) -> Chem.Mol | None:
        """Return the molecule with the chirality of the ends, or None if it already has it."""
        centres = tetrahedral(mol)
        fused = self._fused.assign(mol, centres)
        others = self._by_environment(mol, (i for i in centres if i not in fused.sure))
        tags = {**fused.likely, **others, **fused.sure}
        wanted = {i: tag for i, tag in tags.items() if tag != mol.GetAtomWithIdx(i).GetChiralTag()}
        return tagged(mol, wanted) if wanted else None

    def _by_environment(self, mol: Chem.Mol, centres: Iterable[int]) -> dict[int, Chem.ChiralType]:
        """Find the tags of centres whose environment occurs at the ends, if these agree."""
        found: dict[int, Chem.ChiralType] = {}
        for atom in _outside_fused_rings(mol, centres) if self._known else ():
            for environment, order in _environments(atom):
                signs = self._known.get(environment, ())
                if len(signs) == 1:
                    (sign,) = signs
                    found[atom.GetIdx()] = TAGS.get(order * sign, Chem.ChiralType.CHI_UNSPECIFIED)
                    break
        return found


def _outside_fused_rings(mol: Chem.Mol, centres: Iterable[int]) -> Iterator[Chem.Atom]:
    """Iterate over the centres that are in one ring at most."""
    rings = mol.GetRingInfo()
    return (mol.GetAtomWithIdx(i) for i in centres if rings.NumAtomRings(i) <= 1)


def _environments(atom: Chem.Atom) -> Iterator[tuple[Shell, int]]:
    """Iterate over the environment of a centre and the parity of its neighbours, at each depth.

    Depths at which two neighbours look the same are skipped.
    """
    for depth in DEPTHS:
        shells = [shell(neighbour, atom.GetIdx(), depth) for neighbour in atom.GetNeighbors()]
        order = sorted(range(len(shells)), key=lambda i: repr(shells[i]))
        if len(set(shells)) == len(shells):
            environment = (depth, atom.GetAtomicNum(), *(shells[i] for i in order))
            yield environment, parity(order)
