"""A lattice as the search sees it: moves with costs, lower bounds, and what is known to be unsound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from molinterp.chem.hybrids import Change, Lattice, MoveLimits


@final
@dataclass(frozen=True)
class StepCost:
    """What a step costs before λ: the square of its length."""

    step_penalty: float = 2.0
    """Atoms that a step counts for beside those that it changes: more gives fewer, larger steps."""
    bond_share: float = 0.0
    """What a bond that comes, goes or changes counts, in atoms."""
    unreadable: float = 1.5
    """Factor of a length that a chemist does not read at one glance."""

    def __call__(self, change: Change) -> float:
        """The squared length of a step: penalty and heavy atoms changed, times the places that change."""
        length = self.step_penalty + change.larger + self.bond_share * change.bonds
        length *= max(change.sites, 1)
        if not change.is_readable:
            length *= self.unreadable
        return length * length


@final
@dataclass(frozen=True)
class Work:
    """How much is done for a pair at most; counted, never timed."""

    n_sifted: int = 400
    """Molecules that are built and put through the quick filters."""
    n_weighed: int = 12
    """Molecules that are put through the slow filters and weighed."""
    n_steps: int = 6000
    """Steps that one run of A* looks at; where they do not lead to the end, the next run is greedier."""
    n_all_steps: int = 100000
    """Steps that all runs look at."""
    n_bounds: int = 20000
    """Sets of blocks whose least cost is found exactly; beyond them a rougher bound does."""
    max_crossed: int = 8
    """Heavy atoms of a joint step over several places."""
    n_crossed: int = 200
    """States that one state is joined to over unsound ones."""
    tolerance: float = 0.0
    """How far above the least energy a path may be, relative."""


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
        self.lattice, self.goal = lattice, lattice.goal
        self._cost, self._work = cost, work
        self.moves = [(m.mask, cost(m.change)) for m in lattice.moves(limits)]
        self._by_low: dict[int, list[tuple[int, float]]] = {}
        for mask, squared in self.moves:
            self._by_low.setdefault(mask & -mask, []).append((mask, squared))
        self._least: dict[int, float] = {0: 0.0}
        self._bounds: dict[int, float] = {0: 0.0}
        self._joint: dict[int, float] = dict(self.moves)
        self._open: dict[int, bool] = {}
        self._steps: dict[int, list[tuple[int, float, float]]] = {}
        self._nogoods: dict[tuple[int, int], None] = {}
        self._rate = min((cost.step_penalty + n) ** 2 / n for n in range(1, limits.max_atoms + 1))

    def is_open(self, state: int) -> bool:
        """Whether a state may be a sound molecule, as far as is known without building it."""
        if state not in self._open:
            self._open[state] = self.lattice.builder.is_possible(state)
        return self._open[state] and not any(state & care == value for care, value in self._nogoods)

    def forbid(self, state: int, places: Iterable[Iterable[int]]) -> None:
        """Close a state, and all that are like it about some place.

        Args:
            state: a state that is no sound molecule.
            places: nodes that each of its faults is due to.
        """
        self._open[state] = False
        for nodes in places:
            self._nogoods[self.lattice.nogood(state, nodes)] = None

    def steps(self, state: int) -> list[tuple[int, float, float]]:
        """States one move ahead, each with the squared length of the step and a lower bound of the rest."""
        if state not in self._steps:
            rest = self.goal ^ state
            places = list(self.lattice.measure.places(rest))
            total = self.bound(rest)
            elsewhere = [(place, total - self._of_place(place)) for place in places]
            found = self._steps[state] = []
            for mask, squared in self.moves:
                if not mask & state:
                    place, others = next(p for p in elsewhere if p[0] & mask)
                    found.append((state | mask, squared, others + self.bound(place ^ mask)))
        return self._steps[state]

    def bound(self, rest: int) -> float:
        """What changing some blocks costs at least, whatever the order."""
        if rest not in self._bounds:
            self._bounds[rest] = sum(self._of_place(place) for place in self.lattice.measure.places(rest))
        return self._bounds[rest]

    def _of_place(self, place: int) -> float:
        if place not in self._least:
            if len(self._least) > self._work.n_bounds:
                return self._rate * self.lattice.measure.size(place)
            self._least[place] = min(
                squared + self.bound(place ^ mask)
                for mask, squared in self._by_low[place & -place]
                if not mask & ~place
            )
        return self._least[place]

    def joint(self, mask: int) -> float:
        """Squared length of a step that changes some blocks, wherever they are."""
        if mask not in self._joint:
            self._joint[mask] = self._cost(self.lattice.measure.change(mask))
        return self._joint[mask]

    def crossings(self, state: int) -> list[tuple[int, float, float]]:
        """As `steps`, but states beyond those that are closed, each in one joint step."""
        seen, front, found = {state}, [state], []
        size, work = self.lattice.measure.size, self._work
        while front and len(seen) < work.n_crossed:
            beyond = []
            for middle in front:
                for other, _, left in self.steps(middle):
                    if other in seen or size(other ^ state) > work.max_crossed:
                        continue
                    seen.add(other)
                    if middle != state:
                        found.append((other, self.joint(other ^ state), left))
                    if other != self.goal and not self.is_open(other):
                        beyond.append(other)
            front = beyond
        return found
