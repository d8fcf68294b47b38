"""Say what changes between two aligned molecules as a chemist says it: phenyl -> 3-pyridyl, + morpholine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from rdkit import Chem

from molinterp.chem.alignment.mapped_graph import MappedGraph
from molinterp.chem.alignment.regions import Bond, Form, Groups, Region
from molinterp.chem.changes.graph_parts import beyond, ring_position, ring_size
from molinterp.chem.changes.group_names import (
    built_group,
    group_by_table,
    group_name,
    groups_name,
    labelled_smiles,
    ring_name,
)
from molinterp.chem.changes.phrases import exchange_phrase, moved_phrase
from molinterp.chem.changes.ring_words import ring_words

_ORDERS = {1.0: "single", 2.0: "double", 3.0: "triple"}


@final
@dataclass(frozen=True)
class WordSettings:
    """How much of what stays is named together with what changes."""

    branch: int = 3
    """Heavy atoms of a common branch that is named with what it hangs on, at most."""
    group: int = 7
    """Heavy atoms of a substituent that is named as a whole where a part of it changes, at most."""
    whole: int = 12
    """Heavy atoms of a substituent that is named as a whole where the change has no name, at most."""


def change_words(
    a: MappedGraph,
    b: MappedGraph,
    pairs: dict[int, int],
    places: Sequence[Region],
    kinds: Sequence[Form],
    n_inverted: int,
    n_flipped: int,
    settings: WordSettings,
) -> str:
    """The change in words, places parted by semicolons; empty if nothing changes.

    Args:
        a: the molecule before.
        b: the molecule after.
        pairs: atoms in common, of B by those of A.
        places: connected regions that one molecule alone has.
        kinds: common atoms and bonds of another kind.
        n_inverted: centres of the opposite handedness.
        n_flipped: double bonds of the opposite configuration.
        settings: how much is named.
    """
    words = _Speaker(a, b, pairs, settings).say(places, kinds)
    for n, name in ((n_inverted, "inverted centre"), (n_flipped, "E/Z double bond")):
        words += [name if n == 1 else f"{n} {name}s"] if n else []
    if not words and Chem.MolToSmiles(a.mol) != Chem.MolToSmiles(b.mol):
        words = ["stereochemistry"]
    counted = Counter(words)
    return "; ".join(f"{n} x ({word})" if n > 1 else word for word, n in counted.items())


@final
@dataclass
class _Unit:
    """Atoms and bonds that change together at one place."""

    lost: set[int] = field(default_factory=set)
    gained: set[int] = field(default_factory=set)
    lost_bonds: list[Bond] = field(default_factory=list)
    gained_bonds: list[Bond] = field(default_factory=list)
    orders: list[Bond] = field(default_factory=list)


@final
@dataclass(frozen=True)
class _Piece:
    """Connected atoms of one molecule, with the atoms in common that they hang on, as numbered in A."""

    atoms: frozenset[int]
    anchors: tuple[int, ...]


@final
class _Speaker:
    def __init__(self, a: MappedGraph, b: MappedGraph, pairs: dict[int, int], settings: WordSettings) -> None:
        self._settings = settings
        self._a, self._b, self._pairs = a, b, pairs
        self._back = {j: i for i, j in pairs.items()}

    def say(self, places: Sequence[Region], kinds: Sequence[Form]) -> list[str]:
        lone_lost, lone_gained = list[_Piece](), list[_Piece]()
        rings, chains = self._split(kinds)
        words = ring_words(self._a, self._b, self._pairs, rings)
        units = self._units(places, chains)
        while units:
            unit = units.pop(0)
            said, lost, gained = self._unit_words(unit)
            whole = self._terminal(unit) if sum(word.count("*") for word in said) > 1 else None
            if whole is not None:
                said, own, other = whole
                lost, gained = [], []
                units = [one for one in units if not (one.lost <= own and one.gained <= other)]
            words += said
            lone_lost += lost
            lone_gained += gained
        words += self._exchanges(lone_lost, lone_gained)
        words += self._moved(lone_lost, lone_gained)
        words += [f"add {self._group(self._b, piece)}" for piece in lone_gained]
        words += [f"remove {self._group(self._a, piece)}" for piece in lone_lost]
        return words

    def _split(self, kinds: Sequence[Form]) -> tuple[list[Form], list[Form]]:
        """Changes of kind in rings, and those of chains."""
        rings, chains = [], []
        for form in kinds:
            inside = Form(
                [i for i in form.atoms if self._a.is_ring(i)],
                [x for x in form.bonds if x in self._a.ring_bonds],
            )
            outside = Form(
                [i for i in form.atoms if not self._a.is_ring(i)],
                [x for x in form.bonds if x not in self._a.ring_bonds],
            )
            rings += [inside] if inside.atoms or inside.bonds else []
            chains += [outside] if outside.atoms or outside.bonds else []
        return rings, chains

    def _units(self, places: Sequence[Region], chains: Sequence[Form]) -> list[_Unit]:
        """Regions with the chain atoms that change kind where they are, joined where they touch."""
        groups: Groups[tuple[str, int]] = Groups()
        for k, region in enumerate(places):
            groups.add(("region", k))
            for i in region.anchors:
                groups.join(("region", k), ("atom", i))
        altered = {i for form in chains for i in form.atoms}
        for k, form in enumerate(chains):
            for i in (*form.atoms, *(x for bond in form.bonds for x in bond)):
                groups.join(("form", k), ("atom", i))
            for i in form.atoms:
                for other in self._a.neighbours[i]:
                    is_leaf = len(self._a.neighbours[i]) == 1 and not self._a.is_ring(other)
                    if other in altered or is_leaf:
                        groups.join(("atom", i), ("atom", other))
        return [self._unit(group, places, chains) for group in groups.all()]

    def _unit(
        self, group: Iterable[tuple[str, int]], places: Sequence[Region], chains: Sequence[Form]
    ) -> _Unit:
        unit = _Unit()
        for kind, k in group:
            if kind == "region":
                unit.lost |= set(places[k].lost)
                unit.gained |= set(places[k].gained)
                unit.lost_bonds += places[k].lost_bonds
                unit.gained_bonds += places[k].gained_bonds
            elif kind == "form":
                altered = [i for i in chains[k].atoms if not self._a.is_ring(i)]
                unit.lost |= set(altered)
                unit.gained |= {self._pairs[i] for i in altered}
                unit.orders += chains[k].bonds
        return unit

    def _unit_words(self, unit: _Unit) -> tuple[list[str], list[_Piece], list[_Piece]]:
        """Words for one place, and the pieces that come or go alone."""
        lost, gained = self._pieces(self._a, unit.lost), self._pieces(self._b, unit.gained)
        words = self._exchanges(lost, gained)
        words += [] if words or lost or gained else self._bond_words(unit)
        if not lost and not gained:
            return words, [], []
        for verb, graph, side in (("remove", self._a, lost), ("add", self._b, gained)):
            for piece in list(side):
                word = self._lone(graph, piece, verb)
                if word:
                    words.append(word)
                    side.remove(piece)
        return words, lost, gained

    def _exchanges(self, lost: list[_Piece], gained: list[_Piece]) -> list[str]:
        """Words for pieces at the same atoms, or at one of them; these are taken from the lists."""
        words = []
        for is_match in (lambda x, y: x.anchors == y.anchors, lambda x, y: set(x.anchors) & set(y.anchors)):
            for piece in list(lost):
                match = next((x for x in gained if is_match(piece, x)), None)
                if match is not None:
                    lost.remove(piece)
                    gained.remove(match)
                    words.append(self._exchange(piece, match))
        return words

    def _bond_words(self, unit: _Unit) -> list[str]:
        words = [
            self._order_word(i, k, self._b.orders[self._pairs[i], self._pairs[k]]) for i, k in unit.orders
        ]
        for graph, bonds, verb in (
            (self._b, unit.gained_bonds, "closed"),
            (self._a, unit.lost_bonds, "opened"),
        ):
            sizes = [ring_size(graph, bond) for bond in bonds]
            words += [f"ring {verb} ({size})" for size in sizes if size]
        if not words and (unit.gained_bonds or unit.lost_bonds):
            words.append("group moved")
        return words

    def _order_word(self, i: int, k: int, after: float) -> str:
        before = self._a.orders[i, k]
        ends = {int(self._a.numbers[i]), int(self._a.numbers[k])}
        leaf = any(len(self._a.neighbours[x]) == 1 == len(self._b.neighbours[self._pairs[x]]) for x in (i, k))
        if leaf and ends == {6, 8} and {before, after} == {1.0, 2.0}:
            return "C=O -> C-OH" if before > after else "C-OH -> C=O"
        return f"{_ORDERS.get(before, 'aromatic')} -> {_ORDERS.get(after, 'aromatic')} bond"

    def _pieces(self, graph: MappedGraph, atoms: Collection[int]) -> list[_Piece]:
        groups: Groups[int] = Groups()
        for i in sorted(atoms):
            groups.add(i)
            for k in graph.neighbours[i]:
                if k in atoms:
                    groups.join(i, k)
        names: Mapping[int, int] = {i: i for i in self._pairs} if graph is self._a else self._back
        found: dict[tuple[int, ...], set[int]] = {}
        for k, group in enumerate(groups.all()):
            outside = {x for i in group for x in graph.neighbours[i]} - set(atoms)
            anchors = tuple(sorted(names[x] for x in outside if x in names))
            # What hangs on one and the same atom is one piece: the fluorines of CF3.
            found.setdefault(anchors if len(anchors) == 1 else (*anchors, -1 - k), set()).update(group)
        return [_Piece(frozenset(own), tuple(i for i in at if i >= 0)) for at, own in found.items()]

    def _exchange(self, lost: _Piece, gained: _Piece) -> str:
        if self._is_reversed(lost, gained):
            return f"{group_name(self._a.mol, lost.atoms)} reversed"
        own, other, anchors = self._with_branches(lost, gained)
        if len(anchors) == 1:
            return self._substituents(own, other, anchors[0])
        return exchange_phrase(self._group(self._a, lost), self._group(self._b, gained))

    def _with_branches(self, lost: _Piece, gained: _Piece) -> tuple[set[int], set[int], list[int]]:
        """Two pieces with the small common branches that hang on both, and the atoms that these leave."""
        own, other = set(lost.atoms), set(gained.atoms)
        anchors = sorted({*lost.anchors, *gained.anchors})
        for i in list(anchors):
            branches = []
            for graph, atoms, start in ((self._a, lost.atoms, i), (self._b, gained.atoms, self._pairs[i])):
                behind = [k for k in graph.neighbours[start] if k in atoms]
                branches.append(
                    beyond(graph, behind[0], start, self._settings.branch) if len(behind) == 1 else None
                )
            first, second = branches
            if first is None or second is None or len(anchors) == 1 or any(map(self._a.is_ring, first)):
                continue
            if {self._pairs.get(k) for k in first} == second:
                own |= first
                other |= second
                anchors.remove(i)
        return own, other, anchors

    def _is_reversed(self, lost: _Piece, gained: _Piece) -> bool:
        """Whether a linker is the other one turned round."""
        if len(lost.anchors) != 2 or lost.anchors != gained.anchors:
            return False
        names = dict(zip(lost.anchors, (1, 2), strict=True))
        turned = dict(zip(lost.anchors, (2, 1), strict=True))
        own = labelled_smiles(self._a.mol, lost.atoms, names)
        new = {self._pairs[i]: name for i, name in names.items()}
        back = {self._pairs[i]: name for i, name in turned.items()}
        other, again = (labelled_smiles(self._b.mol, gained.atoms, way) for way in (new, back))
        return own is not None and own != other and own == again

    def _substituents(self, lost: set[int], gained: set[int], anchor: int) -> str:
        """The exchange of a substituent, named with as much of the common chain as makes a known group."""
        own, other, here = set(lost), set(gained), anchor
        best = (groups_name(self._a.mol, own), groups_name(self._b.mol, other), here)
        is_bare = not (lost and gained)
        while True:
            step = self._inwards(own, other, here)
            if step is None:
                return exchange_phrase(*best[:2], is_on_nitrogen=self._a.numbers[best[2]] == 7)
            own, other, here = step
            pick = built_group if is_bare else group_by_table
            names = (pick(self._a.mol, own), pick(self._b.mol, other))
            if names[0] and names[1] and names[0] != names[1]:
                best, is_bare = (names[0], names[1], here), False

    def _terminal(self, unit: _Unit) -> tuple[list[str], set[int], set[int]] | None:
        """The exchange of the smallest whole substituents that hold a change, or None if there is none."""
        a, b = self._a, self._b
        found = []
        for i, k in a.edges:
            if i not in self._pairs or (i, k) in a.ring_bonds:
                continue
            own = beyond(a, i, k, self._settings.whole)
            for m in b.neighbours[self._pairs[i]] if own is not None and unit.lost <= own else ():
                other = beyond(b, self._pairs[i], m, self._settings.whole)
                if own is None or other is None or not unit.gained <= other:
                    continue
                if {self._pairs[x] for x in own if x in self._pairs} == {x for x in other if x in self._back}:
                    found.append((len(own) + len(other), i, own, other))
        if not found:
            return None
        _, i, own, other = min(found, key=lambda one: one[:2])
        words = exchange_phrase(
            groups_name(a.mol, own), groups_name(b.mol, other), is_on_nitrogen=a.numbers[i] == 7
        )
        return [words], own, other

    def _inwards(self, own: set[int], other: set[int], anchor: int) -> tuple[set[int], set[int], int] | None:
        """The groups with the atom that they hang on and its small branches; the atom that this hangs on."""
        a, b = self._a, self._b
        if a.is_ring(anchor) or b.is_ring(self._pairs[anchor]):
            return None
        onward: list[int] = []
        grown, new = own | {anchor}, other | {self._pairs[anchor]}
        for k in a.neighbours[anchor]:
            if k in own:
                continue
            branch = beyond(a, anchor, k, self._settings.group)
            if branch is None or k not in self._pairs or any(a.is_ring(i) for i in branch):
                onward.append(k)
            elif all(i in self._pairs for i in branch) and len(branch) <= self._settings.branch:
                grown |= branch
                new |= {self._pairs[i] for i in branch}
            else:
                onward.append(k)
        if (
            len(onward) != 1
            or onward[0] not in self._pairs
            or max(len(grown), len(new)) > self._settings.group
        ):
            return None
        return grown, new, onward[0]

    def _lone(self, graph: MappedGraph, piece: _Piece, verb: str) -> str | None:
        """Words for a piece that comes or goes at several atoms or at a chain; None for others."""
        if len(piece.anchors) == 1:
            anchor = piece.anchors[0]
            if self._a.is_ring(anchor) or graph.is_ring(next(iter(piece.atoms))):
                return None
            sides = (set(), set(piece.atoms)) if verb == "add" else (set(piece.atoms), set())
            return self._substituents(*sides, anchor)
        if self._fused_ring(graph, piece) is not None:
            return f"{verb} {self._group(graph, piece)}"
        if len(piece.anchors) != 2:
            return None
        ends = {i if graph is self._a else self._pairs[i] for i in piece.anchors}
        size = min(
            (len(ring) for ring in graph.rings if set(ring) & piece.atoms and ends <= set(ring)), default=0
        )
        if size:
            return f"ring {'closed' if verb == 'add' else 'opened'} ({size})"
        return f"{groups_name(graph.mol, piece.atoms)} {'inserted' if verb == 'add' else 'removed'}"

    def _moved(self, lost: list[_Piece], gained: list[_Piece]) -> list[str]:
        """Groups that leave one place of a ring and come at another, equal ones first."""
        words = []
        for same in (True, False):
            for piece in list(lost):
                for other in list(gained):
                    ring = self._common_ring(piece, other)
                    if ring is None:
                        continue
                    names = (self._group(self._a, piece), self._group(self._b, other))
                    if (names[0] == names[1]) != same:
                        continue
                    lost.remove(piece)
                    gained.remove(other)
                    places = [ring_position(self._a, ring, x.anchors[0]) for x in (piece, other)]
                    words.append(moved_phrase(*names, *places))
                    break
        return words

    def _common_ring(self, piece: _Piece, other: _Piece) -> tuple[int, ...] | None:
        if len(piece.anchors) != 1 or len(other.anchors) != 1:
            return None
        return next((r for r in self._a.rings if piece.anchors[0] in r and other.anchors[0] in r), None)

    def _group(self, graph: MappedGraph, piece: _Piece) -> str:
        ring = self._fused_ring(graph, piece)
        if ring is None:
            return groups_name(graph.mol, piece.atoms)
        return f"fused {ring_name(graph.mol, ring) or f'{len(ring)}-membered ring'}"

    def _fused_ring(self, graph: MappedGraph, piece: _Piece) -> tuple[int, ...] | None:
        """Ring that a piece closes on a bond of a common ring, if it does."""
        names = self._back if graph is self._b else {i: i for i in self._pairs}
        rest = [ring for ring in graph.rings if not set(ring) & piece.atoms and all(i in names for i in ring)]
        for ring in graph.rings:
            ends = {i for i in ring if i in names and names[i] in piece.anchors}
            if len(ends) > 1 and set(ring) & piece.atoms and any(len(ends & set(r)) > 1 for r in rest):
                return ring
        return None
