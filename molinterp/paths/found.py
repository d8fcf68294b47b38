"""What a search hands on: molecules of a path with their terms, and the changes between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from rdkit import Chem

from molinterp.chem.changes import Change


@final
@dataclass(frozen=True)
class FoundMolecule:
    """A molecule of a path that was found."""

    smiles: str
    """Canonical SMILES, stereo included."""
    mol: Chem.Mol
    """The molecule, read from its SMILES."""
    origin: str
    """Where it came from: end, hybrid, curve, neighbourhood, edit or library."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """λ terms by name, weighted, dimensionless, none negative."""
    fault: str | None = None
    """Name of the first filter that it fails between these ends; None if it passes."""

    @property
    def weight(self) -> float:
        """λ, dimensionless, at least 1."""
        return 1.0 + sum(self.terms.values())


@final
@dataclass(frozen=True)
class FoundPath:
    """A path that was found."""

    molecules: tuple[FoundMolecule, ...]
    """Molecules in order, the two ends included."""
    changes: tuple[Change, ...] = ()
    """Change of each step under a map of atoms in the order of their SMILES; empty if none was taken."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the search."""
    is_bridged: bool = True
    """Whether every step is as small as was asked: readable, or as similar as the model's paths must be."""
