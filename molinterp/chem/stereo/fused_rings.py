"""Copy the chirality of fused ring systems from the end that contains them.

The centres of a ring system depend on one another: a steroid with one centre inverted has a different
skeleton. The rings of an intermediate are therefore matched with those of an end: as many rings as have the
same elements, whatever their bonds and substituents, in the mapping that makes most of these agree. Each
mapped centre then takes the orientation of its counterpart; a new substituent takes the position of the one
that it replaces. Centres that are unspecified at the end become unspecified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from operator import eq
from typing import final

from rdkit import Chem

from molinterp.chem.stereo.neighbourhoods import SIGNS, TAGS, UNSPECIFIED, parity, shell, tetrahedral

MAX_MATCHES = 64
"""Largest number of mappings onto the rings of an end; rings with more mappings stay unchanged."""
MAX_RINGS = 8
"""Largest number of rings in a system; larger systems stay unchanged."""
MAX_SUBSETS = 24
"""Number of sets of rings that are searched for at an end before smaller sets are abandoned."""
TIGHT = 9
"""Largest total size of two rings with a common bond that cannot be fused trans without strain."""
TIGHT_BRIDGE = 14
"""The same for two rings with more than one common bond."""

Tags = dict[int, Chem.ChiralType]
_HYDROGEN = -1


@final
@dataclass(frozen=True)
class Assignment:
    """Chiral tags of centres in fused rings, copied from an end."""

    sure: Tags
    """Tags of centres whose neighbours all correspond, by atom index."""
    likely: Tags
    """Tags of centres at which a different substituent takes the position of the end's, by atom index."""


@final
@dataclass(frozen=True)
class _System:
    """Fused rings, each of which shares a bond with another."""

    rings: tuple[tuple[int, ...], ...]
    """Atoms of each ring in order."""
    bonds: tuple[frozenset[int], ...]
    """Bonds of each ring."""

    def skeleton(self, mol: Chem.Mol, chosen: Collection[int]) -> tuple[Chem.Mol, list[int]]:
        """Build some rings from bare atoms and single bonds; return also the index in `mol` of each atom."""
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
        """Return the atoms that are in more than one of the chosen rings."""
        counts = Counter(i for k in chosen for i in self.rings[k])
        return {i for i, n in counts.items() if n > 1}

    def pieces(self, chosen: Collection[int]) -> Iterator[frozenset[int]]:
        """Split the chosen rings into fused systems; single rings are left out."""
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
        """Iterate over the fused subsets of the chosen rings, grouped by size, the largest first."""
        waiting = set(self.pieces(chosen))
        while waiting:
            size = max(map(len, waiting))
            level = sorted((s for s in waiting if len(s) == size), key=sorted)
            waiting = {s for s in waiting if len(s) < size}
            waiting |= {piece for s in level for k in s for piece in self.pieces(s - {k})}
            yield level


@final
@dataclass(frozen=True)
class _Match:
    """Rings of a molecule mapped onto those of an end."""

    sure: Tags
    likely: Tags
    chosen: frozenset[int]
    """Indices of the mapped rings."""
    likeness: int
    """Number of traits in which the ring atoms agree."""

    @property
    def tags(self) -> Tags:
        return self.likely | self.sure

    @property
    def rank(self) -> tuple[int, int, int]:
        """Number of sure centres, number of likely centres, and likeness, for comparison."""
        n_sure, n_likely = (sum(t in SIGNS for t in tags.values()) for tags in (self.sure, self.likely))
        return n_sure, n_likely, self.likeness

    def agrees(self, other: _Match) -> bool:
        """Whether the centres that are sure in both matches have the same chirality."""
        return all(tag == other.sure.get(i, tag) for i, tag in self.sure.items())

    def joined(self, other: _Match) -> _Match:
        """Combine two matches, without the likely centres on which they disagree."""
        sure = other.sure | self.sure
        both = self.likely.keys() & other.likely.keys()
        unclear = {i for i in both if self.likely[i] != other.likely[i]} | sure.keys()
        likely = {i: tag for i, tag in (other.likely | self.likely).items() if i not in unclear}
        return replace(self, sure=sure, likely=likely)


@final
class FusedRings:
    """The fused rings of the ends that have specified stereocentres."""

    def __init__(self, *mols: Chem.Mol) -> None:
        """Record the ring systems of `mols` with a specified centre that belongs to two rings."""
        self._ends: list[_End] = []
        for mol in mols:
            centres = tetrahedral(mol)
            specified = {i for i in centres if mol.GetAtomWithIdx(i).GetChiralTag() in SIGNS}
            self._ends += [_End(mol, system, centres) for system in _systems(mol, specified)]

    def assign(self, mol: Chem.Mol, centres: Collection[int]) -> Assignment:
        """Take the chirality of fused rings from the end that determines most centres, then the most alike.

        A ring system gets nothing if two equally good ends disagree, or if an end can be mapped in
        several ways that disagree.

        Args:
            mol: a molecule between the ends.
            centres: its tetrahedral stereocentres, specified or not.
        """
        sure: Tags = {}
        likely: Tags = {}
        for system in _systems(mol, centres) if self._ends else ():
            target = _Target(mol, system, centres)
            found = [match for end in self._ends if (match := end.match(target)) is not None]
            found.sort(key=lambda match: match.rank, reverse=True)
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
        return Assignment(sure, likely)


@final
class _Target:
    """A ring system of an intermediate; its properties are computed on demand."""

    def __init__(self, mol: Chem.Mol, system: _System, centres: Collection[int]) -> None:
        self.mol = mol
        self.system = system
        self.centres = sorted(set(centres) & {i for ring in system.rings for i in ring})
        self.elements = [_elements(mol, ring) for ring in system.rings]
        self.traits: dict[int, tuple[object, ...]] = {}
        self._bare: dict[frozenset[int], tuple[Chem.Mol, list[int]]] = {}

    def bare(self, chosen: frozenset[int]) -> tuple[Chem.Mol, list[int]]:
        """Build the skeleton of some rings, cached; see `_System.skeleton`."""
        if chosen not in self._bare:
            self._bare[chosen] = self.system.skeleton(self.mol, chosen)
        return self._bare[chosen]

    def look(self, atoms: Iterable[int]) -> None:
        """Record the traits of some atoms."""
        self.traits |= {i: _traits(self.mol.GetAtomWithIdx(i)) for i in atoms if i not in self.traits}


@final
class _End:
    """A ring system of an end whose chirality is copied."""

    def __init__(self, mol: Chem.Mol, system: _System, centres: Collection[int]) -> None:
        self._mol = mol
        self._bare, self._atoms = system.skeleton(mol, range(len(system.rings)))
        self._rings = Counter(_elements(mol, ring) for ring in system.rings)
        self._centres = set(centres) & set(self._atoms)
        self._traits = {i: _traits(mol.GetAtomWithIdx(i)) for i in self._atoms}

    def match(self, one: _Target) -> _Match | None:
        """Map as many rings as possible onto these; None if fewer than two fit or mappings disagree."""
        usual = [k for k, elements in enumerate(one.elements) if elements in self._rings]
        n_tried = 0
        for level in one.system.levels(usual):
            found: list[_Match] = []
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
                top = max(match.rank for match in found)
                return _consensus(one.mol, [match for match in found if match.rank == top])
            if n_tried > MAX_SUBSETS:
                return None
        return None

    def _best(
        self,
        one: _Target,
        atoms: Sequence[int],
        ways: Sequence[Sequence[int]],
        chosen: frozenset[int],
        shared: Collection[int],
    ) -> Iterator[_Match]:
        """Iterate over the mappings with most traits in common that specify an atom of two rings."""
        images = [dict(zip(atoms, (self._atoms[place] for place in way), strict=True)) for way in ways]
        likeness = [_likeness(one.traits, self._traits, image) for image in images]
        for image, alike in zip(images, likeness, strict=True):
            if alike < max(likeness):
                continue
            sure: Tags = {}
            likely: Tags = {}
            for index in one.centres:
                if image.get(index) in self._centres:
                    self._add_tag(one.mol.GetAtomWithIdx(index), image, sure, likely)
            if any(sure.get(i, likely.get(i)) in SIGNS for i in shared):
                yield _Match(sure, likely, chosen, alike)

    def _add_tag(self, atom: Chem.Atom, image: Mapping[int, int], sure: Tags, likely: Tags) -> None:
        """Add the tag that gives a centre the orientation of its image, if that is unambiguous."""
        other = self._mol.GetAtomWithIdx(image[atom.GetIdx()])
        mine, its = _neighbours(atom), _neighbours(other)
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
        sign = parity(order) * SIGNS.get(other.GetChiralTag(), UNSPECIFIED)
        tag = TAGS.get(sign, Chem.ChiralType.CHI_UNSPECIFIED)
        mols = atom.GetOwningMol(), self._mol
        is_sure = len(rest) < 2 or all(
            _number(mols[0], m) == _number(mols[1], i) for m, i in partners.items()
        )
        (sure if is_sure else likely)[atom.GetIdx()] = tag


def _systems(mol: Chem.Mol, centres: Collection[int]) -> list[_System]:
    """Find the fused ring systems that have a stereocentre in two rings."""
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
    """Return the traits in which two ring atoms of one element are compared."""
    degree = atom.GetDegree()
    others = sorted(n.GetAtomicNum() for n in atom.GetNeighbors() if not n.IsInRing()) if degree > 2 else []
    return atom.GetIsAromatic(), atom.GetHybridization(), atom.GetTotalNumHs(), others, degree


def _likeness(
    mine: Mapping[int, tuple[object, ...]], its: Mapping[int, tuple[object, ...]], image: Mapping[int, int]
) -> int:
    return sum(sum(map(eq, mine[m], its[i])) for m, i in image.items())


def _neighbours(atom: Chem.Atom) -> list[int]:
    """Return the neighbours of a centre; as in RDKit, an implicit hydrogen or a lone pair comes last."""
    found = [n.GetIdx() for n in atom.GetNeighbors()]
    return [*found, _HYDROGEN] if len(found) == 3 else found


def _partners(
    atom: Chem.Atom, mine: Sequence[int], other: Chem.Atom, its: Sequence[int]
) -> dict[int, int] | None:
    """Pair the neighbours outside the rings of two centres; None if the pairing is ambiguous."""
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
    """Score the resemblance of a neighbour of one centre to a neighbour of another."""
    if _HYDROGEN in (mine, its):
        return 0
    a, b = atom.GetOwningMol().GetAtomWithIdx(mine), other.GetOwningMol().GetAtomWithIdx(its)
    deep = (shell(a, atom.GetIdx(), d) == shell(b, other.GetIdx(), d) for d in (1, 2, 3))
    return 1 + (a.GetAtomicNum() == b.GetAtomicNum()) + sum(deep)


def _consensus(mol: Chem.Mol, found: Sequence[_Match]) -> _Match | None:
    """Return the first match, or None if the matches lead to different molecules."""
    first, *others = found
    different = [one for one in others if one.tags != first.tags]
    if different and len({Chem.MolToSmiles(tagged(mol, one.tags)) for one in (first, *different)}) > 1:
        return None
    return first


def tagged(mol: Chem.Mol, tags: Mapping[int, Chem.ChiralType]) -> Chem.Mol:
    """Copy a molecule with new chiral tags at some atoms; tags of atoms that are not centres are removed."""
    out = Chem.Mol(mol)
    for index, tag in tags.items():
        out.GetAtomWithIdx(index).SetChiralTag(tag)
    Chem.AssignStereochemistry(out, cleanIt=True, force=True)
    return out


def _is_strained(mol: Chem.Mol, system: _System, tags: Tags, matched: Sequence[frozenset[int]]) -> bool:
    """Whether two small rings would be fused trans that are not both matched with rings of one end."""
    for k, n in combinations(range(len(system.rings)), 2):
        common = system.bonds[k] & system.bonds[n]
        size = len(system.rings[k]) + len(system.rings[n])
        if not common or size > (TIGHT if len(common) == 1 else TIGHT_BRIDGE):
            continue
        if any({k, n} <= chosen for chosen in matched):
            continue
        signs = [
            _junction_sign(mol, i, tags, set(system.rings[k]), set(system.rings[n]), common)
            for i in set(system.rings[k]) & set(system.rings[n])
        ]
        known = [sign for sign in signs if sign is not None]
        if len(known) == 2 and known[0] * known[1] > 0:
            return True
    return False


def _junction_sign(
    mol: Chem.Mol, index: int, tags: Tags, one: set[int], two: set[int], common: frozenset[int]
) -> int | None:
    """Return the sign of an atom where two rings part; None if it has none.

    Its neighbours are ordered: that of the first ring, of the second, of the shared bond, and the rest.
    """
    atom = mol.GetAtomWithIdx(index)
    neighbours = _neighbours(atom)
    on = [n for n in neighbours if n >= 0 and mol.GetBondBetweenAtoms(index, n).GetIdx() in common]
    ends = [[n for n in neighbours if n in ring and n not in on] for ring in (one, two)]
    sign = SIGNS.get(tags.get(index, atom.GetChiralTag()), UNSPECIFIED)
    if len(on) != 1 or any(len(end) != 1 for end in ends) or len(neighbours) != 4 or not sign:
        return None
    order = [ends[0][0], ends[1][0], on[0]]
    order += [n for n in neighbours if n not in order]
    return sign * parity([neighbours.index(n) for n in order])
