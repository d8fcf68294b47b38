"""Structural alerts: PAINS and BRENK, as RDKit's filter catalogue holds them.

Baell and Holloway, New Substructure Filters for Removal of Pan Assay Interference Compounds, J. Med.
Chem. 2010; Brenk et al., Lessons Learnt from Assembling Screening Libraries, ChemMedChem 2008.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache

from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from molinterp.errors import InputError

CATALOGUES = ("PAINS", "BRENK")


@cache
def _catalogue(names: tuple[str, ...]) -> FilterCatalog:
    params = FilterCatalogParams()
    for name in names:
        params.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    return FilterCatalog(params)


def alerts(mol: Chem.Mol, catalogues: Sequence[str] = CATALOGUES) -> frozenset[str]:
    """Names of the alerts that a molecule raises.

    Args:
        mol: the molecule.
        catalogues: PAINS, BRENK or both.

    Raises:
        InputError: a catalogue of another name.
    """
    unknown = [c for c in catalogues if c not in CATALOGUES]
    if unknown:
        raise InputError(f"`catalogues` must be among {', '.join(CATALOGUES)}; got {unknown[0]!r}.")
    if not catalogues:
        return frozenset()
    matches = _catalogue(tuple(catalogues)).GetMatches(mol)
    return frozenset(entry.GetDescription() for entry in matches)


def matched_alerts(
    mol: Chem.Mol, catalogues: Sequence[str], allowed: Collection[str]
) -> Iterator[frozenset[int]]:
    """Atoms of each alert that a molecule raises, but of those `allowed` by name."""
    for entry in _catalogue(tuple(catalogues)).GetMatches(mol):
        if entry.GetDescription() not in allowed:
            for match in entry.GetFilterMatches(mol):
                yield frozenset(atom for _, atom in match.atomPairs)


def has_alert(mol: Chem.Mol) -> bool:
    """Whether a molecule raises any alert; quicker than to name them all."""
    return bool(_catalogue(CATALOGUES).HasMatch(mol))
