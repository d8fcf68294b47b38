"""Filters run over many molecules: a verdict on each, and how often each filter fails sound compounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

from rdkit import Chem

from molinterp.chem.filters.run import CLEAN, FILTERS, Filters
from molinterp.chem.standardise import standardise
from molinterp.errors import InvalidMoleculeError

INVALID = "invalid"
"""Verdict on a text that is no molecule."""


@final
@dataclass(frozen=True)
class Verdict:
    """What the filters say of one molecule."""

    smiles: str
    """Standard form; the text itself where it is no molecule."""
    verdict: str
    """`clean`, the name of the first filter that the molecule fails, or `invalid`."""
    reason: str
    """The same in words; empty if clean."""
    atoms: tuple[int, ...]
    """Atoms at fault, from 0, in the order of `smiles`."""

    def to_row(self) -> dict[str, str]:
        """Cells of a table."""
        atoms = " ".join(map(str, self.atoms))
        return {"smiles": self.smiles, "verdict": self.verdict, "reason": self.reason, "atoms": atoms}


def verdict_on(smiles: str, filters: Filters) -> Verdict:
    """Verdict on the molecule that a SMILES spells, in standard form."""
    try:
        compound = standardise(smiles)
    except InvalidMoleculeError as error:
        return Verdict(smiles, INVALID, error.reason, ())
    failure = filters.failure(compound.mol)
    if failure is None:
        return Verdict(compound.smiles, CLEAN, "", ())
    return Verdict(compound.smiles, failure.name, failure.reason, failure.atoms)


@final
@dataclass(frozen=True)
class Survey:
    """How many of some molecules fail each filter."""

    n_molecules: int
    """Molecules that were looked at."""
    n_failed: int
    """Those that fail at least one filter."""
    by_filter: Mapping[str, int]
    """Name of each filter to the molecules that fail it, others failed or not."""
    by_reason: Mapping[tuple[str, str], int]
    """Name of a filter and reason to the molecules that fail it so, most frequent first."""

    def share(self, name: str) -> float:
        """Share of the molecules that fail a filter, in [0, 1]."""
        return self.by_filter.get(name, 0) / max(1, self.n_molecules)


def survey(mols: Iterable[Chem.Mol], filters: Filters) -> Survey:
    """Count the molecules that fail each filter."""
    n_molecules = n_failed = 0
    by_filter, by_reason = Counter({f.name: 0 for f in FILTERS}), Counter[tuple[str, str]]()
    for mol in mols:
        failures = filters.failures(mol)
        n_molecules += 1
        n_failed += bool(failures)
        by_filter.update(failure.name for failure in failures)
        by_reason.update((failure.name, failure.reason) for failure in failures)
    return Survey(n_molecules, n_failed, dict(by_filter), dict(by_reason.most_common()))
