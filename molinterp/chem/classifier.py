"""Classify molecules: ECFP4 counts and descriptors in, a calibrated probability out.

The log-odds are the mean of a linear model and boosted trees. Both are fitted by
`molinterp.training.classifiers` and evaluated here with numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors

N_COUNTS = 1024
"""Number of hashed ECFP4 counts."""
N_DESCRIPTORS = 14
_generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=N_COUNTS)

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]


def classifier_inputs(mols: Sequence[Chem.Mol]) -> Floats:
    """Compute log(1 + count) of 1,024 hashed ECFP4 environments, then 14 descriptors: (n, 1038) float32."""
    out = np.zeros((len(mols), N_COUNTS + N_DESCRIPTORS), np.float32)
    for row, mol in zip(out, mols, strict=True):
        row[:N_COUNTS] = np.log1p(_generator.GetCountFingerprintAsNumPy(mol))
        row[N_COUNTS:] = _descriptors(mol)
    return out


def _descriptors(mol: Chem.Mol) -> list[float]:
    r = rdMolDescriptors
    return [
        Descriptors.MolWt(mol),  # type: ignore[attr-defined]
        Crippen.MolLogP(mol),  # type: ignore[attr-defined]
        Crippen.MolMR(mol),  # type: ignore[attr-defined]
        r.CalcTPSA(mol),
        r.CalcNumHBD(mol),
        r.CalcNumHBA(mol),
        r.CalcNumRotatableBonds(mol),
        r.CalcNumRings(mol),
        r.CalcNumAromaticRings(mol),
        r.CalcFractionCSP3(mol),
        mol.GetNumHeavyAtoms(),
        Chem.GetFormalCharge(mol),
        r.CalcNumHeteroatoms(mol),
        r.CalcLabuteASA(mol),
    ]


@final
@dataclass(frozen=True)
class Trees:
    """A sum of regression trees, stored in flat arrays."""

    roots: Integers
    """(n_trees,), the root node of each tree."""
    column: Integers
    """(n_nodes,), the input that a node tests."""
    threshold: Floats
    """(n_nodes,); an input up to the threshold leads to the left child."""
    left: Integers
    """(n_nodes,), the left child; a leaf is its own child."""
    right: Integers
    """(n_nodes,), the right child, likewise."""
    value: Floats
    """(n_nodes,), the contribution of a leaf."""
    depth: int
    """Number of edges from a root to the deepest leaf."""

    def __call__(self, inputs: Floats) -> Floats:
        """Sum the trees (n,) for inputs (n, n_columns)."""
        node = np.repeat(self.roots[None], len(inputs), 0)
        rows = np.arange(len(inputs))[:, None]
        for _ in range(self.depth):
            goes_left = inputs[rows, self.column[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return np.asarray(self.value[node].sum(1), np.float32)


@final
@dataclass(frozen=True)
class MoleculeClassifier:
    """A calibrated classifier of one property of molecules."""

    name: str
    """Name in the feature language."""
    mean: Floats
    """(n_columns,), subtracted from the inputs of the linear model."""
    scale: Floats
    """(n_columns,), divisor of the inputs of the linear model."""
    coefficients: Floats
    """(n_columns,), coefficients of the linear model."""
    intercepts: Floats
    """(2,), intercepts of the linear model and of the trees."""
    trees: Trees
    """The boosted trees."""
    calibration: Floats
    """(2,), a and b of log-odds = a raw + b, where raw is the mean of the two models."""
    facts: Mapping[str, Any]
    """Record of the training: size, ROC-AUC, calibration error, versions."""

    def log_odds(self, mols: Sequence[Chem.Mol]) -> Floats:
        """Compute the calibrated log-odds (n,) that each molecule has the property."""
        return self.of_inputs(classifier_inputs(mols))

    def of_inputs(self, inputs: Floats) -> Floats:
        """Compute the same from the output of `classifier_inputs`, (n, 1038) -> (n,)."""
        linear = ((inputs - self.mean) / self.scale) @ self.coefficients + self.intercepts[0]
        raw = 0.5 * linear + 0.5 * (self.trees(inputs) + self.intercepts[1])
        return np.asarray(self.calibration[0] * raw + self.calibration[1], np.float32)

    def probability(self, mols: Sequence[Chem.Mol]) -> Floats:
        """Compute the probability (n,) that each molecule has the property."""
        return np.asarray(1 / (1 + np.exp(-self.log_odds(mols))), np.float32)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all arrays by name, in the smallest types that keep their values, for a safetensors file."""
        t = self.trees
        return {
            "mean": self.mean,
            "scale": self.scale,
            "coefficients": self.coefficients,
            "intercepts": self.intercepts,
            "calibration": self.calibration,
            "roots": t.roots,
            "column": t.column.astype(np.int16),
            "threshold": t.threshold,
            "left": t.left,
            "right": t.right,
            "value": t.value,
            "depth": np.array([t.depth], np.int32),
        }

    @classmethod
    def from_arrays(
        cls, name: str, arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]
    ) -> MoleculeClassifier:
        """Restore a classifier from `to_arrays`.

        Raises:
            KeyError: an array is missing.
            ValueError: a tree refers to a node or an input that does not exist.
        """
        trees = Trees(
            roots=arrays["roots"],
            column=arrays["column"].astype(np.int32),
            threshold=arrays["threshold"],
            left=arrays["left"],
            right=arrays["right"],
            value=arrays["value"],
            depth=int(arrays["depth"][0]),
        )
        nodes = [trees.roots, trees.left, trees.right]
        if not all(((0 <= part) & (part < len(trees.value))).all() for part in nodes):
            raise ValueError("a tree leads to a node that does not exist")
        if (
            not ((0 <= trees.column) & (trees.column < len(arrays["mean"]))).all()
            or not 0 <= trees.depth < 1000
        ):
            raise ValueError("a tree tests an input that does not exist")
        parts = ("mean", "scale", "coefficients", "intercepts", "calibration")
        return cls(name=name, trees=trees, facts=dict(facts), **{p: arrays[p] for p in parts})
