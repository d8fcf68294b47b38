"""What a filter is: a name, a price, and the reason why a molecule fails it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, final

from rdkit import Chem

from molinterp.chem.alerts import CATALOGUES
from molinterp.chem.environments import EnvironmentTable

Condition = Callable[[Chem.Mol], str | None]
"""Condition of a user's: the name of what a molecule breaks, or None."""


class Cost(Enum):
    """How long a filter takes for one molecule."""

    CHEAP = 0
    """A fraction of a millisecond."""
    COSTLY = 1
    """Milliseconds: worth to put off until a molecule is likely to be used."""


@final
@dataclass(frozen=True)
class Failure:
    """Why a molecule fails a filter."""

    name: str
    """Name of the filter, or of the user's condition."""
    reason: str
    """The same in words, for a reader."""
    atoms: tuple[int, ...] = ()
    """Indices of the atoms at fault; empty if it is the molecule as a whole."""


@final
@dataclass(frozen=True)
class Context:
    """What the filters compare a molecule with: the ends of a path, or limits of its own.

    Alerts, unstable groups, ring sizes and environments are excused where an end has them.
    """

    environments: EnvironmentTable
    """Familiar atom environments."""
    max_sa_score: float
    """Largest SA score allowed, 1 to 10."""
    ends: tuple[Chem.Mol, ...] = ()
    """The compounds that a path joins; empty for a molecule on its own."""
    alerts: frozenset[str] = frozenset()
    """Alerts that are excused."""
    groups: frozenset[str] = frozenset()
    """Unstable groups that are excused."""
    charges: frozenset[int] = frozenset({0})
    """Net charges allowed, in elementary charges."""
    ring_sizes: frozenset[int] | None = None
    """Ring sizes allowed, in atoms; None means any."""
    catalogues: tuple[str, ...] = CATALOGUES
    """Alert catalogues that count."""
    elements: frozenset[int] | None = None
    """Atomic numbers allowed; None means those of familiar environments."""
    conditions: Sequence[Condition] = ()
    """What the user asks for besides."""


class Filter(ABC):
    """One question that every molecule is asked."""

    name: ClassVar[str]
    """Word for what fails it, as in the tables of paths and candidates."""
    cost: ClassVar[Cost] = Cost.CHEAP
    """How long it takes."""

    @abstractmethod
    def fails(self, mol: Chem.Mol, context: Context) -> Failure | None:
        """Why a molecule fails in a context; None if it passes."""

    def failure(self, reason: str, atoms: Sequence[int] = ()) -> Failure:
        """Failure of this filter."""
        return Failure(self.name, reason, tuple(sorted(atoms)))
