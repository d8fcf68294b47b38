"""Search lazily for a shortest path: build, filter and weigh only what the best path so far runs through.

Nodes are described at no cost, as states of a lattice, and count as sound and as light as can be until they
are looked at. A* finds the best path under these assumptions; what it runs through is looked at, in one
batch; the search runs again. Once all of a best path was looked at, no other is better (Dellin and Srinivasa,
A Unifying Formalism for Shortest Path Problems with Expensive Edge Evaluations
via Lazy Best-First Search, 2016).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import Protocol, final

from rdkit import Chem

from molinterp.paths.terrain import Terrain, Work

Node = tuple[int, int]
"""Lattice and state; the two ends are START and GOAL."""
START: Node = (-1, 0)
GOAL: Node = (-1, 1)
FLOOR = 1.0
"""λ_0: of a molecule that nothing speaks against."""


@final
@dataclass(frozen=True)
class Fault:
    """Why a molecule may not stand in a path."""

    name: str
    """In one word."""
    places: tuple[frozenset[int], ...] = ()
    """Atoms that it is due to, one set a place; none if it is due to the whole molecule."""


class Examiner(Protocol):
    """Filters and weighs molecules, what costs little first."""

    def sift(self, mol: Chem.Mol) -> Fault | None:
        """What the quick filters say against a molecule."""

    def screen(self, mol: Chem.Mol) -> Fault | None:
        """What the slow filters say against a molecule that the quick ones pass."""

    def weigh_quickly(self, mol: Chem.Mol) -> Mapping[str, float]:
        """Terms of λ that cost little, none negative, of a molecule that passes the quick filters."""

    def weigh(self, mols: Sequence[Chem.Mol], smiles: Sequence[str]) -> Sequence[Mapping[str, float]]:
        """The other terms of λ by name, none negative, of molecules that pass all filters."""


@final
@dataclass(frozen=True)
class Seen:
    """What is known of a node that was looked at."""

    smiles: str
    """Canonical SMILES; empty where it is no molecule."""
    fault: str | None = None
    """Why it may not stand in a path; None where nothing is known against it."""
    weight: float = FLOOR
    """λ as far as it is known."""
    is_weighed: bool = False
    """Whether all terms of λ are known."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """Terms of λ by name."""
    mol: Chem.Mol | None = None
    """The molecule; None of the ends and where there is none."""
    is_screened: bool = False
    """Whether the slow filters were asked."""


@final
@dataclass(frozen=True)
class Route:
    """A path through nodes."""

    nodes: tuple[Node, ...]
    """Its nodes, both ends included."""
    energy: float
    """Σ λ̄² d², as far as λ is known."""


@final
class LazySearch:
    """The search for one pair of ends."""

    def __init__(
        self, terrains: Sequence[Terrain], examiner: Examiner, work: Work, ends: tuple[Seen, Seen]
    ) -> None:
        """Search in some lattices of one pair at once.

        Args:
            terrains: the lattices.
            examiner: filters and weighs molecules.
            work: how much is done at most.
            ends: the start and the end.
        """
        self.terrains, self.examiner, self.work = terrains, examiner, work
        self._smiles: dict[Node, str] = {START: ends[0].smiles, GOAL: ends[1].smiles}
        self._seen: dict[str, Seen] = {end.smiles: end for end in ends}
        self.n_sifted = self.n_weighed = self.n_runs = self.n_popped = self.n_steps = 0
        self.faults: Counter[str] = Counter()
        self.is_crossing = False
        self._greed = 1.0

    def solve(self) -> Route | None:
        """The path of least energy; None where the work allowed finds none."""
        best = self._settle()
        if best is None:
            self.is_crossing, self._greed, self.n_steps = True, 1.0, 0
            best = self._settle()
        return best

    def bar(self, route: Route) -> None:
        """Let the molecules between the ends of a route stand in no further one."""
        for node in route.nodes[1:-1]:
            seen = self._seen[self._smiles[node]]
            self._seen[seen.smiles] = replace(seen, fault=seen.fault or "used")

    def thinned(self, route: Route, n_nodes: int) -> Route:
        """The route of least energy through some of a route's nodes, both ends included.

        Args:
            route: with at least `n_nodes` nodes.
            n_nodes: how many, at least 2.
        """
        last = len(route.nodes) - 1
        best: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {(1, 0): (0.0, (0,))}
        for n in range(2, n_nodes + 1):
            for j in range(1, last + 1):
                ways = [
                    (
                        best[n - 1, i][0] + self._energy((route.nodes[i], route.nodes[j])),
                        (*best[n - 1, i][1], j),
                    )
                    for i in range(j)
                    if (n - 1, i) in best
                ]
                if ways:
                    best[n, j] = min(ways)
        energy, places = best[n_nodes, last]
        return Route(tuple(route.nodes[i] for i in places), energy)

    def seen(self, node: Node) -> Seen | None:
        """What is known of a node; None where it was not looked at."""
        smiles = self._smiles.get(node)
        return None if smiles is None else self._seen[smiles]

    def _settle(self) -> Route | None:
        best: Route | None = None
        while True:
            hoped = self._shortest(None if best is None else best.energy)
            if hoped is None or best is not None and best.energy <= hoped.energy * (1 + self.work.tolerance):
                return best
            if self.n_sifted >= self.work.n_sifted:
                return best
            if any([self._sift(node) for node in hoped.nodes]) or any([self._screen(n) for n in hoped.nodes]):
                continue
            is_weighed = all(self._seen[self._smiles[n]].is_weighed for n in hoped.nodes)
            if not is_weighed and self.n_weighed >= self.work.n_weighed:
                return best or Route(hoped.nodes, self._energy(hoped.nodes))
            self._weigh(hoped.nodes)
            # A state may prove to be a molecule that was weighed before, under another name.
            route = Route(hoped.nodes, self._energy(hoped.nodes))
            if best is None or route.energy < best.energy:
                best = route

    def _energy(self, nodes: Sequence[Node]) -> float:
        return sum(self._step(a, b, self._squared(a, b)) for a, b in pairwise(nodes))

    def _squared(self, a: Node, b: Node) -> float:
        number = max(a[0], b[0], 0)
        return self.terrains[number].joint(self._state(a, number) ^ self._state(b, number))

    def _state(self, node: Node, number: int) -> int:
        if node[0] >= 0:
            return node[1]
        return 0 if node == START else self.terrains[number].goal

    def _sift(self, node: Node) -> bool:
        """Build a node and put it through the quick filters; whether it fails."""
        if node not in self._smiles:
            self.n_sifted += 1
            hybrid = self.terrains[node[0]].lattice.builder.build(node[1])
            self._smiles[node] = "" if hybrid is None else hybrid.smiles
            if hybrid is None:
                self._seen[""] = Seen("", "none")
            elif hybrid.smiles not in self._seen:
                fault = self.examiner.sift(hybrid.mol)
                terms = {} if fault else self.examiner.weigh_quickly(hybrid.mol)
                weight = FLOOR + sum(terms.values())
                self._seen[hybrid.smiles] = Seen(hybrid.smiles, weight=weight, terms=terms, mol=hybrid.mol)
                return self._fails(node, fault, hybrid.nodes)
            elif node[0] >= 0 and self._seen[hybrid.smiles].mol is None:
                # A hybrid that is one of the ends under another name stands in no path.
                return self._fails(node, Fault("end"), ())
        known = self._seen[self._smiles[node]].fault
        return self._fails(node, None if known is None else Fault(known), ())

    def _screen(self, node: Node) -> bool:
        """Put a node that the quick filters pass through the slow ones; whether it fails."""
        seen = self._seen[self._smiles[node]]
        if seen.fault is not None:
            return self._fails(node, Fault(seen.fault), ())
        if seen.is_screened or seen.mol is None:
            return False
        fault = self.examiner.screen(seen.mol)
        self._seen[seen.smiles] = replace(seen, is_screened=True)
        hybrid = None if fault is None else self.terrains[node[0]].lattice.builder.build(node[1])
        return self._fails(node, fault, () if hybrid is None else hybrid.nodes)

    def _fails(self, node: Node, fault: Fault | None, at: Sequence[int]) -> bool:
        """Take down what a filter says of a node; whether it says anything.

        Args:
            node: the node.
            fault: what was found.
            at: node of the lattice of each atom.
        """
        if fault is None:
            return False
        self.faults[fault.name] += 1
        seen = self._seen[self._smiles[node]]
        if seen.mol is not None:
            self._seen[seen.smiles] = replace(seen, fault=fault.name)
        self.terrains[node[0]].forbid(node[1], ([at[i] for i in place] for place in fault.places))
        return True

    def _weigh(self, nodes: Sequence[Node]) -> None:
        smiles = [s for s in dict.fromkeys(self._smiles[n] for n in nodes) if not self._seen[s].is_weighed]
        self.n_weighed += len(smiles)
        mols = [mol for s in smiles if (mol := self._seen[s].mol) is not None]
        for text, terms in zip(smiles, self.examiner.weigh(mols, smiles), strict=True):
            seen = self._seen[text]
            weight = seen.weight + sum(terms.values())
            self._seen[text] = replace(seen, weight=weight, is_weighed=True, terms={**seen.terms, **terms})

    def _step(self, a: Node, b: Node, squared: float) -> float:
        """What a step costs: nothing between two names of one molecule."""
        x, y = self._smiles.get(a), self._smiles.get(b)
        if x is not None and x == y:
            return 0.0
        mean = (self._weight(x) + self._weight(y)) / 2
        return mean * mean * squared

    def _weight(self, smiles: str | None) -> float:
        return FLOOR if smiles is None else self._seen[smiles].weight

    def _shortest(self, limit: float | None) -> Route | None:
        """Shortest route if all that was not looked at is sound and of λ_0; greedier after too many steps."""
        while self.n_steps < self.work.n_all_steps:
            route, is_cut = self._run(limit)
            if not is_cut:
                return route
            self._greed *= 2
        return None

    def _run(self, limit: float | None) -> tuple[Route | None, bool]:
        """The best route, and whether the limit of steps ended the run; greed 1 gives the shortest."""
        self.n_runs += 1
        cost: dict[Node, float] = {START: 0.0}
        previous: dict[Node, Node] = {}
        ticks, last = count(), self.n_steps + self.work.n_steps
        queue: list[tuple[float, int, int, Node]] = [(0.0, 0, next(ticks), START)]
        done: set[Node] = set()
        while queue:
            total, _, _, node = heapq.heappop(queue)
            if limit is not None and self._greed == 1.0 and total >= limit:
                break
            if node == GOAL:
                return Route(_walked_back(previous), cost[GOAL]), False
            if node in done or not self._is_open(node):
                continue
            if self.n_steps > last:
                return None, True
            done.add(node)
            self.n_popped += 1
            for other, squared, left in self._successors(node):
                self.n_steps += 1
                if other in done:
                    continue
                through = cost[node] + self._step(node, other, squared)
                if through < cost.get(other, float("inf")):
                    cost[other], previous[other] = through, node
                    entry = round(through + self._greed * left, 9), -other[1].bit_count(), next(ticks), other
                    heapq.heappush(queue, entry)
        return None, False

    def _is_open(self, node: Node) -> bool:
        """Whether a node may stand in a path, as far as is known."""
        return node[0] < 0 or self.terrains[node[0]].is_open(node[1])

    def _successors(self, node: Node) -> Iterator[tuple[Node, float, float]]:
        for number in range(len(self.terrains)) if node[0] < 0 else (node[0],):
            terrain = self.terrains[number]
            state = self._state(node, number)
            for other, squared, left in terrain.steps(state):
                yield (number, other) if other != terrain.goal else GOAL, squared, left
            if self.is_crossing:
                for other, squared, left in terrain.crossings(state):
                    yield (number, other) if other != terrain.goal else GOAL, squared, left


def _walked_back(previous: Mapping[Node, Node]) -> tuple[Node, ...]:
    route = [GOAL]
    while route[-1] != START:
        route.append(previous[route[-1]])
    return tuple(reversed(route))
