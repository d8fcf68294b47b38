"""Read what a decoder writes: SMILES that may spell no molecule at all."""

from __future__ import annotations

from rdkit import Chem, rdBase

MAX_ATOMS = 100
"""Decodes with more heavy atoms are not read."""


def decoded_molecule(smiles: str) -> Chem.Mol | None:
    """Molecule that a decoded SMILES spells; None if it spells none."""
    if not smiles or len(smiles) > 10 * MAX_ATOMS:
        return None
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or not 1 <= mol.GetNumHeavyAtoms() <= MAX_ATOMS:
        return None
    return mol


def decoded_smiles(text: str) -> str:
    """Canonical SMILES of the molecule that a decoded SMILES spells; empty if it spells none."""
    mol = decoded_molecule(text)
    smiles = "" if mol is None else Chem.MolToSmiles(mol)
    # RDKit writes a few molecules, as some with odd aromatic rings, in a way that it cannot read.
    return smiles if decoded_molecule(smiles) is not None else ""
