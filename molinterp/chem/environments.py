"""Familiar atom environments: is a molecule made of pieces that real compounds have?

An *environment* is an atom with its neighbours out to a radius, named by its Morgan identifier. A
molecule is familiar when all its environments of radius up to 1, and all but a tenth of those of
radius up to 2, stand in at least five compounds of a reference set, or in the two ends of a path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

RADII = (1, 2)
MAX_UNFAMILIAR = 0.1
"""Largest share of unknown environments of radius 2 in a familiar molecule."""
MIN_COMPOUNDS = 5
"""Compounds of the reference set that an environment must stand in to be known."""
_generators = {r: rdFingerprintGenerator.GetMorganGenerator(radius=r) for r in RADII}

IdArray = npt.NDArray[np.uint32]


def environments(mol: Chem.Mol, radius: int) -> frozenset[int]:
    """Identifiers (32 bit) of the atom environments of a molecule, of radius 0 to `radius`.

    `radius` is 1 or 2.
    """
    fingerprint = _generators[radius].GetSparseFingerprint(mol)
    return frozenset([i & 0xFFFFFFFF for i in fingerprint.GetOnBits()])


def environment_counts(mol: Chem.Mol) -> Mapping[int, int]:
    """Identifiers (32 bit) of the atom environments of radius 0 to 2, and how often a molecule has each."""
    counts: Mapping[int, int] = _generators[2].GetSparseCountFingerprint(mol).GetNonzeroElements()
    return counts


@lru_cache(maxsize=16)
def _environments_of_end(end: Chem.Mol, radius: int) -> frozenset[int]:
    # Molecules are told apart by identity: the ends of a path are asked for again and again.
    return environments(end, radius)


@final
@dataclass(frozen=True)
class EnvironmentTable:
    """The environments that a reference set of compounds has."""

    known: Mapping[int, frozenset[int]]
    """Radius to identifiers."""

    def unfamiliar(self, mol: Chem.Mol, ends: Sequence[Chem.Mol] = ()) -> dict[int, float]:
        """Share of a molecule's environments that are unknown, by radius, in [0, 1].

        Those of `ends` count as known.
        """
        return {radius: self._share(mol, radius, ends) for radius in RADII}

    def is_familiar(
        self, mol: Chem.Mol, ends: Sequence[Chem.Mol] = (), far: Collection[int] | None = None
    ) -> bool:
        """Whether a molecule is made of known environments, those of `ends` included.

        Args:
            mol: the molecule.
            ends: molecules whose environments count as known.
            far: the molecule's environments of radius 0 to 2; None means to look for them.
        """
        own = environments(mol, 2) if far is None else far
        if self.known[2].issuperset(own):
            return True
        strange = self._strange(own, 2, ends)
        # Environments of radius 1 are among those of radius 2.
        if not strange:
            return True
        return len(strange) <= MAX_UNFAMILIAR * len(own) and not self._strange(environments(mol, 1), 1, ends)

    def unfamiliar_atoms(self, mol: Chem.Mol, ends: Sequence[Chem.Mol] = ()) -> tuple[int, ...]:
        """Atoms at the centre of an unknown environment, of radius 1 if there is one, else of radius 2."""
        for radius in RADII:
            strange = self._strange(environments(mol, radius), radius, ends)
            if strange:
                where = rdFingerprintGenerator.AdditionalOutput()
                where.AllocateBitInfoMap()
                _generators[radius].GetSparseFingerprint(mol, additionalOutput=where)
                places = where.GetBitInfoMap().items()
                return tuple(sorted({a for i, own in places if i & 0xFFFFFFFF in strange for a, _ in own}))
        return ()

    def _strange(self, own: Iterable[int], radius: int, ends: Sequence[Chem.Mol]) -> set[int]:
        strange = set(own) - self.known[radius]
        for end in ends if strange else ():
            strange -= _environments_of_end(end, radius)
        return strange

    def _share(self, mol: Chem.Mol, radius: int, ends: Sequence[Chem.Mol]) -> float:
        own = environments(mol, radius)
        return len(self._strange(own, radius, ends)) / max(1, len(own))

    def to_arrays(self) -> dict[str, IdArray]:
        """Sorted identifiers, one array a radius, named r1 and r2."""
        return {f"r{r}": np.array(sorted(self.known[r]), np.uint32) for r in RADII}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, IdArray]) -> EnvironmentTable:
        """The table that `to_arrays` described."""
        return cls({r: frozenset(arrays[f"r{r}"].tolist()) for r in RADII})

    @classmethod
    def fit(cls, mols: Iterable[Chem.Mol], min_compounds: int = MIN_COMPOUNDS) -> EnvironmentTable:
        """The environments that stand in at least `min_compounds` of `mols`."""
        counter = EnvironmentCounter()
        for mol in mols:
            counter.add(mol)
        return counter.table(min_compounds)


@final
class EnvironmentCounter:
    """Counts the compounds that have each environment."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: dict[int, Counter[int]] = {r: Counter() for r in RADII}

    def add(self, mol: Chem.Mol) -> None:
        """Count a compound."""
        for radius, counts in self._counts.items():
            counts.update(environments(mol, radius))

    def table(self, min_compounds: int = MIN_COMPOUNDS) -> EnvironmentTable:
        """Environments in at least `min_compounds` compounds."""
        return EnvironmentTable(
            {r: frozenset(i for i, n in c.items() if n >= min_compounds) for r, c in self._counts.items()}
        )
