"""Blocks: what differs between two aligned compounds, in parts that come, go and change whole.

A ring, a multiple bond with its atoms, a group that a chemist takes at once (CF3, CO2H, SO2NH2, NO2, an alkyl
chain) is one block; the rest comes atom by atom. Atoms and bonds that change form together are one block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import final

from rdkit import Chem

from molinterp.chem.hybrids.overlay import BOTH, Item, Overlay, Pair, connected_groups, pair

START, END, FORM, HAND = "start", "end", "form", "hand"
"""Kinds of blocks: of the start alone, of the end alone, of both in another form, an inverted centre."""
MAX_CHAIN = 6
"""Carbons of an alkyl chain that come at once at most."""


@final
@dataclass(frozen=True)
class Block:
    """Atoms and bonds that change together."""

    kind: str
    """START, END, FORM or HAND."""
    nodes: frozenset[int]
    """Nodes that come, go or change their element."""
    bonds: frozenset[Pair]
    """Bonds that come, go or change their order."""
    needs: frozenset[int] = frozenset()
    """Nodes without which the block does not stand: the nitrogen that closes a ring amide."""

    @property
    def reach(self) -> frozenset[int]:
        """Nodes that the block touches."""
        return self.nodes.union(*self.bonds)


def blocks_of(overlay: Overlay) -> list[Block]:
    """All blocks but those of stereo, those of the start first."""
    return [*_own(overlay, 0, START), *_own(overlay, 1, END), *_forms(overlay)]


def _own(overlay: Overlay, side: int, kind: str) -> Iterator[Block]:
    own, bonds = set(overlay.own_nodes(side)), overlay.own_bonds(side)
    items: list[Item] = [*sorted(own), *((side, *x) for x in bonds)]
    links = [
        *_anchored(overlay, side, own, bonds),
        *_rings(overlay, side),
        *_groups(overlay, side, own),
    ]
    for group in connected_groups(items, links):
        nodes = frozenset(k for k in group if isinstance(k, int))
        edges = frozenset(pair(x[1], x[2]) for x in group if not isinstance(x, int))
        # A bond between two blocks needs no block: it stands where both do.
        if nodes or not any(own.intersection(x) for x in edges):
            yield Block(kind, nodes, edges, frozenset(_needs(overlay, side, nodes)))


def _needs(overlay: Overlay, side: int, nodes: frozenset[int]) -> Iterator[int]:
    """Nitrogens that close a ring of which a block is all the rest."""
    for ring in overlay.rings[side]:
        rest = [k for k in ring if k not in nodes]
        if len(rest) == 1 and not overlay.is_common(rest[0]):
            yield from rest


def _anchored(overlay: Overlay, side: int, own: set[int], bonds: list[Pair]) -> Iterator[tuple[Item, Item]]:
    """Each own bond with its atom where that is one alone, each multiple bond with both."""
    for x in bonds:
        ends = own.intersection(x)
        is_multiple = overlay.bonds[side][x].GetBondType() != Chem.BondType.SINGLE
        if len(ends) == 1 or is_multiple:
            yield from (((side, *x), k) for k in ends)


def _rings(overlay: Overlay, side: int) -> Iterator[tuple[Item, Item]]:
    """What one end alone has of a ring, except the nitrogen of an amide, which may go with the acyl group."""
    at = overlay.places[side]
    heads = {at[a.GetIdx()] for a in overlay.ends[side].GetAtoms() if _is_ring_amide(a)}
    for ring in overlay.rings[side]:
        edges = [pair(k, m) for k, m in pairwise((*ring, ring[0]))]
        alone = [k for k in ring if not overlay.is_common(k)]
        apart = heads.intersection(alone) if len(alone) == len(ring) else set()
        members: list[Item] = [
            (side, *x) for x in edges if x not in overlay.bonds[1 - side] and not apart.intersection(x)
        ]
        yield from pairwise([*members, *(k for k in alone if k not in apart)])


def _is_ring_amide(atom: Chem.Atom) -> bool:
    """Whether an atom is nitrogen of one ring that bears an acyl or sulfonyl group outside it."""
    if atom.GetAtomicNum() != 7 or atom.GetIsAromatic() or not atom.IsInRing():
        return False
    if atom.GetOwningMol().GetRingInfo().NumAtomRings(atom.GetIdx()) > 1:
        return False
    return any(_is_acyl(n) for n in atom.GetNeighbors())


def _is_acyl(atom: Chem.Atom) -> bool:
    """Whether an atom is the carbon or sulfur of an acyl or sulfonyl group in a chain."""
    return (
        not atom.IsInRing()
        and atom.GetAtomicNum() in (6, 15, 16)
        and any(
            b.GetBondType() == Chem.BondType.DOUBLE and b.GetOtherAtom(atom).GetAtomicNum() in (7, 8, 16)
            for b in atom.GetBonds()
        )
    )


def _groups(overlay: Overlay, side: int, own: set[int]) -> Iterator[tuple[Item, Item]]:
    """Atoms of groups that are taken at once."""
    at = overlay.places[side]
    chains: dict[Item, int] = {}
    for atom in overlay.ends[side].GetAtoms():
        node = at[atom.GetIdx()]
        leaves = [
            at[n.GetIdx()]
            for n in atom.GetNeighbors()
            if n.GetDegree() == 1 and n.GetAtomicNum() > 6 and at[n.GetIdx()] in own
        ]
        yield from pairwise(leaves)
        if node not in own:
            continue
        if len(leaves) > 1:
            yield node, leaves[0]
        yield from ((node, at[n.GetIdx()]) for n in _heads(atom) if at[n.GetIdx()] in own)
        yield from _chain(atom, at, own, chains)


def _heads(atom: Chem.Atom) -> list[Chem.Atom]:
    """Nitrogen and oxygen on the carbon or sulfur of an acyl or sulfonyl group."""
    if not _is_acyl(atom):
        return []
    heads = [n for n in atom.GetNeighbors() if n.GetAtomicNum() in (7, 8) and not n.IsInRing()]
    # Of a urea or a carbonate one side is its own.
    return heads if len(heads) < 3 else heads[:2]


def _is_alkyl(atom: Chem.Atom) -> bool:
    return (
        atom.GetAtomicNum() == 6
        and not atom.IsInRing()
        and atom.GetHybridization() == Chem.HybridizationType.SP3
    )


def _chain(
    atom: Chem.Atom, at: dict[int, int], own: set[int], sizes: dict[Item, int]
) -> Iterator[tuple[Item, Item]]:
    """Links of alkyl carbons, up to MAX_CHAIN of them."""
    if not _is_alkyl(atom):
        return
    node = at[atom.GetIdx()]
    for n in atom.GetNeighbors():
        other = at[n.GetIdx()]
        if other in own and n.GetIdx() < atom.GetIdx() and _is_alkyl(n):
            length = sizes.get(node, 1) + sizes.get(other, 1)
            if length <= MAX_CHAIN:
                sizes[node] = sizes[other] = length
                yield node, other


def _forms(overlay: Overlay) -> Iterator[Block]:
    nodes, bonds = overlay.changed_nodes, overlay.changed_bonds
    items: list[Item] = [*nodes, *((BOTH, *x) for x in bonds)]
    touching: list[tuple[Item, Item]] = [((BOTH, *x), k) for x in bonds for k in x]
    touching += [((BOTH, *x), (BOTH, *y)) for x in bonds for y in bonds if set(x) & set(y)]
    touching += _like_leaves(overlay)
    for group in connected_groups(items, touching):
        yield Block(
            FORM,
            frozenset(k for k in group if isinstance(k, int)),
            frozenset(pair(x[1], x[2]) for x in group if not isinstance(x, int)),
        )


def _like_leaves(overlay: Overlay) -> Iterator[tuple[Item, Item]]:
    """Leaves of one atom that change in one way, as those of CF3 to tert-butyl."""
    seen: dict[tuple[int, int, int], int] = {}
    for k in overlay.changed_nodes:
        about = [set(overlay.neighbours(side, k)) for side in (0, 1)]
        if about[0] == about[1] and len(about[0]) == 1:
            (anchor,) = about[0]
            key = (anchor, overlay.atom(0, k).GetAtomicNum(), overlay.atom(1, k).GetAtomicNum())
            if key in seen:
                yield seen[key], k
            seen[key] = k
