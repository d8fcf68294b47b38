"""Two compounds laid on each other under an atom map: one graph of what is common and what each has alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import final

from rdkit import Chem

Pair = tuple[int, int]
"""A bond by the numbers of its two nodes, the smaller first."""
Item = int | tuple[int, int, int]
"""What may change: a node, or a bond with the side that has it (2 for both)."""
BOTH = 2
"""Side of a bond that both ends have."""


def pair(k: int, m: int) -> Pair:
    """The bond between two nodes."""
    return (k, m) if k < m else (m, k)


def connected_groups(keys: Iterable[Item], links: Iterable[tuple[Item, Item]]) -> list[list[Item]]:
    """Connected groups of `keys`, in their order; links to others are left out."""
    root = {k: k for k in keys}

    def find(k: Item) -> Item:
        while root[k] != k:
            root[k] = root[root[k]]
            k = root[k]
        return k

    for k, m in links:
        if k in root and m in root:
            root[find(m)] = find(k)
    groups: dict[Item, list[Item]] = {}
    for k in root:
        groups.setdefault(find(k), []).append(k)
    return list(groups.values())


def form(atom: Chem.Atom) -> tuple[int, int, int]:
    """What makes two mapped atoms the same: atomic number, charge, isotope."""
    return atom.GetAtomicNum(), atom.GetFormalCharge(), atom.GetIsotope()


@final
@dataclass(frozen=True)
class Overlay:
    """One graph of two molecules; a *node* is an atom of the start, of the end, or a mapped pair of them."""

    ends: tuple[Chem.Mol, Chem.Mol]
    """Start and end."""
    nodes: tuple[tuple[int | None, int | None], ...]
    """Atom of the start and of the end that each node is; None where the end lacks it."""

    @classmethod
    def of(cls, start: Chem.Mol, end: Chem.Mol, pairs: Iterable[tuple[int, int]]) -> Overlay:
        """Lay two molecules on each other: `pairs` of atoms are one node each."""
        mapping = dict(pairs)
        taken = set(mapping.values())
        nodes: list[tuple[int | None, int | None]] = [(i, mapping.get(i)) for i in range(start.GetNumAtoms())]
        nodes += [(None, j) for j in range(end.GetNumAtoms()) if j not in taken]
        return cls((start, end), tuple(nodes))

    @cached_property
    def places(self) -> tuple[dict[int, int], dict[int, int]]:
        """Atom number to node, for each end."""
        start, end = ({n[side]: k for k, n in enumerate(self.nodes)} for side in (0, 1))
        return {i: k for i, k in start.items() if i is not None}, {
            i: k for i, k in end.items() if i is not None
        }

    @cached_property
    def bonds(self) -> tuple[dict[Pair, Chem.Bond], dict[Pair, Chem.Bond]]:
        """Bonds by node, for each end."""
        start, end = (
            {pair(at[b.GetBeginAtomIdx()], at[b.GetEndAtomIdx()]): b for b in mol.GetBonds()}
            for mol, at in zip(self.ends, self.places, strict=True)
        )
        return start, end

    @cached_property
    def rings(self) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
        """Rings of each end, their nodes in order."""
        start, end = (
            tuple(tuple(at[i] for i in ring) for ring in mol.GetRingInfo().AtomRings())
            for mol, at in zip(self.ends, self.places, strict=True)
        )
        return start, end

    def atom(self, side: int, node: int) -> Chem.Atom:
        """The atom of one end that a node is.

        Raises:
            KeyError: the end lacks it.
        """
        index = self.nodes[node][side]
        if index is None:
            raise KeyError(node)
        return self.ends[side].GetAtomWithIdx(index)

    def is_common(self, node: int) -> bool:
        """Whether both ends have a node."""
        return None not in self.nodes[node]

    def own_nodes(self, side: int) -> list[int]:
        """Nodes that one end alone has."""
        return [k for k, n in enumerate(self.nodes) if n[1 - side] is None]

    def own_bonds(self, side: int) -> list[Pair]:
        """Bonds that one end alone has."""
        return [x for x in self.bonds[side] if x not in self.bonds[1 - side]]

    @cached_property
    def changed_nodes(self) -> list[int]:
        """Common nodes of another element, charge or isotope."""
        common = (k for k in range(len(self.nodes)) if self.is_common(k))
        return [k for k in common if form(self.atom(0, k)) != form(self.atom(1, k))]

    @cached_property
    def changed_bonds(self) -> list[Pair]:
        """Bonds of both ends, of another order."""
        start, end = self.bonds
        return [x for x in start if x in end and start[x].GetBondType() != end[x].GetBondType()]

    def neighbours(self, side: int, node: int) -> Iterator[int]:
        """Nodes bonded to a node at one end, in the order of that end's bonds."""
        at = self.places[side]
        return (at[n.GetIdx()] for n in self.atom(side, node).GetNeighbors())
