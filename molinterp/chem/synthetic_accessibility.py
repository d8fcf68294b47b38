"""Synthetic accessibility score, from fragments that are counted once for several purposes.

Ertl and Schuffenhauer, Estimation of Synthetic Accessibility Score of Drug-like Molecules Based on Molecular
Complexity and Fragment Contributions, J. Cheminformatics 2009; as `rdkit.Contrib.SA_Score` computes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import repeat
from math import log, log10
from operator import mul
from typing import final

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors
from rdkit.Contrib.SA_Score import sascorer

from molinterp.chem.environments import environment_counts
from molinterp.chem.screening import BondKinds, Kind

UNKNOWN_FRAGMENT = -4.0
"""Contribution of a fragment that the score's own compounds lack."""
RAW_RANGE = (-4.0, 2.5)
"""Hardest and easiest raw score, which become 10 and 1."""
LARGE_RING = 8
"""Atoms of the largest ring that is no macrocycle."""


def sa_score(mol: Chem.Mol, counts: Mapping[int, int] | None = None) -> float:
    """Synthetic accessibility, from 1 (easy) to 10 (hard).

    Args:
        mol: the molecule.
        counts: what `environment_counts` says of it; None means to ask.
    """
    parts = _parts(mol, environment_counts(mol) if counts is None else counts)
    return _score(parts, _n_centres(mol))


@final
class Accessibility:
    """Synthetic accessibility of a molecule, whose stereocentres are looked for only if they decide."""

    def __init__(self, mol: Chem.Mol, counts: Mapping[int, int], kinds: BondKinds) -> None:
        """Take what is quickly told.

        Args:
            mol: the molecule.
            counts: what `environment_counts` says of it.
            kinds: what `bond_kinds` says of it.
        """
        self._mol, self._parts = mol, _parts(mol, counts)
        self._most_centres = most_centres(mol, kinds)

    @cached_property
    def score(self) -> float:
        """The score, from 1 (easy) to 10 (hard)."""
        return _score(self._parts, _n_centres(self._mol) if self._most_centres else 0)

    def is_within(self, limit: float) -> bool:
        """Whether the score is at most `limit`."""
        if _score(self._parts, 0) > limit:
            return False
        return _score(self._parts, self._most_centres) <= limit or self.score <= limit


def _n_centres(mol: Chem.Mol) -> int:
    return len(Chem.FindMolChiralCenters(mol, includeUnassigned=True))


def most_centres(mol: Chem.Mol, kinds: BondKinds) -> int:
    """Number of atoms that may be stereocentres, of which some may be none."""
    likely = {i for i, degree in enumerate(kinds.degrees) if degree > 2 and not kinds.atoms[i][4]}
    leaves: dict[int, list[Kind]] = {i: [] for i in likely}
    for i, j, _ in kinds.bonds if likely else ():
        for centre, other in ((i, j), (j, i)):
            if centre in likely and kinds.degrees[other] == 1:
                leaves[centre].append(kinds.atoms[other])
    n_centres = 0
    for i in likely:
        _, valence, n_rings, _, _ = kinds.atoms[i]
        degree, number = kinds.degrees[i], mol.GetAtomWithIdx(i).GetAtomicNum()
        is_flat = number == 6 and valence != degree or number == 7 and degree == 3 and not n_rings
        # As the carbon of a trifluoromethyl group.
        has_twins = number == 6 and len(set(leaves[i])) < len(leaves[i])
        n_centres += not (is_flat or has_twins)
    return n_centres


@cache
def _contributions() -> Mapping[int, float]:
    sascorer.readFragmentScores()
    scores: Mapping[int, float] = sascorer._fscores
    return scores


@final
@dataclass(frozen=True)
class _Parts:
    """What a score is made of, but for the stereocentres."""

    fragments: float
    """Mean contribution of the fragments."""
    size: float
    """Penalty of size."""
    rings: tuple[float, float, float]
    """Penalties of spiro atoms, bridgeheads and macrocycles."""
    symmetry: float
    """Bonus of symmetry: fewer kinds of fragments than atoms."""


def _parts(mol: Chem.Mol, counts: Mapping[int, int]) -> _Parts:
    contributions = map(_contributions().get, counts, repeat(UNKNOWN_FRAGMENT))
    n_fragments, total = sum(counts.values()), sum(map(mul, contributions, counts.values()))
    n_atoms, info = mol.GetNumAtoms(), mol.GetRingInfo()
    has_macrocycle = info.NumRings() > 0 and any(len(ring) > LARGE_RING for ring in info.AtomRings())
    return _Parts(
        total / n_fragments,
        n_atoms**1.005 - n_atoms,
        (
            log10(rdMolDescriptors.CalcNumSpiroAtoms(mol) + 1),
            log10(rdMolDescriptors.CalcNumBridgeheadAtoms(mol) + 1),
            log10(2) if has_macrocycle else 0.0,
        ),
        log(n_atoms / len(counts)) * 0.5 if n_atoms > len(counts) else 0.0,
    )


def _score(parts: _Parts, n_centres: int) -> float:
    """Score from 1, easy, to 10, hard."""
    spiro, bridge, macrocycle = parts.rings
    penalty = 0.0 - parts.size - log10(n_centres + 1) - spiro - bridge - macrocycle
    low, high = RAW_RANGE
    score = 11.0 - (parts.fragments + penalty + parts.symmetry - low + 1) / (high - low) * 9.0
    if score > 8.0:
        score = 8.0 + log(score + 1.0 - 9.0)
    return min(max(score, 1.0), 10.0)
