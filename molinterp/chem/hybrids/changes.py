"""How large a change is, and whether a chemist reads it at one glance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from molinterp.chem.hybrids.blocks import END, FORM, HAND, START, Block
from molinterp.chem.hybrids.overlay import Overlay


@final
@dataclass(frozen=True)
class Change:
    """What changes when some blocks change at once."""

    lost: int
    """Heavy atoms that go."""
    gained: int
    """Heavy atoms that come."""
    changed: int
    """Heavy atoms of another element."""
    bonds: int
    """Bonds that come, go or change, both sides."""
    sites: int
    """Connected regions of change; what changes in one ring counts as connected."""
    anchors: int
    """Atoms in common that the change touches, or that change their element."""
    stray: int
    """Heavy atoms that change outside one ring of each side."""

    @property
    def larger(self) -> int:
        """Heavy atoms on the side that changes more of them."""
        return max(self.lost, self.gained) + self.changed

    @property
    def atoms(self) -> int:
        """Heavy atoms, both sides."""
        return self.lost + self.gained + 2 * self.changed

    @property
    def is_readable(self) -> bool:
        """Whether the change is a few atoms, or one small place, substituent or ring."""
        if self.atoms <= 2:
            return self.bonds <= 6
        small = self.atoms <= 10 and self.bonds <= 10 and self.anchors <= 4
        substituent = self.anchors <= 1 and self.atoms <= 14
        ring = self.anchors <= 2 and self.stray <= 2 and self.atoms <= 14
        return self.sites == 1 and self.larger <= 8 and (small or substituent or ring)


@final
class Measure:
    """Sizes of changes in blocks; sets of blocks are bit masks."""

    def __init__(self, overlay: Overlay, blocks: Sequence[Block]) -> None:
        """Note what each block touches and which of them are beside each other.

        Args:
            overlay: the two ends.
            blocks: as `blocks_of` gives them.
        """
        self._blocks = blocks
        self._bonds = [set(b.bonds) for b in blocks]
        for number, bond in _between(overlay, blocks):
            self._bonds[number].add(bond)
        self._rings = [frozenset(ring) for side in (0, 1) for ring in overlay.rings[side]]
        self._remade = [list(self._remaking(overlay, side)) for side in (0, 1)]
        self._side_rings = [[frozenset(ring) for ring in overlay.rings[side]] for side in (0, 1)]
        self.reach = [b.nodes.union(*bonds) for b, bonds in zip(blocks, self._bonds, strict=True)]
        """Nodes that each block touches."""
        self.beside = [
            sum(
                1 << j
                for j in range(len(blocks))
                if j != i
                and HAND not in (blocks[i].kind, blocks[j].kind)
                and (self.reach[i] & self.reach[j] or self._in_one_ring(blocks[i], blocks[j]))
            )
            for i in range(len(blocks))
        ]
        """For each block, those that are one place with it."""

    def _remaking(self, overlay: Overlay, side: int) -> Iterable[tuple[int, frozenset[int]]]:
        """Blocks that open or close each ring of an end, and its common nodes that are in no lasting ring."""
        kind = END if side else START
        found = []
        for ring in map(frozenset, overlay.rings[side]):
            makers = sum(
                1 << i
                for i, b in enumerate(self._blocks)
                if b.kind == kind and (b.nodes & ring or any(ring.issuperset(x) for x in self._bonds[i]))
            )
            found.append((makers, ring))
        lasting = frozenset().union(*(ring for makers, ring in found if not makers))
        for makers, ring in found:
            common = frozenset(k for k in ring - lasting if overlay.is_common(k))
            if makers and common:
                yield makers, common

    def _ringed(self, mask: int) -> frozenset[int]:
        """Common nodes that some blocks take out of a ring or put into one."""
        opened, closed = (
            frozenset().union(*(nodes for makers, nodes in rings if makers & mask)) for rings in self._remade
        )
        return opened ^ closed

    def _in_one_ring(self, a: Block, b: Block) -> bool:
        return any(a.nodes & ring and b.nodes & ring for ring in self._rings)

    def size(self, mask: int) -> int:
        """Heavy atoms that some blocks change, on the side that has more of them."""
        count = {START: 0, END: 0, FORM: 0, HAND: 0}
        for i in bits(mask):
            count[self._blocks[i].kind] += len(self._blocks[i].nodes)
        ringed = self._ringed(mask) if any(self._remade) else ()
        return max(count[START], count[END]) + count[FORM] + len(ringed)

    def sites(self, mask: int) -> int:
        """How many separate places some blocks are."""
        return sum(1 for _ in self.places(mask))

    def places(self, mask: int) -> Iterable[int]:
        """The separate places among some blocks, a mask each."""
        while mask:
            place = front = mask & -mask
            while front:
                near = 0
                for i in bits(front):
                    near |= self.beside[i]
                front = near & mask & ~place
                place |= front
            yield place
            mask &= ~place

    def change(self, mask: int) -> Change:
        """What changes with some blocks."""
        nodes: dict[str, set[int]] = {START: set(), END: set(), FORM: set(), HAND: set()}
        own_bonds = orders = 0
        touched: set[int] = set()
        for i in bits(mask):
            block = self._blocks[i]
            nodes[block.kind] |= block.nodes
            if block.kind == FORM:
                orders += len(block.bonds)
            else:
                own_bonds += len(self._bonds[i])
                touched.update(*self._bonds[i])
        start, end, form = nodes[START], nodes[END], nodes[FORM] | self._ringed(mask)
        stray = 0
        for own, rings in zip((start | form, end | form), self._side_rings, strict=True):
            stray += len(own) - max((len(own & ring) for ring in rings), default=0)
        return Change(
            lost=len(start),
            gained=len(end),
            changed=len(form),
            bonds=own_bonds + 2 * (len(form) + orders),
            sites=self.sites(mask),
            anchors=len((touched - start - end) | form),
            stray=stray,
        )


def bits(mask: int) -> Iterable[int]:
    """Numbers of the bits that are set, in order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _between(overlay: Overlay, blocks: Sequence[Block]) -> Iterable[tuple[int, tuple[int, int]]]:
    """Bonds between two blocks of one end, each with the block that is farther from what is common."""
    of = [{k: i for i, b in enumerate(blocks) if b.kind == kind for k in b.nodes} for kind in (START, END)]
    for side in (0, 1):
        depth = {k: 0 for k in range(len(overlay.nodes)) if overlay.is_common(k)}
        front = list(depth)
        while front:
            around = [m for k in front for m in overlay.neighbours(side, k) if m not in depth]
            depth.update((m, depth[front[0]] + 1) for m in around)
            front = list(dict.fromkeys(around))
        for k, m in overlay.own_bonds(side):
            if k in of[side] and m in of[side] and of[side][k] != of[side][m]:
                yield of[side][k if (depth.get(k, 0), k) > (depth.get(m, 0), m) else m], (k, m)
