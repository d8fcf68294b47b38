"""Stereo between two aligned compounds: which way each centre and double bond of a hybrid points.

The neighbours of a centre stand in *slots*: a common neighbour has one slot at both ends, and what one end
has alone shares its slot with what the other has in its place. A hybrid's centre then points as the end that
has it; where both ends have it and disagree, turning it is a block of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from rdkit import Chem

from molinterp.chem.hybrids.blocks import HAND, Block
from molinterp.chem.hybrids.overlay import Overlay, Pair
from molinterp.chem.stereo.neighbourhoods import SIGNS, TAGS, UNSPECIFIED, parity

HYDROGEN = -1
"""A neighbour that is not written out: a hydrogen or a lone pair."""
_CIS = {
    Chem.BondStereo.STEREOZ: 0,
    Chem.BondStereo.STEREOCIS: 0,
    Chem.BondStereo.STEREOE: 1,
    Chem.BondStereo.STEREOTRANS: 1,
}

Slots = tuple[tuple[int | None, int | None], ...]
"""Occupants at the start and at the end; None where that end has no such neighbour."""


def slots_of(start: Sequence[int], end: Sequence[int]) -> Slots:
    """Slots of the neighbours that an atom has at the two ends: common ones together, the rest in order."""
    pairs: list[tuple[int | None, int | None]] = [(k, k if k in end else None) for k in start]
    waiting = [k for k in end if k not in start]
    for place, (first, second) in enumerate(pairs):
        if second is None and waiting:
            pairs[place] = (first, waiting.pop(0))
    return (*pairs, *((None, k) for k in waiting))


def slot_in(slots: Slots, node: int) -> int | None:
    """Number of the slot in which a neighbour stands."""
    return next((i for i, occupants in enumerate(slots) if node in occupants), None)


@final
@dataclass(frozen=True)
class Centre:
    """A tetrahedral centre of one end or both."""

    node: int
    """The centre."""
    slots: Slots
    """Its four neighbours."""
    hands: tuple[int, int]
    """As the start and as the end has it, over the slots in their order; equal but for those with a block."""

    def tag(self, side: int, neighbours: Sequence[int]) -> Chem.ChiralType:
        """The chiral tag that points as one end does, for neighbours in the order of their bonds."""
        order = [slot_in(self.slots, k) for k in neighbours]
        known = [i for i in order if i is not None]
        if len(set(known)) != len(order) or not 3 <= len(order) <= 4:
            return Chem.ChiralType.CHI_UNSPECIFIED
        known += [i for i in range(4) if i not in known]
        return TAGS.get(parity(known) * self.hands[side], Chem.ChiralType.CHI_UNSPECIFIED)


@final
@dataclass(frozen=True)
class DoubleBond:
    """A double bond with a configuration at one end or both."""

    bond: Pair
    """The bond."""
    slots: tuple[Slots, Slots]
    """The two places at each of its atoms."""
    is_trans: tuple[int, int]
    """Whether the first places lie across the bond, as the start and as the end has it."""

    def across(self, side: int, neighbours: tuple[int, int]) -> bool | None:
        """Whether two neighbours, one of each atom, lie across the bond; None where that is open."""
        places = [slot_in(s, k) for s, k in zip(self.slots, neighbours, strict=True)]
        if None in places or any(p is not None and p > 1 for p in places):
            return None
        return bool((self.is_trans[side] + sum(p for p in places if p is not None)) % 2)


@final
class Handedness:
    """All centres and double bonds with a configuration, and the blocks in which the two ends disagree."""

    def __init__(self, overlay: Overlay) -> None:
        """Compare the configurations of two aligned compounds."""
        self.centres: dict[int, Centre] = {}
        self.double_bonds: dict[Pair, DoubleBond] = {}
        self.blocks: list[Block] = []
        self._overlay = overlay
        for node in range(len(overlay.nodes)):
            centre = self._centre(node)
            if centre is not None:
                self.centres[node] = centre
                if centre.hands[0] != centre.hands[1]:
                    self.blocks.append(Block(HAND, frozenset({node}), frozenset()))
        for bond in dict.fromkeys((*overlay.bonds[0], *overlay.bonds[1])):
            double = self._double_bond(bond)
            if double is not None:
                self.double_bonds[bond] = double
                if double.is_trans[0] != double.is_trans[1]:
                    self.blocks.append(Block(HAND, frozenset(bond), frozenset()))

    def _centre(self, node: int) -> Centre | None:
        sides = [side for side in (0, 1) if self._overlay.nodes[node][side] is not None]
        hands = {s: SIGNS.get(self._overlay.atom(s, node).GetChiralTag(), UNSPECIFIED) for s in sides}
        if not any(hands.values()):
            return None
        places = [self._places(s, node) if s in sides else [] for s in (0, 1)]
        slots = slots_of(*places)
        for side in (0, 1):
            if hands.get(side) and len(places[side]) != 4:
                return None
        if len(slots) != 4:
            slots = slots_of(places[0], []) if hands.get(0) else slots_of(places[1], [])
        over = []
        for side in (0, 1):
            order = [slot_in(slots, k) for k in places[side]] if hands.get(side) else []
            over.append(parity([i for i in order if i is not None]) * hands.get(side, UNSPECIFIED))
        if all(over) and over[0] != over[1]:
            alone = [i for i, (a, b) in enumerate(slots) if a != b and HYDROGEN not in (a, b)]
            if len(alone) > 1:  # Nothing says which of the two took whose place.
                i, j = alone[:2]
                swapped = list(slots)
                swapped[i], swapped[j] = (slots[i][0], slots[j][1]), (slots[j][0], slots[i][1])
                slots, over = tuple(swapped), [over[0], over[0]]
        first, second = over
        return Centre(node, slots, (first or second, second or first))

    def _places(self, side: int, node: int) -> list[int]:
        found = list(self._overlay.neighbours(side, node))
        return [*found, HYDROGEN] if len(found) == 3 else found

    def _double_bond(self, bond: Pair) -> DoubleBond | None:
        across: list[int | None] = []
        slots = tuple(slots_of(*(self._sides(side, bond, k) for side in (0, 1))) for k in bond)
        for side in (0, 1):
            found = self._overlay.bonds[side].get(bond)
            if found is None or found.GetStereo() not in _CIS:
                across.append(None)
                continue
            at = self._overlay.places[side]
            atoms = [at[i] for i in found.GetStereoAtoms()]
            if at[found.GetBeginAtomIdx()] != bond[0]:
                atoms.reverse()
            places = [slot_in(s, k) or 0 for s, k in zip(slots, atoms, strict=True)]
            across.append((_CIS[found.GetStereo()] + sum(places)) % 2)
        first, second = across
        if first is None and second is None:
            return None
        one, other = (first if first is not None else second), (second if second is not None else first)
        assert one is not None and other is not None
        return DoubleBond(bond, (slots[0], slots[1]), (one, other))

    def _sides(self, side: int, bond: Pair, node: int) -> list[int]:
        if self._overlay.nodes[node][side] is None or bond not in self._overlay.bonds[side]:
            return []
        found = [k for k in self._overlay.neighbours(side, node) if k not in bond]
        return [*found, HYDROGEN] if len(found) == 1 else found


def as_end(blocks: Iterable[Block], numbers: Iterable[int]) -> dict[frozenset[int], int]:
    """Nodes of each HAND block to its number."""
    return {b.nodes: i for b, i in zip(blocks, numbers, strict=True) if b.kind == HAND}
