"""Filters: one ordered list of questions that decide which molecules may stand in a path."""

from molinterp.chem.filters.base import Condition, Context, Cost, Failure, Filter
from molinterp.chem.filters.decoded import decoded_molecule, decoded_smiles
from molinterp.chem.filters.run import (
    CLEAN,
    FILTERS,
    Filters,
    FilterSettings,
    Judge,
    Limits,
    default_table,
    is_clean,
    own_fault,
    verdict,
)
from molinterp.chem.filters.terms import TERMS, qed_dip
from molinterp.chem.filters.traits import AtomMap, Traits

__all__ = [
    "CLEAN",
    "FILTERS",
    "TERMS",
    "AtomMap",
    "Condition",
    "Context",
    "Cost",
    "Failure",
    "Filter",
    "FilterSettings",
    "Filters",
    "Judge",
    "Limits",
    "Traits",
    "decoded_molecule",
    "decoded_smiles",
    "default_table",
    "is_clean",
    "own_fault",
    "qed_dip",
    "verdict",
]
