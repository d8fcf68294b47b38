"""Environments of atoms up to a few bonds away, and the signs of chiral tags."""

from __future__ import annotations

from collections.abc import Sequence

from rdkit import Chem

TAGS = {1: Chem.ChiralType.CHI_TETRAHEDRAL_CCW, -1: Chem.ChiralType.CHI_TETRAHEDRAL_CW}
"""Chiral tag by its sign: 1 counterclockwise, -1 clockwise, in the order of the neighbours."""
SIGNS = {tag: sign for sign, tag in TAGS.items()}
"""Sign by chiral tag."""
UNSPECIFIED = 0
"""Sign of a centre without a chiral tag."""

Shell = tuple[object, ...]


def shell(atom: Chem.Atom, behind: int, depth: int) -> Shell:
    """Describe an atom and those behind it, up to `depth` bonds from the atom with index `behind`."""
    own = (atom.GetAtomicNum(), atom.GetIsAromatic(), is_unsaturated(atom))
    if depth == 1:
        return own
    others = [n for n in atom.GetNeighbors() if n.GetIdx() != behind]
    return (*own, *sorted((shell(n, atom.GetIdx(), depth - 1) for n in others), key=repr))


def is_unsaturated(atom: Chem.Atom) -> bool:
    """Whether an atom is a carbon with a double or a triple bond."""
    return atom.GetAtomicNum() == 6 and any(b.GetBondTypeAsDouble() >= 2 for b in atom.GetBonds())


def tetrahedral(mol: Chem.Mol) -> list[int]:
    """Return the indices of actual and potential tetrahedral stereocentres, specified or not."""
    # A copy, because RDKit stores properties on the molecule that slow down the next call for cages.
    # For a double bond, `centeredOn` is the index of the bond.
    found = Chem.FindPotentialStereo(Chem.Mol(mol))
    return [one.centeredOn for one in found if one.type == Chem.StereoType.Atom_Tetrahedral]


def parity(order: Sequence[int]) -> int:
    """Return 1 for an even permutation, -1 for an odd one."""
    swaps = sum(order[i] > order[j] for i in range(len(order)) for j in range(i + 1, len(order)))
    return -1 if swaps % 2 else 1
