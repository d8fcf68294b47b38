"""How well atoms of two molecules match, with all that lies behind them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

from molinterp.chem.alignment.mapped_graph import Bools, Ints, MappedGraph

Floats = npt.NDArray[np.float64]


@final
@dataclass(frozen=True)
class AffinitySettings:
    """What a matched pair of atoms or bonds is worth; an atom of the same kind is worth 1."""

    other_element: float = 0.4
    """Value of two atoms of different elements."""
    other_aromaticity: float = -0.25
    """Added where one atom alone is aromatic."""
    other_charge: float = -0.1
    """Added where the formal charges differ."""
    other_saturation: float = -0.1
    """Added where one atom alone bears a double or triple bond."""
    same_environment: tuple[float, float] = (0.15, 0.15)
    """Added where the surroundings within one and within two bonds are the same."""
    other_order: float = -0.3
    """Added for bonds of different order."""
    least: float = 0.05
    """Least value of two atoms that may match."""
    decay: float = 0.85
    """Factor by which each further bond counts less in the look-ahead."""
    depth: int = 10
    """Bonds that the look-ahead reaches."""


@final
@dataclass(frozen=True)
class Affinity:
    """Values of atom pairs and of pairs of directed bonds of molecules A and B."""

    atoms: Floats
    """Value of each atom pair by itself, (n_a, n_b); 0 where the two may not match."""
    branches: Floats
    """Value of what lies beyond each pair of directed bonds, (m_a + 1, m_b + 1); 0 where they may not."""
    wholes: Floats
    """Value of all that can be mapped from each atom pair on, (n_a, n_b)."""

    @cached_property
    def atom_rows(self) -> list[list[float]]:
        """Values of the atom pairs as lists, which are faster to read one by one."""
        return self.atoms.tolist()

    @cached_property
    def branch_rows(self) -> list[list[float]]:
        """Values of the branches as lists, which are faster to read one by one."""
        return self.branches.tolist()


@final
class AffinityModel:
    """Affinities of two molecules, whole or with some of their atoms taken."""

    def __init__(
        self, a: MappedGraph, b: MappedGraph, settings: AffinitySettings, *, is_strict: bool
    ) -> None:
        """Compare atoms and bonds.

        Args:
            a: the first molecule.
            b: the second molecule.
            settings: what matches are worth.
            is_strict: only atoms and bonds of one kind match.
        """
        self._a, self._b, self._settings = a, b, settings
        self._atoms = _atom_values(a, b, settings, is_strict=is_strict)
        self._bonds = _bond_values(a, b, self._atoms, settings, is_strict=is_strict)

    def without(self, taken_a: Collection[int] = (), taken_b: Collection[int] = ()) -> Affinity:
        """Affinities of the atoms that are not taken."""
        a, b = self._a, self._b
        atoms = self._atoms.copy()
        atoms[list(taken_a), :] = 0.0
        atoms[:, list(taken_b)] = 0.0
        rows, columns = _free_edges(a, taken_a), _free_edges(b, taken_b)
        branches = np.zeros((len(a.tails) + 1, len(b.tails) + 1))
        if len(rows) and len(columns):
            branches[np.ix_(rows, columns)] = self._look_ahead(atoms, rows, columns)
        wholes = atoms + self._settings.decay * _best_assignment(branches, a.out, b.out)
        return Affinity(atoms, branches, np.where(atoms > 0, wholes, 0.0))

    def _look_ahead(self, atoms: Floats, rows: Ints, columns: Ints) -> Floats:
        """Values of the branches of those directed bonds alone, (len(rows), len(columns))."""
        a, b = self._a, self._b
        bonds = self._bonds[np.ix_(rows, columns)]
        free = (atoms[np.ix_(a.tails[rows], b.tails[columns])] > 0) & (
            atoms[np.ix_(a.heads[rows], b.heads[columns])] > 0
        )
        free &= bonds > 0
        children_a, children_b = _renumbered(a.children, rows), _renumbered(b.children, columns)
        branches = np.zeros((len(rows) + 1, len(columns) + 1))
        for _ in range(self._settings.depth):
            beyond = _best_assignment(branches, children_a, children_b)
            branches[:-1, :-1] = np.where(free, bonds + self._settings.decay * beyond, 0.0)
        return branches[:-1, :-1]


def _free_edges(graph: MappedGraph, taken: Collection[int]) -> Ints:
    own = np.zeros(graph.n, np.bool_)
    own[list(taken)] = True
    return np.flatnonzero(~(own[graph.tails] | own[graph.heads]))


def _renumbered(children: Ints, rows: Ints) -> Ints:
    """Rows of a table of directed bonds, named by their places among `rows`; len(rows) for those outside."""
    places = np.full(len(children) + 1, len(rows), np.int64)
    places[rows] = np.arange(len(rows))
    return np.asarray(places[children[rows]])


def _atom_values(a: MappedGraph, b: MappedGraph, settings: AffinitySettings, *, is_strict: bool) -> Floats:
    element = a.numbers[:, None] == b.numbers
    aromatic = a.aromatic[:, None] == b.aromatic
    charge = a.charges[:, None] == b.charges
    values = np.where(element, 1.0, settings.other_element)
    values += np.where(aromatic, 0.0, settings.other_aromaticity) + np.where(
        charge, 0.0, settings.other_charge
    )
    values += np.where(a.unsaturated[:, None] == b.unsaturated, 0.0, settings.other_saturation)
    for near_a, near_b, bonus in zip(a.environments, b.environments, settings.same_environment, strict=True):
        values += np.where(near_a[:, None] == near_b, bonus, 0.0)
    may = _ring_compatible(a.ring_sizes, b.ring_sizes) & (a.numbers[:, None] > 1) & (b.numbers > 1)
    if is_strict:
        may &= element & aromatic & charge
    return np.where(may, np.maximum(values, settings.least), 0.0)


def _bond_values(
    a: MappedGraph, b: MappedGraph, atoms: Floats, settings: AffinitySettings, *, is_strict: bool
) -> Floats:
    """Value of the atom at the far end of each pair of directed bonds, and of the bonds."""
    same = a.edge_orders[:, None] == b.edge_orders
    values = atoms[a.heads[:, None], b.heads] + np.where(same, 0.0, settings.other_order)
    may = _ring_compatible(a.edge_ring_sizes, b.edge_ring_sizes)
    if is_strict:
        may &= same
    return np.where(may, np.maximum(values, settings.least), 0.0)


def _ring_compatible(a: Ints, b: Ints) -> Bools:
    return ((a[:, None] & b) != 0) | ((a[:, None] == 0) & (b == 0))


def _best_assignment(branches: Floats, rows: Ints, columns: Ints) -> Floats:
    """Best sums over one-to-one matches of branches `rows[i]` with branches `columns[j]`, (n_a, n_b)."""
    picked = branches[rows.T[:, None, :, None], columns.T[None, :, None, :]]
    return _best_rest(picked, 0, tuple(range(rows.shape[1])))


def _best_rest(picked: Floats, row: int, columns: tuple[int, ...]) -> Floats:
    """Best sum over one-to-one matches of the rows from `row` on with the columns that are left."""
    if len(columns) == 1:
        return np.asarray(picked[row, columns[0]])
    options = [
        picked[row, c] + _best_rest(picked, row + 1, tuple(x for x in columns if x != c)) for c in columns
    ]
    best = options[0]
    for option in options[1:]:
        np.maximum(best, option, out=best)
    return best
