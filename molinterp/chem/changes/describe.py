"""The change between two molecules under an atom map: atoms, bonds, places, and in a chemist's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import final

from rdkit import Chem

from molinterp.chem.alignment.mapped_graph import MappedGraph, mapped_graph
from molinterp.chem.alignment.mapped_stereo import flipped_bonds, inverted_centres
from molinterp.chem.alignment.regions import Form, Groups, Region, forms, regions
from molinterp.chem.changes.change_words import WordSettings, change_words

Bond = tuple[int, int]


@final
@dataclass(frozen=True)
class ReadableLimits:
    """What a chemist reads at one glance; atoms and bonds are counted on both sides unless said otherwise."""

    tiny_atoms: int = 2
    """Changes of this many atoms are read wherever they are..."""
    tiny_bonds: int = 6
    """...with this many bonds at most."""
    larger: int = 8
    """Atoms on the side that changes more, at most, of a change at one place."""
    small: int = 10
    """Atoms, and bonds, of a small change, at most..."""
    small_anchors: int = 4
    """...which hangs on this many atoms at most."""
    group: int = 14
    """Atoms of a substituent (it hangs on one atom) or a ring (on two), at most."""
    stray: int = 2
    """Atoms that change outside one ring of each side, at most, where a ring is exchanged."""


@final
@dataclass(frozen=True)
class ChangeSettings:
    """How a change is judged and named."""

    readable: ReadableLimits = field(default_factory=ReadableLimits)
    """What counts as readable."""
    words: WordSettings = field(default_factory=WordSettings)
    """How much is named."""


@final
@dataclass(frozen=True)
class Change:
    """What changes between molecules A and B under an atom map."""

    pairs: tuple[tuple[int, int], ...]
    """Atoms of A and B in common, sorted."""
    lost: tuple[int, ...]
    """Heavy atoms of A that B lacks."""
    gained: tuple[int, ...]
    """Heavy atoms of B that A lacks."""
    altered: tuple[int, ...]
    """Atoms of A in common whose partners have another element or charge."""
    lost_bonds: tuple[Bond, ...]
    """Bonds of A that B lacks, by atoms of A."""
    gained_bonds: tuple[Bond, ...]
    """Bonds of B that A lacks, by atoms of B."""
    altered_bonds: tuple[Bond, ...]
    """Bonds of A in common whose partners have another order."""
    inverted: tuple[int, ...]
    """Centres of A in common whose partners have the opposite handedness."""
    flipped: tuple[Bond, ...]
    """Double bonds of A in common that are cis in one molecule and trans in the other."""
    n_sites: int
    """Connected places of change; what changes in one ring is one place."""
    size: int
    """Heavy atoms that change, both sides."""
    larger: int
    """Heavy atoms that change on the side that changes more of them."""
    is_readable: bool
    """Whether a chemist reads the change at one glance."""
    words: str
    """The change as a chemist says it, places parted by semicolons; empty if nothing changes."""


def describe_change(
    a: Chem.Mol, b: Chem.Mol, pairs: Iterable[tuple[int, int]], settings: ChangeSettings | None = None
) -> Change:
    """Describe the change from one molecule to another.

    Args:
        a: the molecule before, sanitised.
        b: the molecule after, sanitised.
        pairs: atoms of A and B in common, as `align` gives them.
        settings: what counts as readable and how it is named; None for the defaults.
    """
    settings = settings or ChangeSettings()
    first, second, mapped = mapped_graph(a), mapped_graph(b), dict(sorted(pairs))
    places, kinds = regions(first, second, mapped), forms(first, second, mapped)
    counts = _Counts(first, second, mapped, places, kinds)
    inverted, flipped = inverted_centres(a, b, mapped), flipped_bonds(a, b, mapped)
    return Change(
        pairs=tuple(mapped.items()),
        lost=tuple(counts.lost),
        gained=tuple(counts.gained),
        altered=tuple(counts.altered),
        lost_bonds=tuple(counts.lost_bonds),
        gained_bonds=tuple(counts.gained_bonds),
        altered_bonds=tuple(bond for form in kinds for bond in form.bonds),
        inverted=tuple(inverted),
        flipped=tuple(flipped),
        n_sites=counts.n_sites() + (len(inverted) + len(flipped) if not (places or kinds) else 0),
        size=len(counts.lost) + len(counts.gained) + 2 * len(counts.altered),
        larger=max(len(counts.lost), len(counts.gained)) + len(counts.altered),
        is_readable=_is_readable(counts, settings.readable),
        words=change_words(first, second, mapped, places, kinds, len(inverted), len(flipped), settings.words),
    )


def _is_readable(counts: _Counts, limits: ReadableLimits) -> bool:
    """Whether the change reads at one glance, as it is or with rings that change kind as exchanged whole."""
    rings = counts.reformed_rings(limits.tiny_bonds // 2)
    return counts.is_readable(limits) or bool(rings) and counts.without(rings).is_readable(limits)


@final
class _Counts:
    """Counts of a change, from which its readability follows."""

    def __init__(
        self, a: MappedGraph, b: MappedGraph, pairs: dict[int, int], places: list[Region], kinds: list[Form]
    ) -> None:
        self._a, self._b, self._pairs, self._places, self._kinds = a, b, pairs, places, kinds
        taken = set(pairs.values())
        self.lost = [i for i in range(a.n) if i not in pairs and a.numbers[i] > 1]
        self.gained = [j for j in range(b.n) if j not in taken and b.numbers[j] > 1]
        self.altered = [
            i for i, j in pairs.items() if a.numbers[i] != b.numbers[j] or a.charges[i] != b.charges[j]
        ]
        back = {j: i for i, j in pairs.items()}
        self.lost_bonds = _own_bonds(a, pairs, b)
        self.gained_bonds = _own_bonds(b, back, a)

    def reformed_rings(self, n_bonds: int) -> set[int]:
        """Atoms of A in rings of which more than `n_bonds` bonds change their order."""
        altered = {frozenset(bond) for form in self._kinds for bond in form.bonds}
        found = set[int]()
        for ring in self._a.rings:
            bonds = (frozenset(bond) for bond in zip(ring, (*ring[1:], ring[0]), strict=True))
            if sum(bond in altered for bond in bonds) > n_bonds:
                found |= set(ring)
        return found

    def without(self, atoms: set[int]) -> _Counts:
        """Counts with some atoms of A taken as not in common."""
        a, b = self._a, self._b
        pairs = {i: j for i, j in self._pairs.items() if i not in atoms}
        return _Counts(a, b, pairs, regions(a, b, pairs), forms(a, b, pairs))

    def n_sites(self) -> int:
        """Connected places: regions and forms, joined where they touch, are bonded or lie in one ring."""
        groups: Groups[tuple[str, int]] = Groups()
        for k, region in enumerate(self._places):
            keys = [("a", i) for i in region.lost] + [("b", j) for j in region.gained]
            keys += [("m", i) for i in region.anchors] if region.lost_bonds or region.gained_bonds else []
            self._join(groups, [("region", k), *keys])
        for k, form in enumerate(self._kinds):
            keys = [("m", i) for i in (*form.atoms, *(x for bond in form.bonds for x in bond))]
            # Atoms on one and the same chain atom are one place: CF3 for tert-butyl.
            keys += [("on", n) for i in form.atoms for n in self._a.neighbours[i] if not self._a.is_ring(n)]
            self._join(groups, [("form", k), *keys])
        present = {key for group in groups.all() for key in group}
        back = {j: i for i, j in self._pairs.items()}
        for side, graph, own in (("a", self._a, {i: i for i in self._pairs}), ("b", self._b, back)):
            names = [("m", own[i]) if i in own else (side, i) for i in range(graph.n)]
            for ring in graph.rings:
                self._join(groups, [names[i] for i in ring if names[i] in present])
            for i, k in graph.edges:
                if i < k and names[i] in present and names[k] in present:
                    groups.join(names[i], names[k])
        return len(groups.all())

    @staticmethod
    def _join(groups: Groups[tuple[str, int]], keys: list[tuple[str, int]]) -> None:
        for key in keys:
            groups.join(keys[0], key)

    def is_readable(self, limits: ReadableLimits) -> bool:
        atoms = len(self.lost) + len(self.gained) + 2 * len(self.altered)
        n_orders = sum(len(form.bonds) for form in self._kinds)
        bonds = len(self.lost_bonds) + len(self.gained_bonds) + 2 * (len(self.altered) + n_orders)
        if atoms <= limits.tiny_atoms:
            return bonds <= limits.tiny_bonds
        anchors = len({*self.altered, *(i for region in self._places for i in region.anchors)})
        is_small = atoms <= limits.small and bonds <= limits.small and anchors <= limits.small_anchors
        is_group = anchors <= 1 and atoms <= limits.group
        is_ring = anchors <= 2 and self._n_stray() <= limits.stray and atoms <= limits.group
        larger = max(len(self.lost), len(self.gained)) + len(self.altered)
        return self.n_sites() <= 1 and larger <= limits.larger and (is_small or is_group or is_ring)

    def _n_stray(self) -> int:
        """Atoms that change outside one ring of each side."""
        total = 0
        for graph, own in (
            (self._a, {*self.lost, *self.altered}),
            (self._b, {*self.gained, *(self._pairs[i] for i in self.altered)}),
        ):
            total += len(own) - max((len(own & set(ring)) for ring in graph.rings), default=0)
        return total


def _own_bonds(graph: MappedGraph, pairs: dict[int, int], other: MappedGraph) -> list[Bond]:
    """Bonds of a molecule that are not common."""
    return [
        (i, k)
        for i, k in graph.edges
        if i < k and not (i in pairs and k in pairs and (pairs[i], pairs[k]) in other.edges)
    ]
