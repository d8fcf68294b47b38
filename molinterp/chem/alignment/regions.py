"""What changes between two molecules under an atom map: connected regions and what they cost."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar, final

from molinterp.chem.alignment.mapped_graph import MappedGraph

Bond = tuple[int, int]
Node = tuple[str, int, int]
"""An atom (m mapped, a of A alone, b of B alone; the number; -1) or a bond (a- or b-; its two atoms)."""
K = TypeVar("K", bound=Hashable)


@final
class Groups(Generic[K]):
    """Connected groups of keys (union-find); they come out in the order in which their first keys came in."""

    def __init__(self) -> None:
        """Start without keys."""
        self._root: dict[K, K] = {}

    def add(self, key: K) -> None:
        """Take in a key as a group of its own, if it is new."""
        self._root.setdefault(key, key)

    def join(self, one: K, other: K) -> None:
        """Make one group of the groups of two keys."""
        self.add(one)
        self.add(other)
        self._root[self._find(other)] = self._find(one)

    def _find(self, key: K) -> K:
        root = self._root
        while root[key] != key:
            root[key] = root[root[key]]
            key = root[key]
        return key

    def all(self) -> list[list[K]]:
        """The groups."""
        found: dict[K, list[K]] = {}
        for key in self._root:
            found.setdefault(self._find(key), []).append(key)
        return list(found.values())


@final
@dataclass
class Region:
    """One connected place of change; what B alone has is numbered as in B, all else as in A."""

    lost: list[int] = field(default_factory=list)
    """Atoms of A that are not mapped."""
    gained: list[int] = field(default_factory=list)
    """Atoms of B that are not mapped."""
    lost_bonds: list[Bond] = field(default_factory=list)
    """Bonds of A between mapped atoms that are not bonded in B."""
    gained_bonds: list[Bond] = field(default_factory=list)
    """Bonds of B between mapped atoms that are not bonded in A."""
    lost_anchors: list[int] = field(default_factory=list)
    """Mapped atoms, as numbered in A, that what is lost hangs on."""
    gained_anchors: list[int] = field(default_factory=list)
    """Mapped atoms, as numbered in A, that what is gained hangs on."""

    @property
    def anchors(self) -> set[int]:
        """Mapped atoms, as numbered in A, that the change touches."""
        return {*self.lost_anchors, *self.gained_anchors}


@final
@dataclass
class Form:
    """Mapped atoms and common bonds that change kind together."""

    atoms: list[int] = field(default_factory=list)
    """Atoms of A whose partners have another element, charge or aromaticity."""
    bonds: list[Bond] = field(default_factory=list)
    """Bonds of A whose partners have another order."""


def regions(a: MappedGraph, b: MappedGraph, pairs: Mapping[int, int]) -> list[Region]:
    """Connected regions of what one molecule alone has; those that meet in one atom are one."""
    back = {j: i for i, j in pairs.items()}
    groups: Groups[Node] = Groups()
    touched: dict[str, set[int]] = {"a": set(), "b": set()}
    sides = (("a", a, pairs, b, {i: i for i in pairs}), ("b", b, back, a, back))
    for side, graph, own, other, name in sides:
        for i in range(graph.n):
            if i not in own and graph.numbers[i] > 1:
                groups.add((side, i, -1))
        for i, k in graph.edges:
            if i > k or (i in own and k in own and (own[i], own[k]) in other.edges):
                continue
            ends = [("m", name[x], -1) if x in own else (side, x, -1) for x in (i, k)]
            touched[side] |= {name[x] for x in (i, k) if x in own}
            groups.join(ends[0], ends[1])
            if i in own and k in own:
                groups.join(ends[0], (f"{side}-", i, k))
    return [_region(group, touched) for group in groups.all()]


def _region(group: Iterable[Node], touched: Mapping[str, set[int]]) -> Region:
    region = Region()
    for kind, i, k in group:
        if kind == "m":
            region.lost_anchors += [i] if i in touched["a"] else []
            region.gained_anchors += [i] if i in touched["b"] else []
        elif kind in ("a", "b"):
            (region.lost if kind == "a" else region.gained).append(i)
        else:
            (region.lost_bonds if kind == "a-" else region.gained_bonds).append((i, k))
    return region


def forms(a: MappedGraph, b: MappedGraph, pairs: Mapping[int, int]) -> list[Form]:
    """Mapped atoms and common bonds of another kind, joined where a bond that changes touches them."""
    groups: Groups[tuple[int, int]] = Groups()
    for i, j in pairs.items():
        if _differs(a, b, i, j):
            groups.add((i, -1))
    for (i, k), order in a.orders.items():
        if i < k and i in pairs and k in pairs and b.orders.get((pairs[i], pairs[k]), order) != order:
            groups.add((i, k))
            for end in (i, k):
                groups.join((i, k), (end, -2))
                if _differs(a, b, end, pairs[end]):
                    groups.join((i, k), (end, -1))
    return [
        Form([i for i, k in group if k == -1], [(i, k) for i, k in group if k >= 0]) for group in groups.all()
    ]


def _differs(a: MappedGraph, b: MappedGraph, i: int, j: int) -> bool:
    return bool(
        a.numbers[i] != b.numbers[j] or a.charges[i] != b.charges[j] or a.aromatic[i] != b.aromatic[j]
    )


def pieces(graph: MappedGraph, atoms: Iterable[int]) -> list[list[int]]:
    """Atoms of a region in pieces that come and go whole: fused rings, and the chains between them."""
    own = set(atoms)
    groups: Groups[int] = Groups()
    for i in own:
        groups.add(i)
    for ring in graph.rings:
        members = [i for i in ring if i in own]
        for i in members[1:]:
            groups.join(members[0], i)
    for i, k in graph.edges:
        if i in own and k in own and not graph.rings_of[i] and not graph.rings_of[k]:
            groups.join(i, k)
    return groups.all()
