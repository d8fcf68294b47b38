"""The list of filters, and the verdicts that running it gives, between two ends and on its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from rdkit import Chem, rdBase

from molinterp.chem.alerts import CATALOGUES
from molinterp.chem.environments import EnvironmentTable
from molinterp.chem.familiar import Familiar, shipped_familiar
from molinterp.chem.filters.base import Condition, Context, Cost, End, Failure, Filter
from molinterp.chem.filters.composition import Charges, Elements, Fragments, Radicals
from molinterp.chem.filters.rings import RingSizes, RingSystems
from molinterp.chem.filters.substance import Alerts, Conditions, HardToMake, Unfamiliar, Unstable
from molinterp.chem.filters.terms import TERMS
from molinterp.chem.filters.traits import Traits
from molinterp.errors import InputError

FILTERS: tuple[Filter, ...] = (
    Fragments(),
    Radicals(),
    Charges(),
    Elements(),
    RingSizes(),
    Unfamiliar(),
    RingSystems(),
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
    """How far the SA score of a molecule between may exceed the harder end's."""
    min_sa_limit: float = 3.5
    """SA score up to which any molecule between passes."""
    hard_end: float = 4.5
    """SA score from which on the harder end's own is the limit, without slack."""
    max_sa_score_alone: float = 5.0
    """Largest SA score of a molecule on its own."""
    common_rings: frozenset[int] = frozenset({3, 4, 5, 6, 7})
    """Ring sizes that need no example in an end."""

    def sa_limit(self, hardest: float) -> float:
        """Largest SA score of a molecule between two ends of which the harder one has `hardest`."""
        return hardest if hardest > self.hard_end else max(hardest + self.sa_slack, self.min_sa_limit)


def default_table() -> EnvironmentTable:
    """Atom environments of the compounds that the shipped model was trained on."""
    return shipped_familiar().environments


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
        familiar: Familiar | None = None,
        max_sa_score: float | None = None,
        catalogues: Sequence[str] = CATALOGUES,
        soft_alerts_pass: bool = True,
        elements: Sequence[str] | None = None,
        conditions: Sequence[Condition] = (),
        settings: FilterSettings | None = None,
    ) -> Filters:
        """Filters for the molecules of a path between `ends`.

        Args:
            ends: the compounds that the path joins.
            familiar: familiar environments and ring systems; None means the shipped tables.
            max_sa_score: 1 to 10; None means what the settings say of the harder end.
            catalogues: alert catalogues, of PAINS and BRENK; empty means that alerts do not matter.
            soft_alerts_pass: whether soft alerts cost instead of failing a molecule.
            elements: symbols; None means any in familiar environments.
            conditions: each gives the name of what a molecule breaks, or None.
            settings: limits that hold where none is given; None means the defaults.

        Raises:
            InputError: a catalogue or an element of an unknown name.
        """
        settings = settings or FilterSettings()
        known = tuple(_end(mol, catalogues) for mol in ends)
        limit = settings.sa_limit(max(end.sa_score for end in known))
        context = Context(
            familiar=familiar if familiar is not None else shipped_familiar(),
            ends=known,
            max_sa_score=limit if max_sa_score is None else max_sa_score,
            charges=frozenset({0} | {Chem.GetFormalCharge(e) for e in ends}),
            ring_sizes=settings.common_rings,
            catalogues=tuple(catalogues),
            soft_alerts_pass=soft_alerts_pass,
            elements=None if elements is None else _atomic_numbers(elements),
            conditions=tuple(conditions),
        )
        return cls(context)

    @classmethod
    def alone(
        cls,
        familiar: Familiar | None = None,
        soft_alerts_pass: bool = True,
        settings: FilterSettings | None = None,
    ) -> Filters:
        """Filters for a molecule on its own: nothing is excused, rings of any size pass.

        Args:
            familiar: familiar environments and ring systems; None means the shipped tables.
            soft_alerts_pass: whether soft alerts pass.
            settings: the limits; None means the defaults.
        """
        limit = (settings or FilterSettings()).max_sa_score_alone
        known = familiar if familiar is not None else shipped_familiar()
        return cls(Context(known, limit, soft_alerts_pass=soft_alerts_pass))

    def failure(self, subject: Chem.Mol | Traits, costs: Collection[Cost] = tuple(Cost)) -> Failure | None:
        """First failure of a molecule, in the order of FILTERS; None if it passes.

        Args:
            subject: the molecule, or its traits, which say where its atoms stand in the ends.
            costs: run filters of these prices only.
        """
        return next(self._failures(subject, costs), None)

    def failures(self, subject: Chem.Mol | Traits) -> tuple[Failure, ...]:
        """Every failure of a molecule, at most one of each filter, in the order of FILTERS."""
        return tuple(self._failures(subject, tuple(Cost)))

    def passes(self, subject: Chem.Mol | Traits) -> bool:
        """Whether a molecule passes every filter."""
        return self.failure(subject) is None

    def terms(self, subject: Chem.Mol | Traits) -> dict[str, float]:
        """What speaks against a molecule that passes, by the name of the term; none is negative."""
        traits = _traits(subject)
        return {name: term(traits, self.context) for name, term in TERMS.items()}

    def fault(self, subject: Chem.Mol | Traits) -> str | None:
        """Name of the first filter that a molecule fails; None if it passes."""
        return _name(self.failure(subject))

    def cheap_fault(self, subject: Chem.Mol | Traits) -> str | None:
        """Name of the first cheap filter that a molecule fails; None if it passes those."""
        return _name(self.failure(subject, (Cost.CHEAP,)))

    def raises_alert(self, subject: Chem.Mol | Traits) -> bool:
        """Whether a molecule fails a costly filter, which alerts are."""
        return self.failure(subject, (Cost.COSTLY,)) is not None

    def _failures(self, subject: Chem.Mol | Traits, costs: Collection[Cost]) -> Iterator[Failure]:
        traits = _traits(subject)
        for each in FILTERS:
            if each.cost in costs:
                failure = each.fails(traits, self.context)
                if failure is not None:
                    yield failure


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
    """Largest SA score, 1 to 10; None means the harder end's and a slack."""
    catalogues: tuple[str, ...] = CATALOGUES
    """Alert catalogues that count, of PAINS and BRENK; empty means that alerts do not matter."""
    elements: tuple[str, ...] | None = None
    """Symbols of the elements allowed; None means any in familiar environments."""
    soft_alerts_pass: bool = True
    """Whether soft alerts cost instead of failing a molecule."""

    def judge(
        self, *ends: Chem.Mol, conditions: Sequence[Condition] = (), familiar: Familiar | None = None
    ) -> Filters:
        """Filters for what lies between `ends`, under these limits and what else is asked.

        Args:
            ends: the compounds that the path joins.
            conditions: each gives the name of what a molecule breaks, or None.
            familiar: familiar environments and ring systems; None means the shipped tables.

        Raises:
            InputError: a limit is out of range or names nothing.
        """
        if self.max_sa_score is not None and not 1 <= self.max_sa_score <= 10:
            raise InputError(f"`max_sa_score` must be in [1, 10]; got {self.max_sa_score}.")
        return Filters.between(
            *ends,
            max_sa_score=self.max_sa_score,
            familiar=familiar,
            catalogues=self.catalogues,
            soft_alerts_pass=self.soft_alerts_pass,
            elements=self.elements,
            conditions=conditions,
        )


def _traits(subject: Chem.Mol | Traits) -> Traits:
    return subject if isinstance(subject, Traits) else Traits(subject)


def _end(mol: Chem.Mol, catalogues: Sequence[str]) -> End:
    traits = Traits(mol)
    rings: dict[int, tuple[frozenset[int], ...]] = {}
    for ring in traits.kinds.rings:
        rings[len(ring)] = (*rings.get(len(ring), ()), frozenset(ring))
    return End(
        mol=mol,
        alerts=traits.alerts_of(catalogues),
        groups=traits.unstable,
        rings=rings,
        ring_systems=frozenset(system.smiles for system in traits.ring_systems),
        environments=frozenset(traits.environments),
        sa_score=traits.accessibility.score,
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
