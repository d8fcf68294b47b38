"""What a filter is: a name, a price, and the reason why a molecule fails it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import ClassVar, final

from rdkit import Chem

from molinterp.chem.alerts import CATALOGUES
from molinterp.chem.familiar import Familiar
from molinterp.chem.filters.traits import Traits
from molinterp.chem.unstable_groups import Matches

Condition = Callable[[Chem.Mol], str | None]
"""Condition of a user's: the name of what a molecule breaks, or None."""


class Cost(Enum):
    """When a filter is worth its time."""

    CHEAP = 0
    """At once."""
    COSTLY = 1
    """Once a molecule is likely to be used."""


Explanation = tuple[str, Iterable[int]]
"""Reason in words, and indices of the atoms at fault."""


@final
@dataclass(frozen=True, eq=False)
class Failure:
    """Why a molecule fails a filter; explained only where someone asks, as a search does not."""

    name: str
    """Name of the filter, or of the user's condition."""
    explain: Callable[[], Explanation]
    """Gives the reason and the atoms."""

    @cached_property
    def _explained(self) -> Explanation:
        return self.explain()

    @property
    def reason(self) -> str:
        """The failure in words, for a reader."""
        return self._explained[0]

    @property
    def atoms(self) -> tuple[int, ...]:
        """Indices of the atoms at fault, in ascending order; empty if it is the molecule as a whole."""
        return tuple(sorted(self._explained[1]))


@final
@dataclass(frozen=True)
class End:
    """A compound that a path joins, and what it excuses in the molecules between."""

    mol: Chem.Mol
    """The compound."""
    alerts: Matches
    """Alerts, and where."""
    groups: Matches
    """Unstable groups, and where."""
    rings: Mapping[int, tuple[frozenset[int], ...]]
    """Ring sizes, and the atoms of each such ring."""
    ring_systems: frozenset[str]
    """Ring systems, as the table names them."""
    environments: frozenset[int]
    """Atom environments of radius 0 to 2."""
    sa_score: float
    """Synthetic accessibility, 1 to 10."""


@final
@dataclass(frozen=True)
class Context:
    """What the filters compare a molecule with: the ends of a path, or limits of its own."""

    familiar: Familiar
    """Familiar atom environments and ring systems."""
    max_sa_score: float
    """Largest SA score allowed, 1 to 10."""
    ends: tuple[End, ...] = ()
    """The compounds that a path joins; empty for a molecule on its own."""
    charges: frozenset[int] = frozenset({0})
    """Net charges allowed, in elementary charges."""
    ring_sizes: frozenset[int] | None = None
    """Ring sizes that need no excuse, in atoms; None means any."""
    catalogues: tuple[str, ...] = CATALOGUES
    """Alert catalogues that count."""
    soft_alerts_pass: bool = True
    """Whether soft alerts cost instead of failing a molecule."""
    elements: frozenset[int] | None = None
    """Atomic numbers allowed; None means those of familiar environments."""
    conditions: Sequence[Condition] = ()
    """What the user asks for besides."""

    @property
    def mols(self) -> tuple[Chem.Mol, ...]:
        """The ends as molecules."""
        return tuple(end.mol for end in self.ends)

    def excuses(
        self, traits: Traits, atoms: frozenset[int], places: Sequence[Sequence[frozenset[int]]]
    ) -> bool:
        """Whether an end has the same thing, at the same atoms where it is known which they are.

        Args:
            traits: the molecule.
            atoms: where it has it.
            places: where each end has it.
        """
        if not traits.maps:
            return any(places)
        return any(
            frozenset(own.get(i, -1) for i in atoms) in there
            for own, there in zip(traits.maps, places, strict=True)
        )


class Filter(ABC):
    """One question that every molecule is asked."""

    name: ClassVar[str]
    """Word for what fails it, as in the tables of paths and candidates."""
    cost: ClassVar[Cost] = Cost.CHEAP
    """When it is worth its time."""

    @abstractmethod
    def fails(self, traits: Traits, context: Context) -> Failure | None:
        """Why a molecule fails in a context; None if it passes."""

    def failure(self, reason: str, atoms: Iterable[int] = ()) -> Failure:
        """Failure of this filter."""
        return Failure(self.name, lambda: (reason, atoms))
