"""Familiar atom environments: is a molecule made of pieces that real compounds have?

An *environment* is an atom with its neighbours out to a radius, named by its Morgan identifier. A
molecule is familiar when all its environments of radius up to 1, and all but a tenth of those of
radius up to 2, stand in at least five compounds of a reference set, or in the two ends of a path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

    def is_familiar(self, mol: Chem.Mol, ends: Sequence[Chem.Mol] = ()) -> bool:
        """Whether a molecule is made of known environments, those of `ends` included."""
        return self._share(mol, 1, ends) == 0.0 and self._share(mol, 2, ends) <= MAX_UNFAMILIAR

    def _share(self, mol: Chem.Mol, radius: int, ends: Sequence[Chem.Mol]) -> float:
        own = environments(mol, radius)
        strange = own - self.known[radius]
        for end in ends if strange else ():
            strange -= _environments_of_end(end, radius)
        return len(strange) / max(1, len(own))

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
        counts: dict[int, dict[int, int]] = {r: {} for r in RADII}
        for mol in mols:
            for radius, tally in counts.items():
                for i in environments(mol, radius):
                    tally[i] = tally.get(i, 0) + 1
        return cls({r: frozenset(i for i, n in t.items() if n >= min_compounds) for r, t in counts.items()})
