"""The verdict on a decoded molecule: may it stand between these two ends?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import final

from rdkit import Chem, rdBase

from molinterp.chem.alerts import alerts, has_alert
from molinterp.chem.environments import EnvironmentTable
from molinterp.chem.properties import sa_score
from molinterp.data import environment_ids

SA_SLACK = 0.5
"""How far the SA score of a molecule between may exceed the larger end's."""
MAX_ATOMS = 100
"""Decodes with more heavy atoms are turned down unread."""


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


def is_clean(mol: Chem.Mol) -> bool:
    """Whether a molecule is familiar, uncharged, free of alerts and easy to make (SA score <= 4.5).

    The absolute verdict, where `Judge` holds a molecule against two ends.
    """
    return (
        len(Chem.GetMolFrags(mol)) == 1
        and Chem.GetFormalCharge(mol) == 0
        and not any(a.GetNumRadicalElectrons() for a in mol.GetAtoms())
        and default_table().is_familiar(mol)
        and sa_score(mol) <= CLEAN_SA_SCORE
        and not has_alert(mol)
    )


@final
@dataclass(frozen=True)
class Judge:
    """Holds decoded molecules against the two ends of a path.

    Alerts, SA score, charge and environments are relative: what an end bears, a molecule between may
    bear too.
    """

    ends: tuple[Chem.Mol, ...]
    """The compounds that a path joins."""
    environments: EnvironmentTable
    """What counts as familiar."""
    allowed_alerts: frozenset[str]
    """Alerts that an end raises."""
    max_sa_score: float
    """Largest SA score allowed."""
    charges: frozenset[int]
    """Net charges allowed, in elementary charges."""

    @classmethod
    def between(cls, *ends: Chem.Mol, environments: EnvironmentTable | None = None) -> Judge:
        """The judge of a path between `ends`; `environments` None means the shipped table."""
        return cls(
            ends=ends,
            environments=environments if environments is not None else default_table(),
            allowed_alerts=frozenset().union(*(alerts(e) for e in ends)),
            max_sa_score=max(sa_score(e) for e in ends) + SA_SLACK,
            charges=frozenset({0} | {Chem.GetFormalCharge(e) for e in ends}),
        )

    def fault(self, mol: Chem.Mol) -> str | None:
        """Why a molecule may not stand between the ends, in one word; None where it may.

        The cheap checks come first: fragments, radical, charge, unfamiliar, alert, hard-to-make.
        """
        if len(Chem.GetMolFrags(mol)) > 1:
            return "fragments"
        if any(a.GetNumRadicalElectrons() for a in mol.GetAtoms()):
            return "radical"
        if Chem.GetFormalCharge(mol) not in self.charges:
            return "charge"
        if not self.environments.is_familiar(mol, self.ends):
            return "unfamiliar"
        if sa_score(mol) > self.max_sa_score:
            return "hard-to-make"
        if not alerts(mol) <= self.allowed_alerts:
            return "alert"
        return None

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[bool]:
        """Whether each molecule may stand between the ends."""
        return [self.fault(mol) is None for mol in mols]
