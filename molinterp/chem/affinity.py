"""How well atoms of two molecules match, with all that lies behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from typing import final

import numpy as np
import numpy.typing as npt

from molinterp.chem.mapped_graph import Ints, MappedGraph

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


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
    """Value of what lies beyond each pair of directed bonds, (m_a + 1, m_b + 1); 0 where they may not match."""
    wholes: Floats
    """Value of all that can be mapped from each atom pair on, (n_a, n_b)."""


@final
class AffinityModel:
    """Affinities of two molecules, whole or with some of their atoms taken."""

    def __init__(self, a: MappedGraph, b: MappedGraph, settings: AffinitySettings, *, is_strict: bool) -> None:
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

    def without(self, taken_a: Iterable[int] = (), taken_b: Iterable[int] = ()) -> Affinity:
        """Affinities of the atoms that are not taken."""
        a, b = self._a, self._b
        atoms = self._atoms.copy()
        atoms[list(taken_a), :] = 0.0
        atoms[:, list(taken_b)] = 0.0
        free = (atoms[a.tails[:, None], b.tails] > 0) & (atoms[a.heads[:, None], b.heads] > 0)
        bonds = np.where(free, self._bonds, 0.0)
        branches = self._look_ahead(bonds, free)
        wholes = atoms + self._settings.decay * _best_assignment(branches, a.out, b.out)
        return Affinity(atoms, branches, np.where(atoms > 0, wholes, 0.0))

    def _look_ahead(self, bonds: Floats, free: Bools) -> Floats:
        branches = np.zeros((bonds.shape[0] + 1, bonds.shape[1] + 1))
        for _ in range(self._settings.depth):
            beyond = _best_assignment(branches, self._a.children, self._b.children)
            branches[:-1, :-1] = np.where(free & (bonds > 0), bonds + self._settings.decay * beyond, 0.0)
        return branches


def _atom_values(a: MappedGraph, b: MappedGraph, settings: AffinitySettings, *, is_strict: bool) -> Floats:
    element = a.numbers[:, None] == b.numbers
    aromatic = a.aromatic[:, None] == b.aromatic
    charge = a.charges[:, None] == b.charges
    values = np.where(element, 1.0, settings.other_element)
    values += np.where(aromatic, 0.0, settings.other_aromaticity) + np.where(charge, 0.0, settings.other_charge)
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
    """Best sum over one-to-one matches of the branches `rows[i]` with the branches `columns[j]`, (n_a, n_b)."""
    width = rows.shape[1]
    gathered = [[branches[rows[:, k][:, None], columns[:, q]] for q in range(width)] for k in range(width)]
    best = np.zeros((len(rows), len(columns)))
    for order in permutations(range(width)):
        total = gathered[0][order[0]].copy()
        for k in range(1, width):
            total += gathered[k][order[k]]
        np.maximum(best, total, out=best)
    return best


