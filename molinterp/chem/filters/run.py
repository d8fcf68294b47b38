"""The list of filters, and the verdicts that running it gives, between two ends and on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import final

from rdkit import Chem, rdBase

from molinterp.chem.alerts import CATALOGUES, alerts
from molinterp.chem.environments import EnvironmentTable
from molinterp.chem.filters.base import Condition, Context, Cost, Failure, Filter
from molinterp.chem.filters.composition import Charges, Elements, Fragments, Radicals, RingSizes, ring_sizes
from molinterp.chem.filters.substance import Alerts, Conditions, HardToMake, Unfamiliar, Unstable
from molinterp.chem.properties import sa_score
from molinterp.chem.unstable_groups import unstable_groups
from molinterp.data import environment_ids
from molinterp.errors import InputError

FILTERS: tuple[Filter, ...] = (
    Fragments(),
    Radicals(),
    Charges(),
    Elements(),
    RingSizes(),
    Unfamiliar(),
    Unstable(),
    HardToMake(),
    Conditions(),
    Alerts(),
)
"""Every filter, in the order in which they run; the first that fails names the verdict."""
CLEAN = "clean"
"""Verdict on a molecule that passes every filter."""


@final
@dataclass(frozen=True)
class FilterSettings:
    """Limits that hold where the user names none."""

    sa_slack: float = 0.5
    """How far the SA score of a molecule between may exceed the larger end's."""
    max_sa_score_alone: float = 4.5
    """Largest SA score of a molecule on its own."""
    common_rings: frozenset[int] = frozenset({3, 4, 5, 6, 7})
    """Ring sizes that need no example in an end."""


@cache
def default_table() -> EnvironmentTable:
    """Atom environments of the compounds that the shipped model was trained on."""
    return EnvironmentTable.from_arrays(environment_ids())


@final
@dataclass(frozen=True)
class Filters:
    """The list of filters, run in one context."""

    context: Context
    """What a molecule is compared with."""

    @classmethod
    def between(
        cls,
        *ends: Chem.Mol,
        environments: EnvironmentTable | None = None,
        max_sa_score: float | None = None,
        catalogues: Sequence[str] = CATALOGUES,
        elements: Sequence[str] | None = None,
        conditions: Sequence[Condition] = (),
        settings: FilterSettings | None = None,
    ) -> Filters:
        """Filters for the molecules of a path between `ends`.

        Args:
            ends: the compounds that the path joins.
            environments: familiar environments; None means the shipped table.
            max_sa_score: 1 to 10; None means the larger end's plus a slack.
            catalogues: alert catalogues, of PAINS and BRENK; empty means that alerts do not matter.
            elements: symbols; None means any in familiar environments.
            conditions: each gives the name of what a molecule breaks, or None.
            settings: limits that hold where none is given; None means the defaults.

        Raises:
            InputError: a catalogue or an element of an unknown name.
        """
        settings = settings or FilterSettings()
        hardest = max(map(sa_score, ends)) + settings.sa_slack
        context = Context(
            ends=ends,
            environments=environments if environments is not None else default_table(),
            alerts=frozenset().union(*(alerts(e, catalogues) for e in ends)),
            groups=frozenset().union(*map(unstable_groups, ends)),
            max_sa_score=hardest if max_sa_score is None else max_sa_score,
            charges=frozenset({0} | {Chem.GetFormalCharge(e) for e in ends}),
            ring_sizes=settings.common_rings.union(*map(ring_sizes, ends)),
            catalogues=tuple(catalogues),
            elements=None if elements is None else _atomic_numbers(elements),
            conditions=tuple(conditions),
        )
        return cls(context)

    @classmethod
    def alone(cls, settings: FilterSettings | None = None) -> Filters:
        """Filters for a molecule on its own: nothing is excused, rings of any size pass.

        Args:
            settings: the limits; None means the defaults.
        """
        limit = (settings or FilterSettings()).max_sa_score_alone
        return cls(Context(environments=default_table(), max_sa_score=limit))

    def failure(self, mol: Chem.Mol, costs: Sequence[Cost] = tuple(Cost)) -> Failure | None:
        """First failure of a molecule, in the order of FILTERS; None if it passes.

        Args:
            mol: the molecule.
            costs: run filters of these prices only.
        """
        found = (f.fails(mol, self.context) for f in FILTERS if f.cost in costs)
        return next((failure for failure in found if failure is not None), None)

    def passes(self, mol: Chem.Mol) -> bool:
        """Whether a molecule passes every filter."""
        return self.failure(mol) is None

    def fault(self, mol: Chem.Mol) -> str | None:
        """Name of the first filter that a molecule fails; None if it passes."""
        return _name(self.failure(mol))

    def cheap_fault(self, mol: Chem.Mol) -> str | None:
        """Name of the first cheap filter that a molecule fails; None if it passes those."""
        return _name(self.failure(mol, (Cost.CHEAP,)))

    def raises_alert(self, mol: Chem.Mol) -> bool:
        """Whether a molecule fails a costly filter, which alerts are."""
        return self.failure(mol, (Cost.COSTLY,)) is not None


Judge = Filters


def is_clean(mol: Chem.Mol) -> bool:
    """Whether a molecule passes every filter on its own."""
    return own_fault(mol) is None


def own_fault(mol: Chem.Mol) -> str | None:
    """Name of the first filter that the molecule fails on its own; None if it passes."""
    return Filters.alone().fault(mol)


def verdict(fault: str | None) -> str:
    """Word of a table for a failure, or for none."""
    return fault or CLEAN


@final
@dataclass(frozen=True)
class Limits:
    """What a user asks of every molecule between, beyond what the ends themselves set."""

    max_sa_score: float | None = None
    """Largest SA score, 1 to 10; None means the larger end's and 0.5 more."""
    catalogues: tuple[str, ...] = CATALOGUES
    """Alert catalogues that count, of PAINS and BRENK; empty means that alerts do not matter."""
    elements: tuple[str, ...] | None = None
    """Symbols of the elements allowed; None means any in familiar environments."""

    def judge(self, *ends: Chem.Mol, conditions: Sequence[Condition] = ()) -> Filters:
        """Filters for what lies between `ends`, under these limits and what else is asked.

        Raises:
            InputError: a limit is out of range or names nothing.
        """
        if self.max_sa_score is not None and not 1 <= self.max_sa_score <= 10:
            raise InputError(f"`max_sa_score` must be in [1, 10]; got {self.max_sa_score}.")
        return Filters.between(
            *ends,
            max_sa_score=self.max_sa_score,
            catalogues=self.catalogues,
            elements=self.elements,
            conditions=conditions,
        )


def _name(failure: Failure | None) -> str | None:
    return None if failure is None else failure.name


def _atomic_numbers(symbols: Sequence[str]) -> frozenset[int]:
    table = Chem.GetPeriodicTable()
    numbers = set()
    for symbol in symbols:
        with rdBase.BlockLogs():
            try:
                number = table.GetAtomicNumber(symbol.strip())
            except RuntimeError:
                number = -1
        if number < 1:
            raise InputError(f"`elements` must be symbols such as C,N,O; got {symbol!r}.")
        numbers.add(number)
    return frozenset(numbers)
