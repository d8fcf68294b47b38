"""The verdict on a decoded molecule: may it stand between these two ends?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import final

from rdkit import Chem, rdBase

from molinterp.chem.alerts import CATALOGUES, alerts, has_alert
from molinterp.chem.environments import EnvironmentTable, environments
from molinterp.chem.properties import sa_score
from molinterp.chem.stability import unstable_groups
from molinterp.data import environment_ids
from molinterp.errors import InputError

SA_SLACK = 0.5
"""How far the SA score of a molecule between may exceed the larger end's."""
MAX_ATOMS = 100
"""Decodes with more heavy atoms are turned down unread."""
COMMON_RINGS = frozenset({3, 4, 5, 6, 7})
"""Ring sizes that need no example in an end."""
CLEAN = "clean"
"""Verdict on a molecule without a fault."""
CLEAN_SA_SCORE = 4.5
"""Largest SA score of a clean compound."""


@cache
def default_table() -> EnvironmentTable:
    """Atom environments of the compounds that the shipped model was trained on."""
    return EnvironmentTable.from_arrays(environment_ids())


def decoded_molecule(smiles: str) -> Chem.Mol | None:
    """The molecule that a decoded SMILES spells, or None where it spells none."""
    if not smiles or len(smiles) > 10 * MAX_ATOMS:
        return None
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or not 1 <= mol.GetNumHeavyAtoms() <= MAX_ATOMS:
        return None
    return mol


def decoded_smiles(text: str) -> str:
    """Canonical SMILES of the molecule that a decoded SMILES spells; empty where it spells none."""
    mol = decoded_molecule(text)
    smiles = "" if mol is None else Chem.MolToSmiles(mol)
    # RDKit writes a few molecules, as some with odd aromatic rings, in a way that it cannot read.
    return smiles if decoded_molecule(smiles) is not None else ""


def is_clean(mol: Chem.Mol) -> bool:
    """Whether a molecule is familiar, stable, uncharged, free of alerts and easy to make (SA score <= 4.5).

    The absolute verdict, where `Judge` holds a molecule against two ends.
    """
    return own_fault(mol) is None


def own_fault(mol: Chem.Mol) -> str | None:
    """What keeps a molecule from being clean by itself, in one word; None where it is clean.

    Fragments, charge, radical, unfamiliar, unstable, hard-to-make, alert, in this order.
    """
    if len(Chem.GetMolFrags(mol)) != 1:
        return "fragments"
    if Chem.GetFormalCharge(mol) != 0:
        return "charge"
    if any(a.GetNumRadicalElectrons() for a in mol.GetAtoms()):
        return "radical"
    if not default_table().is_familiar(mol):
        return "unfamiliar"
    if unstable_groups(mol):
        return "unstable"
    if sa_score(mol) > CLEAN_SA_SCORE:
        return "hard-to-make"
    return "alert" if has_alert(mol) else None


def verdict(fault: str | None) -> str:
    """The word that a table has for a fault, or for none."""
    return fault or CLEAN


Condition = Callable[[Chem.Mol], str | None]
"""What else is asked of a molecule: the reason against it, or None."""


@final
@dataclass(frozen=True)
class Judge:
    """Holds decoded molecules against the two ends of a path.

    Alerts, unstable groups, SA score, charge, ring sizes and environments are relative: what an end bears, a
    molecule between may bear too.
    """

    ends: tuple[Chem.Mol, ...]
    """The compounds that a path joins."""
    environments: EnvironmentTable
    """What counts as familiar."""
    allowed_alerts: frozenset[str]
    """Alerts that an end raises."""
    allowed_groups: frozenset[str]
    """Unstable groups that an end has."""
    max_sa_score: float
    """Largest SA score allowed."""
    charges: frozenset[int]
    """Net charges allowed, in elementary charges."""
    ring_sizes: frozenset[int] = COMMON_RINGS
    """Ring sizes allowed, in atoms."""
    catalogues: tuple[str, ...] = CATALOGUES
    """Alert catalogues looked at."""
    elements: frozenset[int] | None = None
    """Atomic numbers allowed; None means those of familiar environments."""
    conditions: tuple[Condition, ...] = ()
    """What the user asks for besides."""

    @classmethod
    def between(
        cls,
        *ends: Chem.Mol,
        environments: EnvironmentTable | None = None,
        max_sa_score: float | None = None,
        catalogues: Sequence[str] = CATALOGUES,
        elements: Sequence[str] | None = None,
        conditions: Sequence[Condition] = (),
    ) -> Judge:
        """The judge of a path between `ends`.

        Args:
            ends: the compounds that the path joins.
            environments: what counts as familiar; None means the shipped table.
            max_sa_score: 1 to 10; None means the larger end's and 0.5 more.
            catalogues: alert catalogues, of PAINS and BRENK; empty means that alerts do not matter.
            elements: symbols; None means any in familiar environments.
            conditions: each gives the reason against a molecule, or None.

        Raises:
            InputError: a catalogue or an element of an unknown name.
        """
        return cls(
            ends=ends,
            environments=environments if environments is not None else default_table(),
            allowed_alerts=frozenset().union(*(alerts(e, catalogues) for e in ends)),
            allowed_groups=frozenset().union(*map(unstable_groups, ends)),
            max_sa_score=max(sa_score(e) for e in ends) + SA_SLACK if max_sa_score is None else max_sa_score,
            charges=frozenset({0} | {Chem.GetFormalCharge(e) for e in ends}),
            ring_sizes=COMMON_RINGS.union(*(_ring_sizes(e) for e in ends)),
            catalogues=tuple(catalogues),
            elements=None if elements is None else _atomic_numbers(elements),
            conditions=tuple(conditions),
        )

    def fault(self, mol: Chem.Mol) -> str | None:
        """Why a molecule may not stand between the ends, in one word; None where it may.

        The cheap checks come first: see `cheap_fault`; then alert.
        """
        return self.cheap_fault(mol) or ("alert" if self.raises_alert(mol) else None)

    def cheap_fault(self, mol: Chem.Mol) -> str | None:
        """The same without alerts, which take most of the time.

        Fragments, radical, charge, element, ring, unfamiliar, unstable, hard-to-make, then the user's
        conditions.
        """
        if len(Chem.GetMolFrags(mol)) > 1:
            return "fragments"
        if any(a.GetNumRadicalElectrons() for a in mol.GetAtoms()):
            return "radical"
        if Chem.GetFormalCharge(mol) not in self.charges:
            return "charge"
        if self.elements is not None and any(a.GetAtomicNum() not in self.elements for a in mol.GetAtoms()):
            return "element"
        if not _ring_sizes(mol) <= self.ring_sizes:
            return "ring"
        if not self.environments.is_familiar(mol, self.ends):
            return "unfamiliar"
        if not unstable_groups(mol) <= self.allowed_groups:
            return "unstable"
        if sa_score(mol) > self.max_sa_score:
            return "hard-to-make"
        return next((reason for c in self.conditions if (reason := c(mol))), None)

    def is_known(self, environment: int, radius: int) -> bool:
        """Whether an environment of a radius counts as familiar; those of the ends do."""
        return environment in self.environments.known[radius] or any(
            environment in environments(end, radius) for end in self.ends
        )

    def raises_alert(self, mol: Chem.Mol) -> bool:
        """Whether a molecule raises an alert that neither end raises."""
        return not alerts(mol, self.catalogues) <= self.allowed_alerts


def _ring_sizes(mol: Chem.Mol) -> frozenset[int]:
    return frozenset(len(ring) for ring in mol.GetRingInfo().AtomRings())


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


@final
@dataclass(frozen=True)
class Limits:
    """What a user asks of every molecule between, beyond what the ends themselves set."""

    max_sa_score: float | None = None
    """Largest SA score, 1 to 10; None means the larger end's and 0.5 more."""
    catalogues: tuple[str, ...] = CATALOGUES
    """Alert catalogues looked at, of PAINS and BRENK; empty means that alerts do not matter."""
    elements: tuple[str, ...] | None = None
    """Symbols of the elements allowed; None means any in familiar environments."""

    def judge(self, *ends: Chem.Mol, conditions: Sequence[Condition] = ()) -> Judge:
        """The judge of what lies between `ends`, under these limits and what else is asked.

        Raises:
            InputError: a limit is out of range or names nothing.
        """
        if self.max_sa_score is not None and not 1 <= self.max_sa_score <= 10:
            raise InputError(f"`max_sa_score` must be in [1, 10]; got {self.max_sa_score}.")
        return Judge.between(
            *ends,
            max_sa_score=self.max_sa_score,
            catalogues=self.catalogues,
            elements=self.elements,
            conditions=conditions,
        )
