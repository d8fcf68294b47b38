"""The hands of fused rings between two compounds: those of the same rings at an end, all together.

The hands of a ring system depend on one another: of a steroid with one centre turned, another skeleton is
left. So rings of a molecule between are laid on those of an end, as many as are there of the same atoms,
whatever their bonds and substituents, in the way that has most of these alike. Each centre of both then
points as at the end, what takes the place of a substituent where that one was. Centres that the end leaves
open are left open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from operator import eq
from typing import final

from rdkit import Chem

from molinterp.chem.stereo.neighbourhoods import HANDS, OPEN, TAGS, parity, shell, tetrahedral

MAX_MATCHES = 64
"""Ways to lay rings on those of an end; rings that have more are left alone."""
MAX_RINGS = 8
"""Rings of a system; larger ones are left alone."""
MAX_SUBSETS = 24
"""Sets of rings that are looked for at an end before fewer rings are given up."""
TIGHT = 9
"""Atoms of two rings with a bond in common, counted apart, that cannot or hardly be trans to each other."""
TIGHT_BRIDGE = 14
"""The same of two rings with more than one bond in common."""

Tags = dict[int, Chem.ChiralType]
_HYDROGEN = -1


@final
@dataclass(frozen=True)
class Given:
    """The hands that an end gives to centres of fused rings."""

    sure: Tags
    """Tags of centres whose neighbours correspond, by number of the atom."""
    likely: Tags
    """Tags of centres at which something else stands where a substituent of the end was."""


@final
@dataclass(frozen=True)
class _System:
    """Fused rings: each has a bond in common with another."""

    rings: tuple[tuple[int, ...], ...]
    """Atoms of each ring in order."""
    bonds: tuple[frozenset[int], ...]
    """Bonds of each ring."""

    def skeleton(self, mol: Chem.Mol, chosen: Collection[int]) -> tuple[Chem.Mol, list[int]]:
        """Some rings as bare atoms and single bonds, and the number in `mol` of each atom."""
        atoms = sorted({i for k in chosen for i in self.rings[k]})
        places = {index: place for place, index in enumerate(atoms)}
        bare = Chem.RWMol()
        for index in atoms:
            bare.AddAtom(Chem.Atom(mol.GetAtomWithIdx(index).GetAtomicNum()))
        for number in sorted(frozenset().union(*(self.bonds[k] for k in chosen))):
            bond = mol.GetBondWithIdx(number)
            bare.AddBond(places[bond.GetBeginAtomIdx()], places[bond.GetEndAtomIdx()], Chem.BondType.SINGLE)
        return bare, atoms

    def shared(self, chosen: Collection[int]) -> set[int]:
        """Atoms of more than one of the chosen rings."""
        counts = Counter(i for k in chosen for i in self.rings[k])
        return {i for i, n in counts.items() if n > 1}

    def pieces(self, chosen: Collection[int]) -> Iterator[frozenset[int]]:
        """The chosen rings, apart where they have no bond in common; those of one ring are left out."""
        left = sorted(chosen)
        while left:
            piece = [left.pop(0)]
            for k in piece:
                joined = [n for n in left if self.bonds[n] & self.bonds[k]]
                piece += joined
                left = [n for n in left if n not in joined]
            if len(piece) > 1:
                yield frozenset(piece)

    def levels(self, chosen: Collection[int]) -> Iterator[list[frozenset[int]]]:
        """Fused sets of the chosen rings, the largest first, those of one size together."""
        waiting = set(self.pieces(chosen))
        while waiting:
            size = max(map(len, waiting))
            level = sorted((s for s in waiting if len(s) == size), key=sorted)
            waiting = {s for s in waiting if len(s) < size}
            waiting |= {piece for s in level for k in s for piece in self.pieces(s - {k})}
            yield level


@final
@dataclass(frozen=True)
class _Laid:
    """Rings of a molecule laid on those of an end."""

    sure: Tags
    likely: Tags
    chosen: frozenset[int]
    """Which rings."""
    likeness: int
    """How many traits of the ring atoms are alike."""

    @property
    def tags(self) -> Tags:
        return self.likely | self.sure

    @property
    def rank(self) -> tuple[int, int, int]:
        """Centres that get a hand for sure, that get one at all, then likeness."""
        n_sure, n_likely = (sum(t in HANDS for t in tags.values()) for tags in (self.sure, self.likely))
        return n_sure, n_likely, self.likeness

    def agrees(self, other: _Laid) -> bool:
        """Whether centres that are sure in both have one hand."""
        return all(tag == other.sure.get(i, tag) for i, tag in self.sure.items())

    def joined(self, other: _Laid) -> _Laid:
        """The hands of both, but those that are likely in one and another in the other."""
        sure = other.sure | self.sure
        both = self.likely.keys() & other.likely.keys()
        unclear = {i for i in both if self.likely[i] != other.likely[i]} | sure.keys()
        likely = {i: tag for i, tag in (other.likely | self.likely).items() if i not in unclear}
        return replace(self, sure=sure, likely=likely)


@final
class FusedRings:
    """The fused rings of some compounds, as far as their centres have hands."""

    def __init__(self, *mols: Chem.Mol) -> None:
        """Note the ring systems of `mols` that have a hand at an atom of two rings."""
        self._ends: list[_End] = []
        for mol in mols:
            centres = tetrahedral(mol)
            handed = {i for i in centres if mol.GetAtomWithIdx(i).GetChiralTag() in HANDS}
            self._ends += [_End(mol, system, centres) for system in _systems(mol, handed)]

    def given(self, mol: Chem.Mol, centres: Collection[int]) -> Given:
        """The hands of centres of `mol` as at the end that gives most of its ring system, else the likest.

        Where two ends are equal in that and disagree, or one can be laid on in ways that disagree, none.

        Args:
            mol: a molecule between.
            centres: its tetrahedral stereocentres, with a hand or without.
        """
        sure: Tags = {}
        likely: Tags = {}
        for system in _systems(mol, centres) if self._ends else ():
            between = _Between(mol, system, centres)
            found = [laid for end in self._ends if (laid := end.laid(between)) is not None]
            found.sort(key=lambda laid: laid.rank, reverse=True)
            if not found or any(o.rank == found[0].rank and not o.agrees(found[0]) for o in found):
                continue
            one = found[0]
            chosen = [one.chosen]
            for other in found[1:]:
                if one.sure.keys() & other.sure.keys() and one.agrees(other):
                    one = one.joined(other)
                    chosen.append(other.chosen)
            if not _is_strained(mol, system, one.tags, chosen):
                sure |= one.sure
                likely |= one.likely
        return Given(sure, likely)


@final
class _Between:
    """A ring system of a molecule between, looked at as far as it is asked for."""

    def __init__(self, mol: Chem.Mol, system: _System, centres: Collection[int]) -> None:
        self.mol = mol
        self.system = system
        self.centres = sorted(set(centres) & {i for ring in system.rings for i in ring})
        self.elements = [_elements(mol, ring) for ring in system.rings]
        self.traits: dict[int, tuple[object, ...]] = {}
        self._bare: dict[frozenset[int], tuple[Chem.Mol, list[int]]] = {}

    def bare(self, chosen: frozenset[int]) -> tuple[Chem.Mol, list[int]]:
        """See `_System.skeleton`."""
        if chosen not in self._bare:
            self._bare[chosen] = self.system.skeleton(self.mol, chosen)
        return self._bare[chosen]

    def look(self, atoms: Iterable[int]) -> None:
        """Note the traits of some atoms."""
        self.traits |= {i: _traits(self.mol.GetAtomWithIdx(i)) for i in atoms if i not in self.traits}


@final
class _End:
    """A ring system of an end."""

    def __init__(self, mol: Chem.Mol, system: _System, centres: Collection[int]) -> None:
        self._mol = mol
        self._bare, self._atoms = system.skeleton(mol, range(len(system.rings)))
        self._rings = Counter(_elements(mol, ring) for ring in system.rings)
        self._centres = set(centres) & set(self._atoms)
        self._traits = {i: _traits(mol.GetAtomWithIdx(i)) for i in self._atoms}

    def laid(self, one: _Between) -> _Laid | None:
        """As many rings as can be laid on these; None where not two, or in ways that disagree."""
        usual = [k for k, elements in enumerate(one.elements) if elements in self._rings]
        n_tried = 0
        for level in one.system.levels(usual):
            found: list[_Laid] = []
            for chosen in level:
                if not Counter(one.elements[k] for k in chosen) <= self._rings:
                    continue
                shared = one.system.shared(chosen).intersection(one.centres)
                if not shared:
                    continue
                n_tried += 1
                bare, atoms = one.bare(chosen)
                ways = self._bare.GetSubstructMatches(bare, uniquify=False, maxMatches=MAX_MATCHES)
                if len(ways) == MAX_MATCHES:
                    return None
                if ways:
                    one.look(atoms)
                    found += self._best(one, atoms, ways, chosen, shared)
            if found:
                top = max(laid.rank for laid in found)
                return _one_of(one.mol, [laid for laid in found if laid.rank == top])
            if n_tried > MAX_SUBSETS:
                return None
        return None

    def _best(
        self,
        one: _Between,
        atoms: Sequence[int],
        ways: Sequence[Sequence[int]],
        chosen: frozenset[int],
        shared: Collection[int],
    ) -> Iterator[_Laid]:
        """Of the ways to lay rings on these the likest, if an atom of two rings gets a hand."""
        images = [dict(zip(atoms, (self._atoms[place] for place in way), strict=True)) for way in ways]
        likeness = [_likeness(one.traits, self._traits, image) for image in images]
        for image, alike in zip(images, likeness, strict=True):
            if alike < max(likeness):
                continue
            sure: Tags = {}
            likely: Tags = {}
            for index in one.centres:
                if image.get(index) in self._centres:
                    self._note(one.mol.GetAtomWithIdx(index), image, sure, likely)
            if any(sure.get(i, likely.get(i)) in HANDS for i in shared):
                yield _Laid(sure, likely, chosen, alike)

    def _note(self, atom: Chem.Atom, image: Mapping[int, int], sure: Tags, likely: Tags) -> None:
        """Put down the tag with which a centre points as its image does, where that is clear."""
        other = self._mol.GetAtomWithIdx(image[atom.GetIdx()])
        mine, its = _places(atom), _places(other)
        if len(mine) != 4 or len(its) != 4:
            return
        pairs = {m: image[m] for m in mine if image.get(m) in its}
        rest = [m for m in mine if m not in pairs]
        taken = set(pairs.values())
        partners = _partners(atom, rest, other, [i for i in its if i not in taken])
        if partners is None:
            return
        pairs |= partners
        order = [its.index(pairs[m]) for m in mine]
        tag = TAGS.get(parity(order) * HANDS.get(other.GetChiralTag(), OPEN), Chem.ChiralType.CHI_UNSPECIFIED)
        mols = atom.GetOwningMol(), self._mol
        is_sure = len(rest) < 2 or all(
            _number(mols[0], m) == _number(mols[1], i) for m, i in partners.items()
        )
        (sure if is_sure else likely)[atom.GetIdx()] = tag


def _systems(mol: Chem.Mol, centres: Collection[int]) -> list[_System]:
    """Fused ring systems with a centre in two rings."""
    info = mol.GetRingInfo()
    if not any(info.NumAtomRings(i) > 1 for i in centres):
        return []
    rings, bonds = info.AtomRings(), tuple(frozenset(ring) for ring in info.BondRings())
    whole = _System(rings, bonds)
    out = []
    for piece in whole.pieces(range(len(rings))):
        if len(piece) <= MAX_RINGS and whole.shared(piece).intersection(centres):
            order = sorted(piece)
            out.append(_System(tuple(rings[k] for k in order), tuple(bonds[k] for k in order)))
    return out


def _elements(mol: Chem.Mol, ring: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(_number(mol, i) for i in ring))


def _number(mol: Chem.Mol, index: int) -> int:
    return 1 if index == _HYDROGEN else int(mol.GetAtomWithIdx(index).GetAtomicNum())


def _traits(atom: Chem.Atom) -> tuple[object, ...]:
    """What may be alike in two ring atoms of one element."""
    degree = atom.GetDegree()
    others = sorted(n.GetAtomicNum() for n in atom.GetNeighbors() if not n.IsInRing()) if degree > 2 else []
    return atom.GetIsAromatic(), atom.GetHybridization(), atom.GetTotalNumHs(), others, degree


def _likeness(
    mine: Mapping[int, tuple[object, ...]], its: Mapping[int, tuple[object, ...]], image: Mapping[int, int]
) -> int:
    return sum(sum(map(eq, mine[m], its[i])) for m, i in image.items())


def _places(atom: Chem.Atom) -> list[int]:
    """Neighbours of a centre; a hydrogen that is not written out, or a lone pair, stands last as in RDKit."""
    found = [n.GetIdx() for n in atom.GetNeighbors()]
    return [*found, _HYDROGEN] if len(found) == 3 else found


def _partners(
    atom: Chem.Atom, mine: Sequence[int], other: Chem.Atom, its: Sequence[int]
) -> dict[int, int] | None:
    """Which of two neighbours outside the rings stands for which; None where that is unclear."""
    if len(mine) < 2:
        return dict(zip(mine, its, strict=True))
    if len(mine) > 2:
        return None
    if _HYDROGEN in mine and _HYDROGEN in its:
        return dict(zip(sorted(mine), sorted(its), strict=True))
    straight = _alike(atom, mine[0], other, its[0]) + _alike(atom, mine[1], other, its[1])
    crossed = _alike(atom, mine[0], other, its[1]) + _alike(atom, mine[1], other, its[0])
    if straight == crossed:
        return None
    return dict(zip(mine, its if straight > crossed else reversed(its), strict=True))


def _alike(atom: Chem.Atom, mine: int, other: Chem.Atom, its: int) -> int:
    """How much two neighbours of two centres look alike."""
    if _HYDROGEN in (mine, its):
        return 0
    a, b = atom.GetOwningMol().GetAtomWithIdx(mine), other.GetOwningMol().GetAtomWithIdx(its)
    deep = (shell(a, atom.GetIdx(), d) == shell(b, other.GetIdx(), d) for d in (1, 2, 3))
    return 1 + (a.GetAtomicNum() == b.GetAtomicNum()) + sum(deep)


def _one_of(mol: Chem.Mol, found: Sequence[_Laid]) -> _Laid | None:
    """One of some ways, None where they make different molecules."""
    first, *others = found
    different = [one for one in others if one.tags != first.tags]
    if different and len({Chem.MolToSmiles(tagged(mol, one.tags)) for one in (first, *different)}) > 1:
        return None
    return first


def tagged(mol: Chem.Mol, tags: Mapping[int, Chem.ChiralType]) -> Chem.Mol:
    """A molecule with other tags at some atoms; those of atoms that are no centres go."""
    out = Chem.Mol(mol)
    for index, tag in tags.items():
        out.GetAtomWithIdx(index).SetChiralTag(tag)
    Chem.AssignStereochemistry(out, cleanIt=True, force=True)
    return out


def _is_strained(mol: Chem.Mol, system: _System, tags: Tags, laid: Sequence[frozenset[int]]) -> bool:
    """Whether two small rings would be trans to each other that are not both laid on rings of one end."""
    for k, n in combinations(range(len(system.rings)), 2):
        common = system.bonds[k] & system.bonds[n]
        size = len(system.rings[k]) + len(system.rings[n])
        if not common or size > (TIGHT if len(common) == 1 else TIGHT_BRIDGE):
            continue
        if any({k, n} <= chosen for chosen in laid):
            continue
        hands = [
            _hand(mol, i, tags, set(system.rings[k]), set(system.rings[n]), common)
            for i in set(system.rings[k]) & set(system.rings[n])
        ]
        known = [hand for hand in hands if hand is not None]
        if len(known) == 2 and known[0] * known[1] > 0:
            return True
    return False


def _hand(
    mol: Chem.Mol, index: int, tags: Tags, one: set[int], two: set[int], common: frozenset[int]
) -> int | None:
    """The hand of an atom where two rings part: of the one, the other, the way they share, and the rest."""
    atom = mol.GetAtomWithIdx(index)
    places = _places(atom)
    on = [n for n in places if n >= 0 and mol.GetBondBetweenAtoms(index, n).GetIdx() in common]
    ends = [[n for n in places if n in ring and n not in on] for ring in (one, two)]
    hand = HANDS.get(tags.get(index, atom.GetChiralTag()), OPEN)
    if len(on) != 1 or any(len(end) != 1 for end in ends) or len(places) != 4 or not hand:
        return None
    order = [ends[0][0], ends[1][0], on[0]]
    order += [n for n in places if n not in order]
    return hand * parity([places.index(n) for n in order])
