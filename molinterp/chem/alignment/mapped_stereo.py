"""Stereocentres and double bonds whose configuration differs between two molecules under an atom map."""

from __future__ import annotations

from collections.abc import Mapping

from rdkit import Chem

_HANDS = {Chem.ChiralType.CHI_TETRAHEDRAL_CCW: 1, Chem.ChiralType.CHI_TETRAHEDRAL_CW: -1}
_SIDES = {
    Chem.BondStereo.STEREOCIS: 1,
    Chem.BondStereo.STEREOZ: 1,
    Chem.BondStereo.STEREOTRANS: -1,
    Chem.BondStereo.STEREOE: -1,
}
_NONE = -1
"""Stands for the neighbour that is not mapped, or for the hydrogen that is not written."""


def inverted_centres(a: Chem.Mol, b: Chem.Mol, pairs: Mapping[int, int]) -> list[int]:
    """Mapped stereocentres (atoms of A) whose partners have the opposite handedness, neighbours matched.

    A centre is judged where it is specified in both molecules and at most one of its neighbours, hydrogen
    counted, is not mapped.
    """
    found = []
    for atom in a.GetAtoms():
        hand = _HANDS.get(atom.GetChiralTag(), 0)
        if not hand or atom.GetIdx() not in pairs:
            continue
        partner = b.GetAtomWithIdx(pairs[atom.GetIdx()])
        other = _HANDS.get(partner.GetChiralTag(), 0)
        if not other:
            continue
        parity = _parity(atom, partner, pairs)
        if parity and hand * parity != other:
            found.append(atom.GetIdx())
    return found


def _parity(atom: Chem.Atom, partner: Chem.Atom, pairs: Mapping[int, int]) -> int:
    """Sign of the permutation from an atom's neighbours to its partner's; 0 where they do not match."""
    theirs = [n.GetIdx() for n in partner.GetNeighbors()]
    mine = [pairs.get(n.GetIdx(), _NONE) for n in atom.GetNeighbors()]
    mine = [j if j in theirs else _NONE for j in mine]
    theirs = [j if j in mine else _NONE for j in theirs]
    # RDKit reads the hydrogen that is not written as the last neighbour.
    mine += [_NONE] * (4 - len(mine))
    theirs += [_NONE] * (4 - len(theirs))
    if len(mine) != 4 or len(theirs) != 4 or mine.count(_NONE) > 1 or sorted(mine) != sorted(theirs):
        return 0
    places = [theirs.index(j) for j in mine]
    swaps = sum(places[x] > places[y] for x in range(4) for y in range(x + 1, 4))
    return -1 if swaps % 2 else 1


def flipped_bonds(a: Chem.Mol, b: Chem.Mol, pairs: Mapping[int, int]) -> list[tuple[int, int]]:
    """Common double bonds (atoms of A), cis in one molecule and trans in the other, neighbours matched."""
    found = []
    for bond in a.GetBonds():
        side = _SIDES.get(bond.GetStereo(), 0)
        ends = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        if not side or not all(i in pairs for i in ends):
            continue
        partner = b.GetBondBetweenAtoms(pairs[ends[0]], pairs[ends[1]])
        other = _SIDES.get(partner.GetStereo(), 0) if partner is not None else 0
        if other and side * _sign(bond, partner, a, b, pairs) == -other:
            found.append(ends)
    return found


def _sign(bond: Chem.Bond, partner: Chem.Bond, a: Chem.Mol, b: Chem.Mol, pairs: Mapping[int, int]) -> int:
    """1 if the reference atoms of two bonds match, -1 if one of the two does not, 0 if that is unknown."""
    sign = 1
    theirs = set(partner.GetStereoAtoms())
    for end, reference in zip(
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()), bond.GetStereoAtoms(), strict=True
    ):
        across = bond.GetOtherAtomIdx(end)
        here = {n.GetIdx() for n in b.GetAtomWithIdx(pairs[end]).GetNeighbors()} - {pairs[across]}
        image, named = pairs.get(reference), theirs & here
        others = [
            n.GetIdx() for n in a.GetAtomWithIdx(end).GetNeighbors() if n.GetIdx() not in (across, reference)
        ]
        images = {pairs[k] for k in others if k in pairs}
        if image in named:
            continue
        if image in here or named & images:
            sign = -sign
        else:
            # The only neighbour on either side changed for another: what replaces it stands in its place.
            sign = sign if not others and len(here) == 1 else 0
        if not sign:
            return 0
    return sign
