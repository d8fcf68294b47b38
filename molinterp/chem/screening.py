"""Substructure screening: which of many patterns a molecule may match, told from its bonds alone.

A pattern can match only where the molecule has enough bonds of each kind that the pattern is made of. To
count those takes microseconds, and spares matching all but a few of hundreds of patterns. The screen never
drops a pattern that matches.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

N_ROWS = 1 << 14
"""Kinds of bonds remembered; more than drug-like molecules have."""
Kind = tuple[int, float, int, int, bool]
"""What sets an atom apart: a hash of its element, hydrogens, charge and degree; the sum of its bond orders;
the number of its rings and the size of the smallest; whether it is aromatic."""
Order = tuple[float, bool]
"""Order of a bond, and whether it is in a ring."""
_SAMPLES: dict[Order, str] = {
    (1.0, False): "CC",
    (1.0, True): "C1CC1",
    (1.5, True): "c1ccccc1",
    (2.0, False): "C=C",
    (2.0, True): "C1=CC1",
    (3.0, False): "C#C",
    (3.0, True): "C1#CCCCCCC1",
}
"""Molecules whose first bond is of each order."""
_REMOTE = re.compile(r"!?(?<![A-Z])[xhz^]\d")
"""Primitives that tell atoms of one kind apart."""
_FIRST = re.compile(r"\[([^\[\]]*)\]|Cl|Br|[A-Za-z*]")
"""First atom of a SMARTS."""


@final
@dataclass(frozen=True)
class BondKinds:
    """The bonds of a molecule, each as the kinds of its atoms and its order."""

    atoms: tuple[Kind, ...]
    """Kind of each atom."""
    bonds: tuple[tuple[int, int, Order], ...]
    """The two atoms of each bond by index; its order and whether it is in a ring."""
    rings: tuple[tuple[int, ...], ...]
    """Atoms of each ring by index."""
    degrees: tuple[int, ...]
    """Neighbours of each atom."""
    is_plain: bool
    """Whether all bonds are single, aromatic, double or triple."""


def bond_kinds(mol: Chem.Mol) -> BondKinds:
    """Kinds of the atoms and bonds of a molecule."""
    n_rings, smallest = [0] * mol.GetNumAtoms(), [0] * mol.GetNumAtoms()
    closed = set()
    rings = mol.GetRingInfo().AtomRings()
    for ring in rings:
        size, before = len(ring), ring[-1]
        for i in ring:
            n_rings[i] += 1
            if not 0 < smallest[i] <= size:
                smallest[i] = size
            closed.add((before, i))
            closed.add((i, before))
            before = i
    table = Chem.GetAdjacencyMatrix(mol, useBO=True, prefix="order")
    begin, end = table.nonzero()
    both = zip(begin.tolist(), end.tolist(), table[begin, end].tolist(), strict=True)
    bonds = [(i, j, (order, (i, j) in closed)) for i, j, order in both if i < j]
    is_aromatic = (table == 1.5).any(1).tolist()
    hashes, valences = rdMolDescriptors.GetConnectivityInvariants(mol), table.sum(1).tolist()
    return BondKinds(
        tuple(zip(hashes, valences, n_rings, smallest, is_aromatic, strict=True)),
        tuple(bonds),
        rings,
        tuple(np.count_nonzero(table, axis=1).tolist()),
        len(bonds) == mol.GetNumBonds() and {order for _, _, order in bonds} <= _SAMPLES.keys(),
    )


@final
class Screen:
    """Tells which of a list of patterns a molecule may match."""

    def __init__(self, patterns: Sequence[Chem.Mol | None]) -> None:
        """Take the patterns apart.

        Args:
            patterns: query molecules; None stands for one that is unknown, which any molecule may match.
        """
        self._n = len(patterns)
        self._skeletons = [None if p is None else _skeleton(p) for p in patterns]
        parts = _Parts({}, {})
        needs = [parts.needed(p) if p is not None else Counter() for p in patterns]
        self._atoms = [Chem.AtomFromSmarts(text) for text in parts.atoms]
        self._first = np.array([first for first, _, _ in parts.bonds], np.int64)
        self._second = np.array([second for _, second, _ in parts.bonds], np.int64)
        orders = [_orders(smarts) for _, _, smarts in parts.bonds]
        self._orders = {order: np.array([order in own for own in orders], bool) for order in _SAMPLES}
        known = [k for k, need in enumerate(needs) if need]
        self._known = np.array(known, np.int64)
        self._unknown = [k for k, need in enumerate(needs) if not need]
        self._starts = np.cumsum([0, *(len(needs[k]) for k in known)])[:-1]
        self._specs = np.array([spec for need in needs for spec in need], np.int64)
        self._least = np.array([n for need in needs for n in need.values()], np.uint8)
        self._matches: dict[Kind, npt.NDArray[np.bool_]] = {}
        self._numbers: dict[tuple[Kind, Kind, Order], int] = {}
        self._rows = np.zeros((256, len(orders)), np.uint8)

    def possible(self, mol: Chem.Mol, kinds: BondKinds | None = None) -> list[int]:
        """Indices of the patterns that a molecule may match, in order.

        Args:
            mol: the molecule.
            kinds: what `bond_kinds` says of it; None means to ask.
        """
        kinds = kinds or bond_kinds(mol)
        if not kinds.is_plain or not 0 < len(kinds.bonds) < 256:
            return list(range(self._n))
        if len(self._numbers) > N_ROWS:
            self._numbers, self._matches = {}, {}
        numbers = []
        for i, j, order in kinds.bonds:
            number = self._numbers.get((kinds.atoms[i], kinds.atoms[j], order))
            numbers.append(self._added(mol, kinds, i, j, order) if number is None else number)
        if not len(self._known):
            return self._unknown
        have = self._rows.take(numbers, axis=0).sum(0, dtype=np.uint8)
        lacks = np.logical_or.reduceat(have.take(self._specs) < self._least, self._starts)
        found: list[int] = [k for k in self._known[~lacks].tolist() if self._may_match(mol, k)]
        return sorted(found + self._unknown) if self._unknown else found

    def _may_match(self, mol: Chem.Mol, k: int) -> bool:
        skeleton = self._skeletons[k]
        return skeleton is None or mol.HasSubstructMatch(skeleton)

    def _added(self, mol: Chem.Mol, kinds: BondKinds, i: int, j: int, order: Order) -> int:
        """Number of a new row: which bonds of the patterns a bond of this kind may stand for."""
        number = len(self._numbers)
        if number == len(self._rows):
            self._rows = np.pad(self._rows, ((0, number), (0, 0)))
        a, b = (self._matched(mol, k, kinds.atoms[k]) for k in (i, j))
        ends = (a[self._first] & b[self._second]) | (b[self._first] & a[self._second])
        self._rows[number] = ends & self._orders[order]
        self._numbers[kinds.atoms[i], kinds.atoms[j], order] = number
        return number

    def _matched(self, mol: Chem.Mol, index: int, kind: Kind) -> npt.NDArray[np.bool_]:
        """Which atoms of the patterns an atom may stand for."""
        if kind not in self._matches:
            atom = mol.GetAtomWithIdx(index)
            self._matches[kind] = np.array([query.Match(atom) for query in self._atoms], bool)
        return self._matches[kind]


@final
@dataclass(frozen=True)
class _Parts:
    """The different atoms and bonds that patterns are made of."""

    atoms: dict[str, int]
    """SMARTS of an atom to its number."""
    bonds: dict[tuple[int, int, str], int]
    """Numbers of two atoms and SMARTS of the bond between them to its number."""

    def needed(self, pattern: Chem.Mol) -> Counter[int]:
        """How many bonds of each number a pattern has; a lone atom counts as a bond to anything."""
        pattern = Chem.Mol(pattern)
        Chem.GetSSSR(pattern)
        rings = pattern.GetRingInfo()
        own = []
        for atom in pattern.GetAtoms():
            # An atom of a ring of the pattern stands for one of a ring that is no larger.
            size = min(rings.AtomRingSizes(atom.GetIdx()), default=0)
            own.append(self._atom(_plain(atom.GetSmarts()), size))
        bonds: list[Any] = list(pattern.GetBonds())
        ends = [
            (own[b.GetBeginAtomIdx()], own[b.GetEndAtomIdx()], _in_ring(b, rings.NumBondRings(b.GetIdx())))
            for b in bonds
        ]
        ends += [(own[a.GetIdx()], self._atom("*"), "~") for a in pattern.GetAtoms() if not a.GetDegree()]
        keys = [(min(i, j), max(i, j), smarts) for i, j, smarts in ends]
        return Counter(self.bonds.setdefault(key, len(self.bonds)) for key in keys)

    def _atom(self, smarts: str, ring_size: int = 0) -> int:
        inner = smarts[1:-1] if smarts.startswith("[") else smarts
        text = f"[{inner};r{{3-{ring_size}}}]" if ring_size else f"[{inner}]"
        return self.atoms.setdefault(text, len(self.atoms))


def _skeleton(pattern: Chem.Mol) -> Chem.Mol | None:
    """The pattern without the neighbourhoods that it asks for, which take long; None if it asks for none."""
    plain = {a.GetIdx(): _plain(a.GetSmarts()) for a in pattern.GetAtoms() if "$" in a.GetSmarts()}
    if not plain:
        return None
    skeleton = Chem.RWMol(pattern)
    for index, smarts in plain.items():
        inner = smarts[1:-1] if smarts.startswith("[") else smarts
        skeleton.ReplaceAtom(index, Chem.AtomFromSmarts(f"[{inner}]"))
    return skeleton.GetMol()


def _in_ring(bond: Any, n_rings: int) -> str:
    """SMARTS of a bond of a pattern, in a ring where it is in one of the pattern."""
    smarts = bond.GetSmarts() or "-,:"
    return f"{smarts};@" if n_rings else smarts


@cache
def _orders(smarts: str) -> frozenset[Order]:
    """Orders of the bonds that a bond of a pattern may stand for."""
    query = Chem.BondFromSmarts(smarts)
    samples = {order: Chem.MolFromSmiles(text) for order, text in _SAMPLES.items()}
    return frozenset(order for order, mol in samples.items() if query.Match(mol.GetBondWithIdx(0)))


def _plain(smarts: str) -> str:
    """Atom of a pattern by what depends on the atom alone: a neighbourhood asked for gives its first atom."""
    text = _REMOTE.sub("*", smarts)
    while (start := text.find("$(")) >= 0:
        depth = 1
        for end in range(start + 2, len(text)):  # noqa: B007
            depth += (text[end] == "(") - (text[end] == ")")
            if depth == 0:
                break
        is_negated = text[start - 1] == "!"
        root = "*" if is_negated else _root(text[start + 2 : end])
        text = text[: start - is_negated] + root + text[end + 1 :]
    return text


def _root(smarts: str) -> str:
    """First atom of a SMARTS, as it may stand in a longer expression."""
    match = _FIRST.match(smarts)
    first = (match[1] or match[0]) if match else "*"
    return "*" if re.search(r"[,;$]", first) else first
