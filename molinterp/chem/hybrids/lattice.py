"""The lattice of hybrids: states between two aligned compounds as bit masks, and the moves between them.

Bit i of a state says whether block i is as at the end. A path sets bits until all are set: nothing that was
changed is changed back, and what both ends share is never touched. Sizes, places and what is left to change
follow from masks alone; a molecule is built where it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import final

from rdkit import Chem

from molinterp.chem.hybrids.blocks import END, HAND, START, Block, blocks_of
from molinterp.chem.hybrids.build import Builder
from molinterp.chem.hybrids.changes import Change, Measure, bits
from molinterp.chem.hybrids.handedness import Handedness
from molinterp.chem.hybrids.overlay import Overlay


@final
@dataclass(frozen=True)
class MoveLimits:
    """Which moves a lattice offers."""

    max_atoms: int = 8
    """Heavy atoms of a step, on the side that changes more; one block may be larger."""
    max_moves: int = 3000
    """Moves of a lattice at most, small ones first."""


@final
@dataclass(frozen=True)
class Move:
    """Blocks that change in one step, all at one place."""

    mask: int
    """The blocks."""
    change: Change
    """What changes."""


@final
class Lattice:
    """Hybrids of two compounds under one alignment."""

    def __init__(self, start: Chem.Mol, end: Chem.Mol, pairs: Iterable[tuple[int, int]]) -> None:
        """Lay the two compounds on each other and find what differs.

        Args:
            start: one end.
            end: the other.
            pairs: atoms of the start and of the end that are mapped to each other.
        """
        self.overlay = Overlay.of(start, end, pairs)
        handedness = Handedness(self.overlay)
        self.blocks: tuple[Block, ...] = (*blocks_of(self.overlay), *handedness.blocks)
        self.measure = Measure(self.overlay, self.blocks)
        self.builder = Builder(self.overlay, self.blocks, handedness)
        self.goal = (1 << len(self.blocks)) - 1
        self._sizes = [0, 0]
        common = sum(self.overlay.is_common(k) for k in range(len(self.overlay.nodes)))
        self._common = common
        self._gain = [{START: -len(b.nodes), END: len(b.nodes)}.get(b.kind, 0) for b in self.blocks]

    def n_atoms(self, state: int) -> int:
        """Heavy atoms of a hybrid."""
        return self.overlay.ends[0].GetNumAtoms() + sum(self._gain[i] for i in bits(state))

    def moves(self, limits: MoveLimits) -> list[Move]:
        """Sets of blocks that are one place and small enough to change at once, small ones first."""
        beside, size = self.measure.beside, self.measure.size
        seen = {1 << i: size(1 << i) for i in range(len(self.blocks))}
        front = list(seen)
        while front and len(seen) < limits.max_moves:
            grown: dict[int, int] = {}
            for mask in front:
                near = 0
                for i in bits(mask):
                    near |= beside[i]
                for i in bits(near & ~mask):
                    other = mask | 1 << i
                    if other not in seen and other not in grown:
                        n = size(other)
                        if n <= limits.max_atoms:
                            grown[other] = n
            seen |= grown
            front = list(grown)
        masks = sorted(seen, key=lambda m: (seen[m], m.bit_count(), m))[: limits.max_moves]
        return [Move(mask, self.measure.change(mask)) for mask in masks]

    def nogood(self, state: int, nodes: Iterable[int]) -> tuple[int, int]:
        """A mask and a value: all states with that value under the mask are alike about some nodes."""
        care = 0
        for k in nodes:
            care |= self._cares[k]
        return care, state & care

    @cached_property
    def _cares(self) -> list[int]:
        """Blocks that a node and its rings depend on."""
        overlay = self.overlay
        out = [0] * len(overlay.nodes)
        for i in range(len(self.blocks)):
            for k in self.measure.reach[i]:
                out[k] |= 1 << i
        for ring in (frozenset(r) for side in (0, 1) for r in overlay.rings[side]):
            makers = sum(1 << i for i, b in enumerate(self.blocks) if b.nodes & ring or _within(b, ring))
            for k in ring:
                out[k] |= makers
        return out

    @cached_property
    def is_whole(self) -> bool:
        """Whether all that differs is one block or none."""
        return len(self.blocks) <= 1

    def is_inversion(self, mask: int) -> bool:
        """Whether some blocks are centres of another hand alone."""
        return all(self.blocks[i].kind == HAND for i in bits(mask))


def _within(block: Block, ring: frozenset[int]) -> bool:
    return any(ring.issuperset(bond) for bond in block.bonds)
