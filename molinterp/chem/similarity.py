"""ECFP4 fingerprints and Tanimoto similarity; Murcko scaffolds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold
from rdkit.DataStructs import BitVectToBinaryText, ExplicitBitVect, TanimotoSimilarity

Words = npt.NDArray[np.uint64]

N_BITS = 2048
_generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=N_BITS)


def ecfp4(mol: Chem.Mol) -> Any:
    """Compute the Morgan fingerprint of radius 2 with 2,048 bits, as RDKit's bit vector.

    Rogers and Hahn, Extended-Connectivity Fingerprints, J. Chem. Inf. Model. 2010.
    """
    return _generator.GetFingerprint(mol)


def ecfp4_array(mol: Chem.Mol) -> npt.NDArray[np.uint8]:
    """Compute the same fingerprint as an array of 0 and 1, shape (2048,)."""
    return _generator.GetFingerprintAsNumPy(mol)


def tanimoto(a: Chem.Mol, b: Chem.Mol) -> float:
    """Compute the Tanimoto similarity of two molecules on ECFP4, in [0, 1]; 1 for equal fingerprints.

    >>> tanimoto(Chem.MolFromSmiles("CCO"), Chem.MolFromSmiles("OCC"))
    1.0
    """
    return float(TanimotoSimilarity(ecfp4(a), ecfp4(b)))


def packed(fingerprint: ExplicitBitVect) -> Words:
    """Pack the bits of a fingerprint into 64-bit words, (32,)."""
    return np.frombuffer(BitVectToBinaryText(fingerprint), np.uint64)


def tanimoto_rows(bits: Words, rows: Words, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Compute the Tanimoto similarities (n,) of one packed fingerprint with many.

    Args:
        bits: the one fingerprint, (32,).
        rows: the many fingerprints, (n, 32).
        counts: number of bits set in each row, (n,).
    """
    common = np.bitwise_count(rows & bits).sum(1, dtype=np.int64)
    either = counts + int(np.bitwise_count(bits).sum()) - common
    return np.asarray(common / np.maximum(either, 1))


def murcko_scaffold(mol: Chem.Mol) -> str:
    """Return the canonical SMILES of the Bemis-Murcko scaffold; empty for a molecule without rings.

    Bemis and Murcko, The Properties of Known Drugs, J. Med. Chem. 1996.
    """
    return str(Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol)))
