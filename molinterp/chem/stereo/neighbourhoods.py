"""What stands about an atom, up to some bonds away, and the hand that its neighbours make of a tag."""

from __future__ import annotations

from collections.abc import Sequence

from rdkit import Chem

TAGS = {1: Chem.ChiralType.CHI_TETRAHEDRAL_CCW, -1: Chem.ChiralType.CHI_TETRAHEDRAL_CW}
"""Chiral tags by hand; an open centre has the hand 0."""
HANDS = {tag: hand for hand, tag in TAGS.items()}
"""Hands by chiral tag."""
OPEN = 0
"""The hand of a centre that has none."""

Shell = tuple[object, ...]


def shell(atom: Chem.Atom, behind: int, depth: int) -> Shell:
    """An atom, and what stands behind it up to `depth` bonds from the atom number `behind`."""
    own = (atom.GetAtomicNum(), atom.GetIsAromatic(), is_unsaturated(atom))
    if depth == 1:
        return own
    others = [n for n in atom.GetNeighbors() if n.GetIdx() != behind]
    return (*own, *sorted((shell(n, atom.GetIdx(), depth - 1) for n in others), key=repr))


def is_unsaturated(atom: Chem.Atom) -> bool:
    """Whether an atom is a carbon with a double or a triple bond."""
    return atom.GetAtomicNum() == 6 and any(b.GetBondTypeAsDouble() >= 2 for b in atom.GetBonds())


def tetrahedral(mol: Chem.Mol) -> list[int]:
    """Numbers of the atoms that are stereocentres or may be, with a hand or without."""
    # Of a copy: RDKit leaves notes on a molecule, with which the next look at a cage takes longer each time.
    # Of a double bond `centeredOn` is the number of the bond.
    found = Chem.FindPotentialStereo(Chem.Mol(mol))
    return [one.centeredOn for one in found if one.type == Chem.StereoType.Atom_Tetrahedral]


def parity(order: Sequence[int]) -> int:
    """1 for an even permutation, -1 for an odd one."""
    swaps = sum(order[i] > order[j] for i in range(len(order)) for j in range(i + 1, len(order)))
    return -1 if swaps % 2 else 1
