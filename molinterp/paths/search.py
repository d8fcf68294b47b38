"""The lazy search: a shortest path that builds, filters and weighs only what the best path so far runs through.

Nodes are described at no cost (a state of a lattice) and count as sound and as light as can be until they are
looked at. A* finds the best path under these hopes; what it runs through is looked at, in one batch; the search
runs again; once all of a best path was looked at, no other is better (Dellin and Srinivasa, A Unifying Formalism
for Shortest Path Problems with Expensive Edge Evaluations via Lazy Best-First Search, 2016).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Protocol, final

from rdkit import Chem

from molinterp.chem.hybrids import Change, Lattice, MoveLimits
from molinterp.chem.hybrids.changes import bits

Node = tuple[int, int]
"""Lattice and state; the two ends are START and GOAL."""
START: Node = (-1, 0)
GOAL: Node = (-1, 1)
FLOOR = 1.0
"""λ_0: of a molecule that nothing speaks against."""


@final
@dataclass(frozen=True)
class StepCost:
    """What a step costs before λ: the square of (step_penalty + heavy atoms changed) times the places."""

    step_penalty: float = 2.0
    """Atoms that a step counts for beside those that it changes: more gives fewer, larger steps."""
    unreadable: float = 1.5
    """Factor of a step that a chemist does not read at one glance."""

    def __call__(self, change: Change) -> float:
        """The squared length of a step."""
        length = (self.step_penalty + change.larger) * max(change.sites, 1)
        if not change.is_readable:
            length *= self.unreadable
        return length * length


@final
@dataclass(frozen=True)
class Work:
    """How much is done at most; counted, never timed."""

    n_looks: int = 60
    """Molecules that are looked at."""
    n_popped: int = 20000
    """States that one run of A* takes from its queue."""
    n_bound: int = 12
    """Blocks of a place up to which its least cost is found exactly."""
    max_crossed: int = 8
    """Heavy atoms of a joint step over several places."""
    n_crossed: int = 400
    """States that one state is joined to over unsound ones."""
    tolerance: float = 0.0
    """How far above the least energy a path may be, relative."""


@final
@dataclass(frozen=True)
class Found:
    """What a look at a node found."""

    smiles: str
    """Canonical SMILES; empty where it is no molecule."""
    fault: str | None
    """Why it may not stand in a path; None where it may."""
    weight: float = FLOOR
    """λ."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """Terms of λ by name."""


class Look(Protocol):
    """Looks at molecules: filters and weighs them."""

    def __call__(self, smiles: Sequence[str], mols: Sequence[Chem.Mol]) -> list[Found]:
        """What is found of each molecule."""


@final
@dataclass(frozen=True)
class Route:
    """A path through nodes."""

    nodes: tuple[Node, ...]
    """Its nodes, both ends included."""
    energy: float
    """Σ λ̄² d², as far as λ is known."""


@final
class Terrain:
    """One lattice with its moves, their costs and what is left to pay from each state at least."""

    def __init__(self, lattice: Lattice, cost: StepCost, limits: MoveLimits, work: Work) -> None:
        """List the moves of a lattice.

        Args:
            lattice: the hybrids.
            cost: of a step.
            limits: which moves there are.
            work: how far the bound is exact.
        """
        self.lattice, self.cost, self.work = lattice, cost, work
        self.moves = [(m.mask, cost(m.change)) for m in lattice.moves(limits)]
        self._by_low: dict[int, list[tuple[int, float]]] = {}
        for mask, squared in self.moves:
            self._by_low.setdefault(mask & -mask, []).append((mask, squared))
        self._least: dict[int, float] = {0: 0.0}
        self._crossed: dict[int, float] = {}
        self._possible: dict[int, bool] = {}
        self._rate = min(
            ((cost.step_penalty + n) ** 2 / n for n in range(1, limits.max_atoms + 1)), default=1.0
        )

    def is_possible(self, state: int) -> bool:
        """Whether a state may be a molecule; says so without building it."""
        if state not in self._possible:
            self._possible[state] = self.lattice.builder.is_possible(state)
        return self._possible[state]

    def bound(self, rest: int) -> float:
        """What changing some blocks costs at least, whatever the order."""
        return sum(self._of_place(place) for place in self.lattice.measure.places(rest))

    def _of_place(self, place: int) -> float:
        if place not in self._least:
            if place.bit_count() > self.work.n_bound:
                self._least[place] = self._rate * self.lattice.measure.size(place)
            else:
                self._least[place] = min(
                    squared + self.bound(place ^ mask)
                    for mask, squared in self._by_low[place & -place]
                    if not mask & ~place
                )
        return self._least[place]

    def joint(self, mask: int) -> float:
        """Squared length of a step that changes some blocks, wherever they are."""
        if mask not in self._crossed:
            self._crossed[mask] = self.cost(self.lattice.measure.change(mask))
        return self._crossed[mask]


@final
class LazySearch:
    """The search for one pair of ends."""

    def __init__(
        self,
        terrains: Sequence[Terrain],
        look: Look,
        work: Work,
        ends: tuple[Found, Found],
    ) -> None:
        """Search in some lattices of one pair at once.

        Args:
            terrains: the lattices.
            look: filters and weighs molecules.
            work: how much is done at most.
            ends: the start and the end.
        """
        self.terrains, self.look, self.work = terrains, look, work
        self.found: dict[Node, Found] = {START: ends[0], GOAL: ends[1]}
        self._by_smiles: dict[str, Found] = {f.smiles: f for f in ends}
        self.n_looks = self.n_runs = self.n_popped = 0
        self.faults: Counter[str] = Counter()
        self._is_crossing = False

    def solve(self) -> Route | None:
        """The path of least energy; None where the work allowed finds none."""
        best = self._settle()
        if best is None:
            self._is_crossing = True
            best = self._settle()
        return best

    def _settle(self) -> Route | None:
        best: Route | None = None
        while True:
            hoped = self._shortest(None if best is None else best.energy)
            if hoped is None or best is not None and best.energy <= hoped.energy * (1 + self.work.tolerance):
                return best
            unseen = [n for n in hoped.nodes if n not in self.found]
            if not unseen:
                return hoped
            if self.n_looks >= self.work.n_looks:
                return best
            self._look_at(unseen)
            if all(self.found[n].fault is None for n in hoped.nodes):
                route = Route(hoped.nodes, self._energy(hoped.nodes))
                if best is None or route.energy < best.energy:
                    best = route

    def _energy(self, nodes: Sequence[Node]) -> float:
        return sum(self._step(a, b, self._length(a, b)) for a, b in pairwise(nodes))

    def _length(self, a: Node, b: Node) -> float:
        number = max(a[0], b[0])
        terrain = self.terrains[number]
        return terrain.joint(self._state(a, number) ^ self._state(b, number))

    def _state(self, node: Node, number: int) -> int:
        if node[0] >= 0:
            return node[1]
        return 0 if node == START else self.terrains[number].lattice.goal

    def _look_at(self, nodes: Sequence[Node]) -> None:
        """Build, filter and weigh nodes, those of one SMILES once."""
        fresh: dict[str, Chem.Mol] = {}
        spelled: dict[Node, str] = {}
        for node in nodes:
            hybrid = self.terrains[node[0]].lattice.builder.build(node[1])
            if hybrid is None:
                self.found[node] = Found("", "none")
                self.faults["none"] += 1
                continue
            spelled[node] = hybrid.smiles
            if hybrid.smiles not in self._by_smiles:
                fresh.setdefault(hybrid.smiles, hybrid.mol)
        self.n_looks += len(nodes)
        for found in self.look(list(fresh), list(fresh.values())):
            self._by_smiles[found.smiles] = found
            if found.fault:
                self.faults[found.fault] += 1
        self.found |= {node: self._by_smiles[smiles] for node, smiles in spelled.items()}

    def _step(self, a: Node, b: Node, length: float) -> float:
        x, y = self.found.get(a), self.found.get(b)
        if x is not None and y is not None and x.smiles == y.smiles:
            return 0.0
        mean = ((FLOOR if x is None else x.weight) + (FLOOR if y is None else y.weight)) / 2
        return mean * mean * length

    def _shortest(self, limit: float | None) -> Route | None:
        """A* under hopes: what was not looked at is sound and of λ_0."""
        self.n_runs += 1
        cost: dict[Node, float] = {START: 0.0}
        previous: dict[Node, Node] = {}
        ticks = count()
        queue: list[tuple[float, int, int, Node]] = [(0.0, 0, next(ticks), START)]
        done: set[Node] = set()
        popped = 0
        while queue:
            total, _, _, node = heapq.heappop(queue)
            if node == GOAL:
                route = [GOAL]
                while route[-1] != START:
                    route.append(previous[route[-1]])
                self.n_popped += popped
                return Route(tuple(reversed(route)), cost[GOAL])
            if limit is not None and total >= limit:
                break
            if node in done or not self._is_open(node):
                continue
            done.add(node)
            popped += 1
            if popped > self.work.n_popped:
                break
            for other, length, left in self._successors(node):
                if other in done:
                    continue
                through = cost[node] + self._step(node, other, length)
                if through < cost.get(other, float("inf")):
                    cost[other], previous[other] = through, node
                    order = other[1].bit_count()
                    heapq.heappush(queue, (round(through + left, 9), -order, next(ticks), other))
        self.n_popped += popped
        return None

    def _is_open(self, node: Node) -> bool:
        """Whether a node may stand in a path, as far as is known."""
        if node[0] < 0:
            return True
        found = self.found.get(node)
        if found is not None:
            return found.fault is None
        return self.terrains[node[0]].is_possible(node[1])

    def _successors(self, node: Node) -> Iterator[tuple[Node, float, float]]:
        numbers = range(len(self.terrains)) if node[0] < 0 else (node[0],)
        for number in numbers:
            terrain = self.terrains[number]
            state, goal = self._state(node, number), terrain.lattice.goal
            for mask, length in terrain.moves:
                if not mask & state:
                    other = state | mask
                    at = GOAL if other == goal else (number, other)
                    yield at, length, terrain.bound(goal ^ other)
            if self._is_crossing:
                yield from self._crossings(number, state)

    def _crossings(self, number: int, state: int) -> Iterator[tuple[Node, float, float]]:
        """States beyond those known to be unsound, in one joint step."""
        terrain, work = self.terrains[number], self.work
        goal = terrain.lattice.goal
        seen, front = {state}, [state]
        while front and len(seen) < work.n_crossed:
            beyond = []
            for middle in front:
                for mask, _ in terrain.moves:
                    other = middle | mask
                    if mask & middle or other in seen:
                        continue
                    joint = other ^ state
                    if terrain.lattice.measure.size(joint) > work.max_crossed:
                        continue
                    seen.add(other)
                    if other != goal and not self._is_open((number, other)):
                        beyond.append(other)
                    elif middle != state:
                        at = GOAL if other == goal else (number, other)
                        yield at, terrain.joint(joint), terrain.bound(goal ^ other)
            front = beyond


def sized(lattice: Lattice, state: int) -> int:
    """Heavy atoms of a hybrid."""
    return lattice.n_atoms(state)


Maps = Callable[[Chem.Mol, Chem.Mol], Sequence[Sequence[tuple[int, int]]]]
__all__ = ["bits"]
