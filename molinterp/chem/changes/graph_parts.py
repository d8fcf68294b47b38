"""Parts of a molecule: rings fused together, what lies behind a bond or beyond a ring."""

from __future__ import annotations

from collections.abc import Collection

from molinterp.chem.alignment.mapped_graph import MappedGraph


def ring_system(graph: MappedGraph, touched: Collection[int]) -> set[int]:
    """Atoms of the rings that hold some atoms, with all rings fused to them."""
    system = {i for ring in graph.rings if set(ring) & set(touched) for i in ring}
    while True:
        wider = system | {i for ring in graph.rings if len(set(ring) & system) > 1 for i in ring}
        if wider == system:
            return system
        system = wider


def ring_size(graph: MappedGraph, bond: tuple[int, int]) -> int:
    """Size of the smallest ring that a bond is in; 0 if it is in none."""
    return min((len(ring) for ring in graph.rings if bond[0] in ring and bond[1] in ring), default=0)


def beyond(graph: MappedGraph, behind: int, first: int, limit: int) -> set[int] | None:
    """Atoms behind a bond, or None if there are more than `limit` or the bond is in a ring."""
    found, front = {first}, [first]
    while front:
        for k in graph.neighbours[front.pop()]:
            if k == behind and len(found) > 1 and behind not in graph.neighbours[first]:
                return None
            if k not in found and k != behind:
                found.add(k)
                front.append(k)
                if len(found) > limit:
                    return None
    return found


def rest_beyond(graph: MappedGraph, ring: Collection[int], first: int) -> set[int]:
    """Atoms beyond a ring, from one of its neighbours on."""
    found, front = {first}, [first]
    while front:
        for k in graph.neighbours[front.pop()]:
            if k not in found and k not in ring:
                found.add(k)
                front.append(k)
    return found


def ring_position(graph: MappedGraph, ring: tuple[int, ...], i: int) -> int | None:
    """Position of an atom in a six-membered ring, counted from where the largest rest hangs."""
    sizes = {}
    for k in ring:
        rest = [n for n in graph.neighbours[k] if n not in ring]
        sizes[k] = max((len(rest_beyond(graph, ring, n)) for n in rest), default=0)
    main = max(ring, key=lambda k: (sizes[k], -k))
    if len(ring) != 6 or main == i or not sizes[main]:
        return None
    steps = abs(ring.index(main) - ring.index(i))
    return min(steps, len(ring) - steps) + 1
