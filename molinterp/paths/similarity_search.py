"""From candidates to the discrete geodesic: bridge the gaps, refine the steps, take the best path.

The candidates that a curve in latent space explains are few where it crosses empty space. While no path
joins the two ends with every step similar enough, the two sides that are joined so far are grown towards
each other: from the molecules nearest to the other side, by beam searches in the latent space at and between
them and by edits that bring pieces of the one into the other. Once they meet, the steps of the path found
are refined the same way. The path is the shortest one under the functional of `geometry.discrete`.

Everything counts in rounds, so that the same input gives the same path on any machine; only the time limit
looks at the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, final

import numpy as np

from molinterp.chem.edits import EDITS, Goal
from molinterp.chem.identity import without_stereo
from molinterp.errors import InputError
from molinterp.geometry import discrete
from molinterp.paths.candidates import Candidate, Candidates

Source = Callable[[Sequence[tuple[str, str]]], Iterable[str]]
"""Pairs of SMILES to SMILES of molecules about and between them."""
FEES = {"smooth": 0.01, "short": 0.15}
"""Objective to what a step costs beside its squared distance: with nothing, steps of similarity 0.9 and above
are worth a detour."""
REFINED_SIMILARITY = 0.8
"""Steps from this on are small enough."""
SPANS = (2, 3)
"""Steps of a path that a refinement looks for a way past."""
MIN_MOLECULES = 7
"""Molecules of a smooth path whose number is left open, ends included, where the candidates allow; between
stereoisomers nothing need lie."""
N_FRONTIER = 3
"""Molecules a side that are grown in a round, at first."""
N_PATIENT = 8
"""Rounds after which one molecule a side more is grown: where the nearest lead nowhere, others may."""
N_KEPT = 10
"""Edits of a molecule that become candidates."""
N_JUDGED = 40
"""Edits of a molecule that are judged at most."""


@final
@dataclass(frozen=True)
class Search:
    """What is asked of a path, and how long it is sought."""

    min_step_similarity: float = 0.5
    """Least ECFP4 Tanimoto similarity of a step, in (0, 1)."""
    objective: Literal["smooth", "short"] = "smooth"
    """Many small steps, or few that are just small enough."""
    n_molecules: int | None = None
    """Molecules of the path, ends included; None leaves it open."""
    n_paths: int = 1
    """Paths without a molecule between in common."""
    edits: bool = True
    """Whether edits of molecules give candidates too."""
    max_rounds: int = 96
    """Rounds of growth before an unbridged gap is given up."""
    n_refinements: int = 3
    """Rounds of refinement of a path."""
    timeout: float = 60.0
    """Seconds after which the best path so far is taken."""

    @property
    def floor(self) -> float:
        """The least similarity of a step in single precision, as similarities are stored."""
        return float(np.float32(self.min_step_similarity))

    def __post_init__(self) -> None:
        """Check the values."""
        if not 0 < self.min_step_similarity < 1:
            raise InputError(f"`min_step_similarity` must be in (0, 1); got {self.min_step_similarity}.")
        if self.objective not in FEES:
            raise InputError(f"`objective` must be one of {', '.join(FEES)}; got {self.objective!r}.")
        if self.n_molecules is not None and self.n_molecules < 2:
            raise InputError(f"`n_molecules` must be at least 2, the ends included; got {self.n_molecules}.")
        if self.n_paths < 1:
            raise InputError(f"`n_paths` must be at least 1; got {self.n_paths}.")
        if self.timeout <= 0:
            raise InputError(f"`timeout` must be positive seconds; got {self.timeout}.")


@final
@dataclass(frozen=True)
class Assembly:
    """A path through candidates."""

    path: tuple[int, ...]
    """Numbers of the candidates in order, the two ends included."""
    is_bridged: bool
    """Whether every step is as similar as asked."""
    n_rounds: int
    """Rounds of growth that it took."""
    is_timed_out: bool
    """Whether the time limit ended the search."""


def are_stereoisomers(start: Candidate, end: Candidate) -> bool:
    """Whether two molecules are the same but for stereo."""
    return without_stereo(start.smiles) == without_stereo(end.smiles)


def assemble(candidates: Candidates, sources: Mapping[str, Source], search: Search) -> list[Assembly]:
    """The best paths from candidate 0 to candidate 1, best first; always at least one.

    `candidates` grows while paths are sought.

    Args:
        candidates: the two ends and what is known between them.
        sources: origin of molecules, as `Candidate.origin` names it, to what gives them for pairs.
        search: what is asked.
    """
    search_for_one = _Assembler(candidates, sources, search)
    found = [search_for_one.best()]
    while len(found) < search.n_paths and len(found[-1].path) > 2:
        candidates.bar(found[-1].path[1:-1])
        following = search_for_one.best()
        if not following.is_bridged and found[-1].is_bridged:
            break
        found.append(following)
    return found


@final
class _Assembler:
    """Grows the candidates of one pair until a path stands."""

    def __init__(self, candidates: Candidates, sources: Mapping[str, Source], search: Search) -> None:
        self._all, self._sources, self._search = candidates, sources, search
        self._deadline = time.monotonic() + search.timeout
        self._tried: set[tuple[int, int]] = set()
        self._joined: set[tuple[str, str]] = set()

    def best(self) -> Assembly:
        n_rounds = 0
        path = self._shortest()
        while not path and n_rounds < self._search.max_rounds and not self._is_late():
            grown = self._bridge(N_FRONTIER + n_rounds // N_PATIENT)
            n_rounds += 1
            path = self._shortest()
            if not grown:
                break
        is_joined = bool(path)
        for _ in range(self._search.n_refinements if is_joined else 0):
            if self._is_late() or not self._refine(path):
                break
            path = self._shortest()
        if is_joined and self._search.objective != "smooth":
            # Sought as for small steps whatever is asked: few large ones first would settle on a detour.
            path = self._shortest(FEES[self._search.objective])
        path = self._cut(path or self._widest())
        # Fewer molecules than a bridge needs were perhaps asked for.
        is_bridged = is_joined and self._worst(path) >= self._search.floor
        return Assembly(path, is_bridged, n_rounds, self._is_late())

    def _worst(self, path: tuple[int, ...]) -> float:
        return min(float(self._all.similarity[i, j]) for i, j in pairwise(path))

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline

    def _shortest(self, fee: float = FEES["smooth"]) -> tuple[int, ...]:
        """The path of least energy with steps as asked, which cost `fee` each; empty where there is none."""
        return self._settled(
            lambda allowed: self._search.floor,
            lambda floor, allowed: discrete.cheapest(
                self._all.similarity, self._all.weights, 0, 1, floor=floor, fee=fee, allowed=allowed
            ),
        )

    def _widest(self) -> tuple[int, ...]:
        """The path whose worst step is best, and among those the one of least energy."""
        return self._settled(
            lambda allowed: discrete.widest(self._all.similarity, 0, 1, allowed),
            lambda floor, allowed: discrete.cheapest(
                self._all.similarity, self._all.weights, 0, 1, floor=floor, allowed=allowed
            ),
        )

    def _settled(
        self,
        floor_of: Callable[[discrete.Mask], float],
        solve: Callable[[float, discrete.Mask], tuple[int, ...]],
    ) -> tuple[int, ...]:
        """Solve until every molecule of the path is settled; empty where the ends are not joined.

        Only candidates that steps of the least similarity join to both ends are weighed and offered.
        """
        similarity = self._all.similarity
        while True:
            allowed = self._all.allowed
            floor = floor_of(allowed)
            between = discrete.connected(similarity, 0, floor, allowed)
            if not between[1]:
                return ()
            self._all.weigh(np.flatnonzero(between).tolist())
            path = solve(floor, between)
            # Every one is looked at, so that one more solution takes account of several.
            if all([self._all.is_settled(i) for i in path]):
                return path

    def _cut(self, path: tuple[int, ...]) -> tuple[int, ...]:
        """The path with as many molecules as asked, where the candidates allow."""
        wanted = self._search.n_molecules
        if wanted is None:
            is_open = self._search.objective == "smooth" and not are_stereoisomers(self._all[0], self._all[1])
            wanted = max(MIN_MOLECULES if is_open else 0, len(path))
        if len(path) == wanted:
            return path
        floor = min(self._worst(path), self._search.floor)
        most = min(wanted, len(self._all))
        fewer = range(most, len(path), -1) if wanted > len(path) else (wanted,)
        for n in fewer:
            if wanted > len(path) and self._is_late():
                break
            other = self._exactly(n, floor) or (self._exactly(n, None) if wanted < len(path) else ())
            if other:
                path = other
                break
        while len(path) < wanted and not self._is_late():
            longer = self._with_one_more(path, floor)
            if not longer:
                break
            path = longer
        return path

    def _with_one_more(self, path: tuple[int, ...], floor: float) -> tuple[int, ...]:
        return self._settled(
            lambda allowed: floor,
            lambda least, allowed: (
                ()
                if self._is_late()
                else discrete.with_one_more(
                    self._all.similarity, self._all.weights, path, floor=least, allowed=allowed
                )
            ),
        )

    def _exactly(self, n: int, floor: float | None) -> tuple[int, ...]:
        """The path of least energy with `n` molecules; without a floor, of those whose worst step is best."""
        similarity, order = self._all.similarity, self._order()
        return self._settled(
            lambda allowed: (
                discrete.widest_with_exactly(similarity, order, n, 0, 1, allowed) if floor is None else floor
            ),
            lambda least, allowed: discrete.with_exactly(
                similarity, self._all.weights, order, n, 0, 1, floor=least, allowed=allowed
            ),
        )

    def _order(self) -> discrete.Weights:
        """Similarity to the end less that to the start, smallest at the start and largest at the end."""
        order = (self._all.similarity[1] - self._all.similarity[0]).astype(np.float64)
        order[0], order[1] = -np.inf, np.inf
        return order

    def _bridge(self, n_frontier: int) -> bool:
        """Grow `n_frontier` molecules a side towards the other; whether there was anything left to grow."""
        similarity, floor = self._all.similarity, self._search.floor
        allowed = self._all.allowed
        sides = [np.flatnonzero(discrete.connected(similarity, root, floor, allowed)) for root in (0, 1)]
        jobs: list[tuple[int, int, list[int]]] = []
        for own, other in (sides, sides[::-1]):
            across = similarity[np.ix_(own, other)]
            nearest = other[across.argmax(1)]
            front = []
            for k in np.argsort(-across.max(1), kind="stable").tolist():
                pair = (int(own[k]), int(nearest[k]))
                if pair not in self._tried and self._all.is_clear(pair[0]):
                    front.append((*pair, other.tolist()))
                if len(front) == n_frontier:
                    break
            jobs += front
        self._tried.update((x, y) for x, y, _ in jobs)
        self._ask([(x, y) for x, y, _ in jobs])
        for x, y, across_all in jobs if self._search.edits else ():
            self._edit(x, y, across_all, floor)
        return bool(jobs)

    def _refine(self, path: tuple[int, ...]) -> bool:
        """Look for molecules between those of a path; whether there was anything left to try.

        Between neighbours for smaller steps, and from each molecule to those two and three further on for
        ways that leave out what stands between: the first path is made of whatever bridged the gap.
        """
        steps = [
            (x, y)
            for x, y in pairwise(path)
            if (x, y) not in self._tried and self._all.similarity[x, y] < REFINED_SIMILARITY
        ]
        self._tried.update(steps)
        self._ask(steps)
        ways = []
        if self._search.edits:
            past = [pair for k in SPANS for pair in zip(path, path[k:], strict=False)]
            ways = [pair for pair in past if pair not in self._tried]
        self._tried.update(ways)
        floors = [float(self._all.similarity[x, y]) for x, y in steps] + [self._search.floor] * len(ways)
        for (x, y), floor in zip(steps + ways, floors, strict=True) if self._search.edits else ():
            for a, b in ((x, y), (y, x)):
                self._edit(a, b, [b], floor)
        return bool(steps or ways)

    def _ask(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Add what the sources know about and between pairs of candidates."""
        texts = [(self._all[x].smiles, self._all[y].smiles) for x, y in pairs]
        for origin, source in self._sources.items() if pairs else ():
            for proposal in self._all.proposals(source(texts)):
                self._all.add(proposal, origin)

    def _edit(self, x: int, y: int, goals: Sequence[int], floor: float) -> None:
        """Add the edits of x with pieces of y that are nearest to a goal and at least `floor` to x."""
        mol, donor = self._all[x].mol, self._all[y].mol
        goal = Goal(donor, self._all.sizes, self._joined)
        found = self._all.edited([product for edit in EDITS for product in edit(mol, goal)])
        near = [p for p, s in zip(found, self._all.nearness(found, [x]), strict=True) if s >= floor]
        order = np.argsort([-s for s in self._all.nearness(near, goals)], kind="stable")
        n_kept = 0
        for k in order[:N_JUDGED]:
            proposal = self._all.reread(near[k])
            n_kept += proposal is not None and self._all.add(proposal, "edit") is not None
            if n_kept == N_KEPT:
                return
