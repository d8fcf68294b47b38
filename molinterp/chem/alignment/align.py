"""Align two molecules: atom maps of their common part that compete, the one a chemist would draw first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import final

import numpy as np
from rdkit import Chem

from molinterp.chem.alignment.affinity import Affinity, AffinityModel, AffinitySettings
from molinterp.chem.alignment.growth import AtomMap, Growth
from molinterp.chem.alignment.map_cost import MapCostSettings, canonical_key, map_cost
from molinterp.chem.alignment.mapped_graph import MappedGraph, mapped_graph
from molinterp.chem.alignment.places import Places, is_in_place, places

ANY, ALIKE, CONNECTED = "any", "alike", "connected"
Pairs = tuple[tuple[int, int], ...]


@final
@dataclass(frozen=True)
class AlignmentSettings:
    """How hard to look for common parts; all limits are counts, so that results never depend on the clock."""

    max_maps: int = 6
    """Maps that are returned, at most."""
    n_seeds: int = 8
    """Pairs of atoms from which a common part is grown, for each reading, at most."""
    n_turns: int = 2
    """Times that one ring is laid on another, at most."""
    least_seed: float = 0.4
    """A seed is worth at least this share of the best one."""
    n_joined: int = 4
    """Connected maps of each reading to which further parts are added."""
    max_parts: int = 4
    """Further parts that are added to a map."""
    n_part_seeds: int = 6
    """Pairs of atoms from which a further part is grown, for each part."""
    small_part: int = 3
    """A part of this many atoms or fewer is mapped only where it stands at the same place of the rest."""
    n_varied: int = 2
    """Best maps whose choices are reconsidered one by one."""
    max_choices: int = 8
    """Choices of a map that are reconsidered, at most."""
    least_alike: float = 0.6
    """A branch is mapped only if this share of its atoms keep their kind, or all but one do."""
    same_place: float = 3.0
    """Worth of standing at the same place of what is mapped, for the seed of a further part."""
    other_place: float = 1.0
    """Worth lost by a seed whose atoms are as differently far from the rest of their molecules as can be."""
    affinity: AffinitySettings = field(default_factory=AffinitySettings)
    """What matched atoms are worth."""
    cost: MapCostSettings = field(default_factory=MapCostSettings)
    """What the change that a map leaves costs."""


@final
@dataclass(frozen=True)
class Alignment:
    """One reading of what two molecules have in common."""

    pairs: Pairs
    """Heavy atoms of A and B in common, sorted; a bond is common if it joins two of them on both sides."""
    cost: float
    """Estimated cost of the change that is left, dimensionless; 0 for equal molecules."""
    reading: str
    """`any` where atoms and bonds of different kinds may match, `alike` where they may not, `connected` for
    one part of either kind."""


def align(a: Chem.Mol, b: Chem.Mol, settings: AlignmentSettings | None = None) -> tuple[Alignment, ...]:
    """Atom maps of the common part of two molecules, best first.

    A map grows from a seed by whole rings and chain atoms; parts beyond what differs are added where they
    stand at the same place. Maps are ranked by what is left to change; those equal by symmetry come once.

    Args:
        a: the first molecule, sanitised.
        b: the second molecule, sanitised.
        settings: limits and weights; None for the defaults.

    Returns:
        At least one map, which is empty if the molecules have nothing in common.
    """
    aligner = _Aligner(mapped_graph(a), mapped_graph(b), settings or AlignmentSettings())
    return aligner.align()


@final
class _Aligner:
    def __init__(self, a: MappedGraph, b: MappedGraph, settings: AlignmentSettings) -> None:
        self._a, self._b, self._settings = a, b, settings
        self._costs: dict[Pairs, float] = {}
        self._readings: dict[Pairs, str] = {}

    def align(self) -> tuple[Alignment, ...]:
        self._record({}, CONNECTED)
        for reading in (ANY, ALIKE):
            self._read(reading)
        ranked = sorted(self._costs, key=lambda p: (self._costs[p], -len(p), p))
        # The best of each reading stands among those that are returned.
        best = list({self._readings[pairs]: pairs for pairs in reversed(ranked) if pairs}.values())
        chosen = self._distinct(sorted(best, key=ranked.index)[: self._settings.max_maps])
        chosen = self._distinct([*chosen, *(pairs for pairs in ranked if pairs and pairs not in chosen)])
        chosen.sort(key=ranked.index)
        return tuple(Alignment(p, self._costs[p], self._readings[p]) for p in chosen or [()])

    def _distinct(self, ranked: Iterable[Pairs]) -> list[Pairs]:
        """Maps that no symmetry turns into each other, the first ones, at most as many as are asked for."""
        found: list[Pairs] = []
        keys = set()
        for pairs in ranked:
            key = canonical_key(self._a, self._b, dict(pairs), self._settings.cost.n_rounds)
            if key not in keys:
                keys.add(key)
                found.append(pairs)
            if len(found) >= self._settings.max_maps:
                break
        return found

    def _read(self, reading: str) -> None:
        settings = self._settings
        model = AffinityModel(self._a, self._b, settings.affinity, is_strict=reading == ALIKE)
        affinity = model.without()
        connected: dict[Pairs, tuple[int, int]] = {}
        grown: list[AtomMap] = []
        for i, j in self._seeds(affinity):
            if any(pairs.get(i) == j for pairs in grown):
                continue
            pairs = self._grow(affinity, i, j, reading)
            if pairs:
                grown.append(pairs)
                connected.setdefault(self._record(pairs, CONNECTED), (i, j))
            if len(grown) >= settings.n_seeds:
                break
        best = sorted(connected, key=lambda p: (self._costs[p], p))
        for rank, key in enumerate(best[: settings.n_joined]):
            self._join_parts(model, dict(key), reading)
            if rank < settings.n_varied:
                self._vary(model, affinity, connected[key], reading)

    def _record(self, pairs: AtomMap, reading: str) -> Pairs:
        key = tuple(sorted(pairs.items()))
        if key not in self._costs:
            self._costs[key] = map_cost(self._a, self._b, pairs, self._settings.cost)
            self._readings[key] = reading
        return key

    def _seeds(self, affinity: Affinity) -> Iterator[tuple[int, int]]:
        """Pairs of atoms from the most promising on, one of each pair of symmetry classes."""
        wholes = affinity.wholes
        if not wholes.size or wholes.max() <= 0:
            return
        seen = set()
        laid: dict[tuple[int, int], int] = {}
        least = self._settings.least_seed * wholes.max()
        # Among equal surroundings, as in a chain of equal links, those as far from the middle come first.
        remote = np.abs(self._a.remoteness[:, None] - self._b.remoteness)
        order = wholes - self._settings.other_place * remote / max(remote.max(), 1.0)
        for flat in (-order).argsort(axis=None, kind="stable").tolist():
            i, j = divmod(flat, self._b.n)
            if wholes[i, j] < least:
                continue
            classes = (self._a.classes[i], self._b.classes[j])
            if classes in seen or not self._is_alike(i, j):
                continue
            seen.add(classes)
            if self._a.is_ring(i):
                rings = (self._a.rings_of[i][0], self._b.rings_of[j][0])
                laid[rings] = laid.get(rings, 0) + 1
                if laid[rings] > self._settings.n_turns:
                    continue
            yield i, j

    def _grow(
        self,
        affinity: Affinity,
        i: int,
        j: int,
        reading: str,
        start: AtomMap | None = None,
        banned: frozenset[tuple[int, int]] = frozenset(),
        where: Places | None = None,
    ) -> AtomMap:
        growth = self._growth(affinity, reading, start, banned, where)
        growth.grow(i, j)
        return self._pruned(growth)

    def _growth(
        self,
        affinity: Affinity,
        reading: str,
        start: AtomMap | None = None,
        banned: frozenset[tuple[int, int]] = frozenset(),
        where: Places | None = None,
    ) -> Growth:
        is_strict = reading == ALIKE
        return Growth(
            self._a, self._b, affinity, is_strict=is_strict, start=start, banned=banned, where=where
        )

    def _pruned(self, growth: Growth) -> AtomMap:
        """The pairs that were added, without branches most of whose atoms change their kind."""
        pairs = {i: growth.map[i] for i in growth.parents}
        total = dict.fromkeys(pairs, 0)
        alike = dict.fromkeys(pairs, 0)
        beyond: dict[int, list[int]] = {}
        for i in reversed(list(growth.parents)):
            total[i] += 1
            alike[i] += self._is_alike(i, pairs[i])
            parent = growth.parents[i]
            if parent is not None:
                total[parent] += total[i]
                alike[parent] += alike[i]
                beyond.setdefault(parent, []).append(i)
        drop = [
            i
            for i in pairs
            if self._is_poor(i, pairs[i], total[i], alike[i]) and growth.parents[i] is not None
        ]
        while drop:
            i = drop.pop()
            pairs.pop(i, None)
            drop += beyond.get(i, [])
        return pairs

    def _is_poor(self, i: int, j: int, total: int, alike: int) -> bool:
        if self._a.is_ring(i) or alike >= self._settings.least_alike * total:
            return False
        if total == 1:
            return not len(self._a.neighbours[i]) == len(self._b.neighbours[j]) == 1
        return total - alike > 1

    def _is_alike(self, i: int, j: int) -> bool:
        return bool(self._a.numbers[i] == self._b.numbers[j])

    def _join_parts(self, model: AffinityModel, pairs: AtomMap, reading: str) -> None:
        """Add parts that are not connected to the rest while that lowers the cost."""
        for _ in range(self._settings.max_parts):
            affinity = model.without(pairs.keys(), pairs.values())
            where = places(self._a, self._b, pairs)
            cost = self._costs[tuple(sorted(pairs.items()))]
            best: AtomMap | None = None
            for i, j in self._part_seeds(affinity, where):
                part = self._grow(affinity, i, j, reading, start=pairs, where=where)
                joined = pairs | part
                if len(part) < 2 or not is_in_place(self._a, self._b, pairs, part, self._settings.small_part):
                    continue
                key = self._record(joined, reading)
                if self._costs[key] < cost:
                    best, cost = joined, self._costs[key]
            if best is None:
                return
            pairs = best

    def _part_seeds(self, affinity: Affinity, where: Places) -> list[tuple[int, int]]:
        """Pairs of atoms that are not mapped yet, from the most promising on; one for each pair of rings."""
        worth = affinity.wholes * (where.entries & (self._a.numbers[:, None] == self._b.numbers))
        worth = np.where(where.same & (worth > 0), worth + self._settings.same_place, worth)
        seeds: dict[tuple[int, ...], tuple[int, int]] = {}
        for flat in (-worth).argsort(axis=None, kind="stable").tolist()[: int(np.count_nonzero(worth))]:
            i, j = divmod(flat, self._b.n)
            key = (-1, self._a.rings_of[i][0], self._b.rings_of[j][0]) if self._a.is_ring(i) else (i, j)
            seeds.setdefault(key, (i, j))
            if len(seeds) >= self._settings.n_part_seeds:
                break
        return list(seeds.values())

    def _vary(self, model: AffinityModel, affinity: Affinity, seed: tuple[int, int], reading: str) -> None:
        """Grow a map again with each of its choices forbidden."""
        growth = self._growth(affinity, reading)
        growth.grow(*seed)
        choices = list(dict.fromkeys(pair for pair in growth.choices if pair != seed))
        for pair in choices[: self._settings.max_choices]:
            pairs = self._grow(affinity, *seed, reading, banned=frozenset({pair}))
            if pairs and tuple(sorted(pairs.items())) not in self._costs:
                self._record(pairs, reading)
                self._join_parts(model, pairs, reading)
