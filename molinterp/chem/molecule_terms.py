"""Terms of λ that are computed on the molecule itself: how far its properties leave those of the two ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import final

from rdkit import Chem

from molinterp.chem.filters import qed_dip
from molinterp.chem.properties import logp, mw, qed, tpsa

SCALES: Mapping[str, float] = MappingProxyType({"logp": 1.0, "tpsa": 25.0, "mw": 50.0})
"""Distances outside the range of the two ends that count as 1, in the units of the properties."""
_PROPERTIES: Mapping[str, Callable[[Chem.Mol], float]] = MappingProxyType(
    {"logp": logp, "tpsa": tpsa, "mw": mw}
)


@final
class MoleculeTerms:
    """Terms of λ on molecules between two ends."""

    def __init__(self, start: Chem.Mol, end: Chem.Mol, weights: Mapping[str, float]) -> None:
        """Note the properties of the ends.

        Args:
            start: one end.
            end: the other.
            weights: weights of the terms `range` and `qed`.
        """
        self._weights = weights
        values = [{name: f(m) for name, f in _PROPERTIES.items()} for m in (start, end)]
        self._ranges = {name: sorted(v[name] for v in values) for name in _PROPERTIES}
        self._least_qed = min(qed(start), qed(end))

    def range(self, mol: Chem.Mol) -> float:
        """Mean distance, in SCALES, by which properties leave the range of the two ends, weighted."""
        outside = [
            # Rounded: equal properties of different molecules differ in their last bits.
            round(max(self._ranges[name][0] - value, value - self._ranges[name][1], 0.0) / SCALES[name], 9)
            for name, f in _PROPERTIES.items()
            for value in (f(mol),)
        ]
        return self._weights["range"] * sum(outside) / len(outside)

    def qed(self, mol: Chem.Mol) -> float:
        """Depth of QED below the lower end's less a tolerance, weighted; takes milliseconds."""
        return self._weights["qed"] * qed_dip(mol, self._least_qed)
