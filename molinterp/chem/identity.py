"""Identity of a compound: its SMILES without stereo and isotopes, and the split that a hash of it gives."""

from __future__ import annotations

import hashlib
import re

from rdkit import Chem

_isotope = re.compile(r"\[\d")


def without_stereo(smiles: str) -> str:
    """Canonical SMILES without stereo and isotopes of a molecule's canonical SMILES."""
    return smiles if _has_neither(smiles) else _flat(Chem.MolFromSmiles(smiles))


def flat_smiles(smiles: str, mol: Chem.Mol) -> str:
    """Canonical SMILES without stereo and isotopes of a molecule whose canonical SMILES is known."""
    return smiles if _has_neither(smiles) else _flat(mol)


def hashed_split(smiles: str) -> str:
    """Split of a molecule, train, valid or test, by a hash that holds out 1 % and 1 %.

    Its stereo has no say: the mirror image of a compound is no test of what was learnt of it.

    Args:
        smiles: canonical SMILES, as `molinterp.chem.standardise` writes them.
    """
    share = int.from_bytes(hashlib.sha256(without_stereo(smiles).encode()).digest()[:4], "big") % 100
    return {0: "valid", 1: "test"}.get(share, "train")


def _has_neither(smiles: str) -> bool:
    return not any(mark in smiles for mark in "@/\\") and not _isotope.search(smiles)


def _flat(mol: Chem.Mol) -> str:
    smiles = str(Chem.MolToSmiles(mol, isomericSmiles=False))
    # A hydrogen on which stereo hangs is written out until the molecule is read without it.
    return str(Chem.CanonSmiles(smiles)) if "[H]" in smiles else smiles
