"""Where atoms beyond the common part of two molecules stand, seen from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from molinterp.chem.alignment.mapped_graph import Bools, Ints, MappedGraph


@final
@dataclass(frozen=True)
class Places:
    """Places of the atoms of two molecules A and B that are not mapped."""

    near_a: list[int]
    """Bonds from each atom of A to the nearest mapped one; 0 for mapped atoms and those out of reach."""
    near_b: list[int]
    """The same for B."""
    same: Bools
    """Whether two atoms are reached from the same mapped atoms or from the same ring of them, (n_a, n_b)."""
    entries: Bools
    """Whether two atoms are in no ring, or are those of their rings that stand nearest, (n_a, n_b)."""


def places(a: MappedGraph, b: MappedGraph, pairs: Mapping[int, int]) -> Places:
    """Places of the atoms beyond an atom map."""
    near_a, at_a = _levels(a, {i: i for i in pairs}, a.n)
    near_b, at_b = _levels(b, {j: i for i, j in pairs.items()}, a.n)
    for ring in map(list, a.rings):
        reached = at_a[:, ring].any(1)
        at_a[np.ix_(np.flatnonzero(reached), np.array(ring))] = True
    same = at_a.astype(np.float32) @ at_b.T.astype(np.float32) > 0
    entries = _entries(a, near_a)[:, None] & _entries(b, near_b)
    return Places(near_a.tolist(), near_b.tolist(), np.asarray(same), np.asarray(entries))


def _levels(graph: MappedGraph, names: Mapping[int, int], n_names: int) -> tuple[Ints, Bools]:
    """Bonds to the nearest mapped atoms, (n,), and which these are by name, (n, n_names)."""
    near = np.zeros(graph.n, np.int64)
    at = np.zeros((graph.n, n_names), np.bool_)
    at[list(names), list(names.values())] = True
    front, depth = list(names), 1
    while front:
        level: dict[int, None] = {}
        for i in front:
            for k in graph.neighbours[i]:
                if k not in names and near[k] in (0, depth):
                    near[k] = depth
                    at[k] |= at[i]
                    level[k] = None
        front, depth = list(level), depth + 1
    return near, at


def _entries(graph: MappedGraph, near: Ints) -> Bools:
    entries = np.array([not own for own in graph.rings_of], np.bool_)
    for ring in graph.rings:
        own = near[list(ring)]
        entries[[i for i, depth in zip(ring, own, strict=True) if depth == own.min()]] = True
    return entries


def is_in_place(
    a: MappedGraph, b: MappedGraph, rest: Mapping[int, int], part: Mapping[int, int], small: int
) -> bool:
    """Whether two mapped parts hang on each other alike in both molecules.

    Args:
        a: the first molecule.
        b: the second molecule.
        rest: one part, atoms of B by atoms of A.
        part: the other part.
        small: parts of up to this many atoms must hang on the same atoms; larger ones may be shifted along a
            ring.
    """
    back = {j: i for i, j in (*rest.items(), *part.items())}
    first = _links(a, part.keys(), rest.keys())
    found = _links(b, part.values(), rest.values())
    second = {(back[x], back[y]): far for (x, y), far in found.items()}
    if first.keys() == second.keys():
        return bool(first)
    if min(len(part), len(rest)) <= small or not first or not second:
        return False
    if not first.keys() & second.keys() and min(first.values()) != min(second.values()):
        return False
    rings = [set(ring) for ring in a.rings]
    return all(
        any(_is_near(x, u, rings) and _is_near(y, v, rings) for u, v in others)
        for links, others in ((first, second), (second, first))
        for x, y in links
    )


def _is_near(i: int, k: int, rings: Collection[set[int]]) -> bool:
    return i == k or any(i in ring and k in ring for ring in rings)


def _links(graph: MappedGraph, part: Collection[int], rest: Collection[int]) -> dict[tuple[int, int], int]:
    """Atoms of a part and of the rest joined by a way over unmapped atoms, with its bonds."""
    links: dict[tuple[int, int], int] = {}
    for start in part:
        front, seen, depth = [start], set(part), 0
        while front:
            depth += 1
            found = dict.fromkeys(k for i in front for k in graph.neighbours[i] if k not in seen)
            seen |= found.keys()
            links |= {(start, k): depth for k in found if k in rest}
            front = [k for k in found if k not in rest]
    return links
