"""A molecule as plain arrays and lists, as the alignment of two molecules reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
MAX_CHILDREN = 3
"""Neighbours beyond a bond that look-ahead reads: an atom of four bonds has three others."""
_LARGEST_RING = 62
"""Rings of this size and above share the last bit of the size masks."""


@final
@dataclass(frozen=True)
class MappedGraph:
    """Heavy atoms and bonds of a molecule; directed bonds are numbered for the look-ahead."""

    mol: Chem.Mol
    """The molecule that the numbers refer to."""
    numbers: Ints
    """Atomic numbers, (n,)."""
    charges: Ints
    """Formal charges, (n,)."""
    aromatic: Bools
    """Whether atoms are aromatic, (n,)."""
    unsaturated: Bools
    """Whether atoms bear a double or triple bond outside an aromatic ring, (n,)."""
    ring_sizes: Ints
    """Sizes of the rings of each atom, a bit for a size, (n,)."""
    neighbours: tuple[tuple[int, ...], ...]
    """Heavy neighbours of each atom."""
    orders: dict[tuple[int, int], float]
    """Order of the bond between two atoms, either way round; 1.5 for an aromatic one."""
    rings: tuple[tuple[int, ...], ...]
    """Smallest rings, atoms in order around each."""
    rings_of: tuple[tuple[int, ...], ...]
    """Numbers of the rings of each atom."""
    ring_bonds: frozenset[tuple[int, int]]
    """Bonds in a ring, either way round."""
    edges: dict[tuple[int, int], int]
    """Number of the directed bond from one atom to another."""
    tails: Ints
    """Atom that a directed bond leaves, (m,)."""
    heads: Ints
    """Atom that a directed bond leads to, (m,)."""
    edge_orders: npt.NDArray[np.float64]
    """Orders of the directed bonds, (m,)."""
    edge_ring_sizes: Ints
    """Sizes of the rings of each directed bond, a bit for a size, (m,)."""

    @cached_property
    def environments(self) -> tuple[Ints, Ints]:
        """Hashes of the surroundings of each atom within one and two bonds, (n,) each."""
        rows = zip(
            self.numbers.tolist(), self.charges.tolist(), self.aromatic.tolist(), self.rings_of, strict=True
        )
        kinds = [hash((number, charge, int(aromatic), bool(own))) for number, charge, aromatic, own in rows]
        near = _refined(kinds, self.neighbours, self.orders)
        return np.array(near, np.int64), np.array(_refined(near, self.neighbours, self.orders), np.int64)

    @cached_property
    def remoteness(self) -> npt.NDArray[np.float64]:
        """Mean bonds from each atom to the others, (n,); at most n."""
        if not self.n:
            return np.zeros(0)
        return np.asarray(np.minimum(Chem.GetDistanceMatrix(self.mol), self.n).mean(1))

    @cached_property
    def classes(self) -> tuple[int, ...]:
        """Symmetry class of each atom."""
        return tuple(Chem.CanonicalRankAtoms(self.mol, breakTies=False, includeChirality=False))

    @cached_property
    def children(self) -> Ints:
        """Directed bonds that go on from each, (m, 3); m where there are fewer."""
        onward = [[self.edges[j, k] for k in self.neighbours[j] if k != i] for i, j in self.edges]
        return _padded(onward, MAX_CHILDREN, len(self.edges))

    @cached_property
    def out(self) -> Ints:
        """Directed bonds that leave each atom, (n, 4); m where there are fewer."""
        outward = [[self.edges[i, j] for j in own] for i, own in enumerate(self.neighbours)]
        return _padded(outward, MAX_CHILDREN + 1, len(self.edges))

    @property
    def n(self) -> int:
        """How many atoms the molecule has, explicit hydrogens included."""
        return len(self.numbers)

    def is_ring(self, i: int) -> bool:
        """Whether an atom is in a ring."""
        return bool(self.rings_of[i])


def mapped_graph(mol: Chem.Mol) -> MappedGraph:
    """Read a sanitised molecule; hydrogen atoms of its graph have neither neighbours nor rings."""
    atoms = list(mol.GetAtoms())
    orders = _bond_orders(mol)
    neighbours: list[list[int]] = [[] for _ in atoms]
    for i, j in orders:
        neighbours[i].append(j)
    rings = tuple(tuple(ring) for ring in mol.GetRingInfo().AtomRings())
    rings_of = _memberships(rings, len(atoms))
    edges = {pair: k for k, pair in enumerate(orders)}
    sizes = _ring_size_masks(rings)
    return MappedGraph(
        mol=mol,
        numbers=np.array([a.GetAtomicNum() for a in atoms], np.int64),
        charges=np.array([a.GetFormalCharge() for a in atoms], np.int64),
        aromatic=np.array([a.GetIsAromatic() for a in atoms], np.bool_),
        unsaturated=np.array([any(orders[i, j] >= 2 for j in n) for i, n in enumerate(neighbours)], np.bool_),
        ring_sizes=np.array([_mask(len(rings[r]) for r in own) for own in rings_of], np.int64),
        neighbours=tuple(map(tuple, neighbours)),
        orders=orders,
        rings=rings,
        rings_of=rings_of,
        ring_bonds=frozenset(pair for pair in orders if pair in sizes),
        edges=edges,
        tails=np.array([i for i, _ in orders], np.int64),
        heads=np.array([j for _, j in orders], np.int64),
        edge_orders=np.array(list(orders.values()), np.float64),
        edge_ring_sizes=np.array([sizes.get(pair, 0) for pair in orders], np.int64),
    )


def _bond_orders(mol: Chem.Mol) -> dict[tuple[int, int], float]:
    """Orders of the bonds between heavy atoms, either way round."""
    orders = {}
    for bond in mol.GetBonds():
        first, second = bond.GetBeginAtom(), bond.GetEndAtom()
        if first.GetAtomicNum() > 1 and second.GetAtomicNum() > 1:
            order = bond.GetBondTypeAsDouble()
            orders[first.GetIdx(), second.GetIdx()] = orders[second.GetIdx(), first.GetIdx()] = order
    return orders


def _memberships(rings: Sequence[Sequence[int]], n: int) -> tuple[tuple[int, ...], ...]:
    own: list[list[int]] = [[] for _ in range(n)]
    for r, ring in enumerate(rings):
        for i in ring:
            own[i].append(r)
    return tuple(map(tuple, own))


def _mask(sizes: Iterable[int]) -> int:
    mask = 0
    for size in sizes:
        mask |= 1 << min(size, _LARGEST_RING)
    return mask


def _ring_size_masks(rings: Sequence[Sequence[int]]) -> dict[tuple[int, int], int]:
    masks: dict[tuple[int, int], int] = {}
    for ring in rings:
        for i, j in zip(ring, (*ring[1:], ring[0]), strict=True):
            for pair in ((i, j), (j, i)):
                masks[pair] = masks.get(pair, 0) | _mask([len(ring)])
    return masks


def _refined(
    kinds: Sequence[int], neighbours: Sequence[Sequence[int]], orders: dict[tuple[int, int], float]
) -> list[int]:
    # Hashes of tuples of numbers are the same in every process, those of text are not.
    return [
        hash((kind, *sorted((int(2 * orders[i, j]), kinds[j]) for j in neighbours[i])))
        for i, kind in enumerate(kinds)
    ]


def _padded(rows: Sequence[Sequence[int]], width: int, filler: int) -> Ints:
    full = np.full((len(rows), width), filler, np.int64)
    for k, row in enumerate(rows):
        full[k, : len(row[:width])] = row[:width]
    return full
