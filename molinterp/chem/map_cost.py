"""What is left to change under an atom map, in the measure of a path, and a key that is the same for equal maps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import final

from molinterp.chem.mapped_graph import MappedGraph
from molinterp.chem.mapped_stereo import flipped_bonds, inverted_centres
from molinterp.chem.regions import Form, Region, forms, pieces, regions


@final
@dataclass(frozen=True)
class MapCostSettings:
    """Weights of the estimated cost of a path."""

    power: float = 1.5
    """A step that changes n heavy atoms costs (1 + n) to this power."""
    anchor: float = 2.0
    """Cost of each atom beyond two that a region of change hangs on."""
    bond: float = 2.0
    """Cost of each bond that opens or closes between mapped atoms."""
    stereo: float = 2.0
    """Cost of each centre or double bond whose configuration changes."""
    n_rounds: int = 6
    """Bonds that the key of a map reaches around each atom."""


def map_cost(a: MappedGraph, b: MappedGraph, pairs: dict[int, int], settings: MapCostSettings) -> float:
    """Estimated cost of a path under a map: the pieces that change at each place, exchanged one for one."""
    cost = sum(_region_cost(a, b, region, settings) for region in regions(a, b, pairs))
    cost += sum(_form_cost(form, settings) for form in forms(a, b, pairs))
    n_flips = len(inverted_centres(a.mol, b.mol, pairs)) + len(flipped_bonds(a.mol, b.mol, pairs))
    return cost + settings.stereo * n_flips


def _region_cost(a: MappedGraph, b: MappedGraph, region: Region, settings: MapCostSettings) -> float:
    lost = sorted((len(piece) for piece in pieces(a, region.lost)), reverse=True)
    gained = sorted((len(piece) for piece in pieces(b, region.gained)), reverse=True)
    cost = sum((1 + max(pair)) ** settings.power for pair in zip_longest(lost, gained, fillvalue=0))
    n_bonds = len(region.lost_bonds) + len(region.gained_bonds)
    return cost + settings.bond * n_bonds + settings.anchor * max(0, len(region.anchors) - 2)


def _form_cost(form: Form, settings: MapCostSettings) -> float:
    return float((1 + max(1, len(form.atoms))) ** settings.power)


def canonical_key(a: MappedGraph, b: MappedGraph, pairs: dict[int, int], n_rounds: int) -> tuple[int, ...]:
    """A key of the two molecules laid on each other: equal for maps that a symmetry turns into each other."""
    nodes = [(i, pairs.get(i)) for i in range(a.n)]
    taken = set(pairs.values())
    nodes += [(None, j) for j in range(b.n) if j not in taken]
    index_a = {i: k for k, (i, _) in enumerate(nodes) if i is not None}
    index_b = {j: k for k, (_, j) in enumerate(nodes) if j is not None}
    inverted = set(inverted_centres(a.mol, b.mol, pairs))
    colours = [
        hash((_colour(a, i), _colour(b, j), i is not None and i in inverted)) for i, j in nodes
    ]
    bonds: dict[tuple[int, int], list[float]] = {}
    for side, graph, index in ((0, a, index_a), (1, b, index_b)):
        for (i, k), order in graph.orders.items():
            bonds.setdefault((index[i], index[k]), [0.0, 0.0])[side] = order
    beside: list[list[tuple[int, int]]] = [[] for _ in nodes]
    for (i, k), (first, second) in bonds.items():
        beside[i].append((int(16 * first + 2 * second), k))
    for _ in range(n_rounds):
        colours = [hash((c, *sorted((kind, colours[k]) for kind, k in beside[n]))) for n, c in enumerate(colours)]
    return tuple(sorted(colours))


def _colour(graph: MappedGraph, i: int | None) -> int:
    if i is None:
        return 0
    return hash((int(graph.numbers[i]), int(graph.charges[i]), bool(graph.aromatic[i]), bool(graph.rings_of[i])))
