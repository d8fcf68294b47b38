"""Grow a common part of two molecules from a seed: rings whole, the best-matching branch first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from itertools import count, permutations
from typing import final

from molinterp.chem.alignment.affinity import Affinity
from molinterp.chem.alignment.mapped_graph import MappedGraph
from molinterp.chem.alignment.places import Places

AtomMap = dict[int, int]
"""Atom of molecule B by atom of molecule A."""
Placement = tuple[tuple[int, int], ...]
"""Atom pairs of a ring laid on a ring, in order around it."""


@final
class Growth:
    """Common part that grows from one pair of atoms by whole rings and single chain atoms.

    Of all branches that could be matched next, the one with the most behind it is taken first, so that groups
    that occur twice are told apart by what lies around them.
    """

    def __init__(
        self,
        a: MappedGraph,
        b: MappedGraph,
        affinity: Affinity,
        *,
        is_strict: bool,
        start: Mapping[int, int] | None = None,
        banned: frozenset[tuple[int, int]] = frozenset(),
        where: Places | None = None,
        second_choice: float = 0.5,
    ) -> None:
        """Prepare a growth.

        Args:
            a: the first molecule.
            b: the second molecule.
            affinity: what matches are worth, without the atoms of `start`.
            is_strict: only bonds of one order match.
            start: pairs that are mapped already.
            banned: pairs that must not be mapped.
            where: places of the atoms: chain atoms then match only if they are as much further from what is
                mapped in the one molecule as the seed is.
            second_choice: factor on the worth of branches that are not in the best assignment at their atom.
        """
        self._a, self._b, self._affinity, self._is_strict, self._banned = a, b, affinity, is_strict, banned
        self._branches = affinity.branch_rows
        self._values = affinity.atom_rows
        self.map: AtomMap = dict(start or {})
        self._used = set(self.map.values())
        self.parents: dict[int, int | None] = {}
        self.choices: list[tuple[int, int]] = []
        self._where, self._shift, self._second_choice = where, 0, second_choice
        self._queue: list[tuple[float, int, tuple[int, int], Placement]] = []
        self._seen: set[Placement] = set()
        self._ticks = count()

    def grow(self, i: int, j: int) -> AtomMap:
        """Grow from atom `i` of A on atom `j` of B; the pairs that were added."""
        if self._where is not None:
            self._shift = self._where.near_a[i] - self._where.near_b[j]
        if self._a.is_ring(i):
            placement = self._best_placement(i, j)
            if placement is None:
                return {}
            self._place(placement, None)
        elif self._fits(i, j):
            self._add(i, j, None)
        while self._queue:
            _, _, (parent, _), pairs = heapq.heappop(self._queue)
            if len(pairs) > 1:
                self._place(pairs, parent)
            else:
                self._follow(pairs[0], parent)
        return {i: self.map[i] for i in self.parents}

    def _fits(self, i: int, j: int) -> bool:
        if i in self.map or j in self._used or not self._values[i][j] or (i, j) in self._banned:
            return False
        return self._a.is_ring(i) or self._is_in_step(i, j)

    def _is_in_step(self, i: int, j: int) -> bool:
        where = self._where
        return where is None or where.near_a[i] - where.near_b[j] == self._shift

    def _follow(self, pair: tuple[int, int], parent: int) -> None:
        i, j = pair
        if not self._fits(i, j):
            return
        if self._a.is_ring(i):
            placement = self._best_placement(i, j)
            if placement is not None:
                self._place(placement, parent)
        else:
            self._add(i, j, parent)

    def _add(self, i: int, j: int, parent: int | None) -> None:
        self.map[i] = j
        self._used.add(j)
        self.parents[i] = parent
        self._push_branches(i, j)

    def _place(self, placement: Placement, parent: int | None) -> None:
        if not self._agrees(placement):
            return
        new = [(i, j) for i, j in placement if i not in self.map]
        for i, j in new:
            self.map[i] = j
            self._used.add(j)
            self.parents[i] = parent
        for i, j in new:
            self._push_branches(i, j)
        for i, j in new:
            self._push_rings(i, j)

    def _agrees(self, placement: Placement) -> bool:
        for i, j in placement:
            if self.map.get(i) != j and not self._fits(i, j):
                return False
        if not self._is_strict:
            return True
        first, second = zip(*placement, strict=True)
        return all(
            self._a.orders[i, k] == self._b.orders[j, m]
            for i, k, j, m in zip(
                first, (*first[1:], first[0]), second, (*second[1:], second[0]), strict=True
            )
        )

    def _push(self, value: float, parent: tuple[int, int], pairs: Placement) -> None:
        heapq.heappush(self._queue, (-value, next(self._ticks), parent, pairs))

    def _push_branches(self, i: int, j: int) -> None:
        """Offer the chain bonds at a mapped pair: the best assignment first, other pairings behind."""
        a, b = self._a, self._b
        first = [u for u in a.neighbours[i] if u not in self.map and (i, u) not in a.ring_bonds]
        second = [v for v in b.neighbours[j] if v not in self._used and (j, v) not in b.ring_bonds]
        if not first or not second:
            return
        worth = {
            (u, v): self._branches[a.edges[i, u]][b.edges[j, v]]
            for u in first
            for v in second
            if (u, v) not in self._banned
        }
        best = set(_assignment(first, second, worth))
        options = [pair for pair, value in worth.items() if value > 0]
        if len(options) > 1 and len({self._classes(pair) for pair in options}) > 1:
            self.choices += [pair for pair in options if pair in best][:1]
        for pair in options:
            self._push(worth[pair] * (1.0 if pair in best else self._second_choice), (i, j), (pair,))

    def _push_rings(self, i: int, j: int) -> None:
        for placement in self._placements(i, j):
            if placement not in self._seen and any(r not in self.map for r, _ in placement):
                self._seen.add(placement)
                if self._agrees(placement):
                    self._push(self._ring_value(placement), (i, j), placement)

    def _best_placement(self, i: int, j: int) -> Placement | None:
        found = [(self._ring_value(p), p) for p in self._placements(i, j) if self._agrees(p)]
        if not found:
            return None
        found.sort(key=lambda one: -one[0])
        if len(found) > 1 and sorted(map(self._classes, found[0][1])) != sorted(
            map(self._classes, found[1][1])
        ):
            self.choices += [pair for pair in found[0][1] if pair not in found[1][1]][:1]
        return found[0][1]

    def _classes(self, pair: tuple[int, int]) -> tuple[int, int]:
        return self._a.classes[pair[0]], self._b.classes[pair[1]]

    def _placements(self, i: int, j: int) -> Iterator[Placement]:
        """Rings of `i` laid on rings of `j` of the same size, both ways round, `i` on `j`."""
        a, b = self._a, self._b
        for r in a.rings_of[i]:
            ring = a.rings[r]
            k = ring.index(i)
            turned = ring[k:] + ring[:k]
            for s in b.rings_of[j]:
                other = b.rings[s]
                if len(other) == len(ring):
                    m = other.index(j)
                    on = other[m:] + other[:m]
                    for way in (on, (on[0], *reversed(on[1:]))):
                        yield _named(turned, way)

    def _ring_value(self, placement: Placement) -> float:
        """Values of the atoms of a ring that are not mapped yet, and of what hangs on them."""
        own, other = {i for i, _ in placement}, {j for _, j in placement}
        total = 0.0
        for i, j in placement:
            if i in self.map:
                continue
            total += self._values[i][j] + (self._where is not None and self._is_in_step(i, j))
            first = [u for u in self._a.neighbours[i] if u not in own and u not in self.map]
            second = [v for v in self._b.neighbours[j] if v not in other and v not in self._used]
            if first and second:
                worth = {
                    (u, v): self._branches[self._a.edges[i, u]][self._b.edges[j, v]]
                    for u in first
                    for v in second
                }
                total += sum(worth[pair] for pair in _assignment(first, second, worth))
        return total


def _named(ring: tuple[int, ...], other: tuple[int, ...]) -> Placement:
    """A placement from its smallest atom on towards the smaller neighbour, so that it has one name."""
    k = ring.index(min(ring))
    pairs = list(zip(ring[k:] + ring[:k], other[k:] + other[:k], strict=True))
    if pairs[1][0] > pairs[-1][0]:
        pairs[1:] = reversed(pairs[1:])
    return tuple(pairs)


def _assignment(
    first: list[int], second: list[int], worth: Mapping[tuple[int, int], float]
) -> list[tuple[int, int]]:
    """One-to-one pairs of the greatest total worth; pairs worth nothing are left out."""
    if len(first) == 1 and len(second) == 1:
        pairs: list[tuple[int, int]] = [(first[0], second[0])]
    elif len(first) <= len(second):
        options = [list(zip(first, p, strict=True)) for p in permutations(second, len(first))]
        pairs = max(options, key=lambda o: sum(worth.get(x, 0.0) for x in o))
    else:
        options = [list(zip(p, second, strict=True)) for p in permutations(first, len(second))]
        pairs = max(options, key=lambda o: sum(worth.get(x, 0.0) for x in o))
    return [pair for pair in pairs if worth.get(pair, 0.0) > 0]
