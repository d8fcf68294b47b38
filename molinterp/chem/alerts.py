"""Structural alerts: PAINS and BRENK, as RDKit's filter catalogue holds them; which of them are soft.

Baell and Holloway, New Substructure Filters for Removal of Pan Assay Interference Compounds, J. Med.
Chem. 2010; Brenk et al., Lessons Learnt from Assembling Screening Libraries, ChemMedChem 2008.

An alert is *soft* where the group is stable and ordinary, and flagged for a risk in an assay or in a patient:
a path may cross it at a cost. All others are of groups that react.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, final

from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from molinterp.chem.screening import Screen
from molinterp.errors import InputError

CATALOGUES = ("PAINS", "BRENK")
_MAGIC = b"\xef\xbe\xad\xde"
"""First bytes of a molecule in RDKit's binary form."""

Matches = Mapping[str, tuple[frozenset[int], ...]]
"""Name of an alert to the atoms of each place where a molecule raises it."""

SOFT_ALERTS: Mapping[str, str] = MappingProxyType(
    {
        # Shape, or a metabolic or toxic risk.
        "Aliphatic_long_chain": "",
        "isolated_alkene": "",
        "triple_bond": "",
        "stilbene": "",
        "aniline": "",
        "nitro_group": "",
        "hydroquinone": "",
        "catechol": "",
        "phenol_ester": "",
        "phthalimide": "",
        "hydantoin": "",
        "cumarine": "",
        "2-halo_pyridine": "",
        "halogenated_ring_1": "",
        "halogenated_ring_2": "",
        "Polycyclic_aromatic_hydrocarbon_2": "",
        "Polycyclic_aromatic_hydrocarbon_3": "",
        "N_oxide": "",
        "oxime_1": "",
        "oxime_2": "",
        ">_2_ester_groups": "",
        "Sulfonic_acid_1": "",
        "Sulfonic_acid_2": "",
        "acyl_hydrazine": "",
        # A net charge is a matter of its own filter.
        "quaternary_nitrogen_1": "",
        "quaternary_nitrogen_2": "",
        "quaternary_nitrogen_3": "",
        "charged_oxygen_or_sulfur_atoms": "[O-][N+,n+]",
        # Named together with groups that react; soft inside these.
        "imine_1": "[#6;$([#6](~[#7])=[NX2]),$([#6]=[NX2]-[#7,#8])]=[NX2]",
        "imine_2": "[#7]~[#6]=[NX2]",
        "Oxygen-nitrogen_single_bond": "[#7;$(N=[#6]),$(N-[#6]=[#8,#16]),$(N-S=O),$([N+]=O)]~[#7,#8]",
        "beta-keto/anhydride": "[#6](=O)[#6][#6]=O",
        "diketo_group": "[#7,#8][#6](=O)[#6](=O)[#7,#8]",
        "hydrazine": "NNC=O",
        "thioester": "O=C([#7])[#16]",
        "Thiocarbonyl_group": "[#7]~[#6]=S",
        "phosphor": "P=O",
        "heavy_metal": "B[OX2]",
        "iodine": "Ic",
        "triphenyl_methyl-silyl": "[#6](c1ccccc1)(c1ccccc1)c1ccccc1",
        # Interference with assays by groups that are common in drugs.
        "catechol_A(92)": "",
        "indol_3yl_alk(461)": "",
        "het_thio_666_A(13)": "",
        "styrene_A(13)": "",
        "styrene_B(8)": "",
        "anil_di_alk_A(478)": "",
        "anil_di_alk_B(251)": "",
        "anil_di_alk_C(246)": "",
        "anil_di_alk_D(198)": "",
        "anil_di_alk_E(186)": "",
    }
)
"""Name of a soft alert to the SMARTS inside which it is soft; empty means anywhere."""


@final
@dataclass(frozen=True)
class Alert:
    """An entry of RDKit's catalogues."""

    catalogue: str
    """PAINS or BRENK."""
    name: str
    """What the catalogue calls it."""
    entry: Any
    """RDKit's entry."""
    pattern: Chem.Mol | None
    """Its pattern; None if that cannot be read, so that the entry is always tried."""


@cache
def every_alert() -> tuple[Alert, ...]:
    """Alerts of all catalogues, in their order."""
    found = []
    for catalogue in CATALOGUES:
        params = FilterCatalogParams()
        params.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, catalogue))
        entries = FilterCatalog(params)
        for k in range(entries.GetNumEntries()):
            entry = entries.GetEntryWithIdx(k)
            found.append(Alert(catalogue, entry.GetDescription(), entry, _pattern(entry)))
    return tuple(found)


@cache
def _screen() -> Screen:
    return Screen([alert.pattern for alert in every_alert()])


def _pattern(entry: Any) -> Chem.Mol | None:
    """Pattern inside an entry of a catalogue; None if it cannot be read."""
    text = entry.Serialize()
    start = text.find(_MAGIC)
    with suppress(ValueError, RuntimeError, IndexError):
        n_bytes = int(text[:start].split()[-1])
        return Chem.Mol(text[start : start + n_bytes])
    return None


def alert_matches(
    mol: Chem.Mol,
    catalogues: Sequence[str] = CATALOGUES,
    possible: Iterable[int] | None = None,
    leave_out: Collection[str] = (),
) -> Matches:
    """Alerts that a molecule raises, and where.

    Args:
        mol: the molecule.
        catalogues: PAINS, BRENK or both.
        possible: indices of `every_alert` that a screen lets pass; None means to screen.
        leave_out: names of alerts not to look for.

    Raises:
        InputError: a catalogue of another name.
    """
    unknown = [c for c in catalogues if c not in CATALOGUES]
    if unknown:
        raise InputError(f"`catalogues` must be among {', '.join(CATALOGUES)}; got {unknown[0]!r}.")
    found: dict[str, tuple[frozenset[int], ...]] = {}
    if not catalogues:
        return found
    for k in _screen().possible(mol) if possible is None else possible:
        alert = every_alert()[k]
        if alert.catalogue not in catalogues or alert.name in leave_out:
            continue
        if alert.entry.HasFilterMatch(mol):
            found[alert.name] = (*found.get(alert.name, ()), *_places(mol, alert))
    return found


def _places(mol: Chem.Mol, alert: Alert) -> Iterator[frozenset[int]]:
    """Atoms of each place where a molecule raises an alert; of one place if the pattern is unknown."""
    if alert.pattern is not None:
        yield from map(frozenset, mol.GetSubstructMatches(alert.pattern))
    else:
        for match in alert.entry.GetFilterMatches(mol):
            yield frozenset(pair.target for pair in match.atomPairs)


def alerts(mol: Chem.Mol, catalogues: Sequence[str] = CATALOGUES) -> frozenset[str]:
    """Names of the alerts that a molecule raises.

    Args:
        mol: the molecule.
        catalogues: PAINS, BRENK or both.

    Raises:
        InputError: a catalogue of another name.
    """
    return frozenset(alert_matches(mol, catalogues))


def has_alert(mol: Chem.Mol) -> bool:
    """Whether a molecule raises any alert."""
    return bool(alert_matches(mol))


def is_soft(mol: Chem.Mol, name: str, atoms: frozenset[int]) -> bool:
    """Whether an alert that a molecule raises at some atoms is soft there."""
    if name not in SOFT_ALERTS:
        return False
    pattern = _soft_pattern(name)
    return pattern is None or any(atoms <= set(place) for place in mol.GetSubstructMatches(pattern))


@cache
def _soft_pattern(name: str) -> Chem.Mol | None:
    return Chem.MolFromSmarts(SOFT_ALERTS[name]) if SOFT_ALERTS[name] else None
