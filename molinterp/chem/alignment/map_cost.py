"""What is left to change under an atom map, in the measure of a path; a key that equal maps share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from molinterp.chem.alignment.mapped_graph import MappedGraph
from molinterp.chem.alignment.mapped_stereo import flipped_bonds, inverted_centres
from molinterp.chem.alignment.regions import Form, Region, forms, pieces, regions


@final
@dataclass(frozen=True)
class MapCostSettings:
    """Weights of the estimated cost of a path."""

    power: float = 1.5
    """A step that changes n heavy atoms costs (1 + n) to this power."""
    anchor: float = 1.0
    """Cost of each atom beyond two that a region of change hangs on."""
    moved: float = 2.0
    """Cost of each atom that one side of an exchange hangs on and the other does not, and of an exchange
    across a ring."""
    bond: float = 2.0
    """Cost of each bond that opens or closes between mapped atoms."""
    stereo: float = 2.0
    """Cost of each centre or double bond whose configuration changes."""
    n_rounds: int = 6
    """Bonds that the key of a map reaches around each atom."""


def map_cost(a: MappedGraph, b: MappedGraph, pairs: dict[int, int], settings: MapCostSettings) -> float:
    """Estimated cost of a path under a map: the pieces that change at each place, exchanged one for one."""
    cost = sum(_form_cost(form, settings) for form in forms(a, b, pairs))
    n_flips = len(inverted_centres(a.mol, b.mol, pairs)) + len(flipped_bonds(a.mol, b.mol, pairs))
    cost += settings.stereo * n_flips
    left: list[_Left] = []
    for region in regions(a, b, pairs):
        cost += _region_cost(region, settings)
        lost = sorted((len(piece) for piece in pieces(a, region.lost)), reverse=True)
        gained = sorted((len(piece) for piece in pieces(b, region.gained)), reverse=True)
        n = min(len(lost), len(gained))
        cost += sum(_exchange(*pair, settings) for pair in zip(lost, gained, strict=False))
        left.append(_Left(region.anchors, lost[n:], gained[n:]))
    return cost + _ring_exchanges(a, left, settings)


@final
@dataclass
class _Left:
    """Sizes of the pieces of a region that have nothing at the same place to be exchanged for."""

    anchors: set[int]
    lost: list[int]
    gained: list[int]


def _exchange(lost: int, gained: int, settings: MapCostSettings) -> float:
    return float((1 + max(lost, gained)) ** settings.power)


def _ring_exchanges(a: MappedGraph, left: list[_Left], settings: MapCostSettings) -> float:
    """Cost of pieces exchanged from one place of a ring to another, and of those that come or go alone."""
    cost = 0.0
    for ring in a.rings:
        here = [one for one in left if (one.lost or one.gained) and one.anchors & set(ring)]
        lost = sorted(((size, k) for k, one in enumerate(here) for size in one.lost), reverse=True)
        gained = sorted(((size, k) for k, one in enumerate(here) for size in one.gained), reverse=True)
        for (size, k), (other, m) in zip(lost, gained, strict=False):
            here[k].lost.remove(size)
            here[m].gained.remove(other)
            cost += _exchange(size, other, settings) + settings.moved
    return cost + sum(_exchange(size, 0, settings) for one in left for size in (*one.lost, *one.gained))


def _region_cost(region: Region, settings: MapCostSettings) -> float:
    lost_at, gained_at = set(region.lost_anchors), set(region.gained_anchors)
    n_moved = len(lost_at ^ gained_at) if lost_at and gained_at else 0
    n_bonds = len(region.lost_bonds) + len(region.gained_bonds)
    cost = settings.anchor * max(0, len(lost_at | gained_at) - 2)
    return cost + settings.bond * n_bonds + settings.moved * n_moved


def _form_cost(form: Form, settings: MapCostSettings) -> float:
    return float((1 + max(1, len(form.atoms))) ** settings.power)


def canonical_key(a: MappedGraph, b: MappedGraph, pairs: dict[int, int], n_rounds: int) -> tuple[int, ...]:
    """A key of the two molecules laid on each other: equal for maps that a symmetry turns into each other."""
    nodes: list[tuple[int | None, int | None]] = [(i, pairs.get(i)) for i in range(a.n)]
    taken = set(pairs.values())
    nodes += [(None, j) for j in range(b.n) if j not in taken]
    index_a = {i: k for k, (i, _) in enumerate(nodes) if i is not None}
    index_b = {j: k for k, (_, j) in enumerate(nodes) if j is not None}
    inverted = set(inverted_centres(a.mol, b.mol, pairs))
    colours = [hash((_colour(a, i), _colour(b, j), i is not None and i in inverted)) for i, j in nodes]
    bonds: dict[tuple[int, int], list[float]] = {}
    for side, graph, index in ((0, a, index_a), (1, b, index_b)):
        for (i, k), order in graph.orders.items():
            bonds.setdefault((index[i], index[k]), [0.0, 0.0])[side] = order
    beside: list[list[tuple[int, int]]] = [[] for _ in nodes]
    for (i, k), (first, second) in bonds.items():
        beside[i].append((int(16 * first + 2 * second), k))
    for _ in range(n_rounds):
        colours = [
            hash((c, *sorted((kind, colours[k]) for kind, k in beside[n]))) for n, c in enumerate(colours)
        ]
    return tuple(sorted(colours))


def _colour(graph: MappedGraph, i: int | None) -> int:
    if i is None:
        return 0
    return hash(
        (int(graph.numbers[i]), int(graph.charges[i]), bool(graph.aromatic[i]), bool(graph.rings_of[i]))
    )
