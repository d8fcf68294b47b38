"""Molecules and shorthands of the tests of edits."""

from rdkit import Chem

from molinterp.chem.edits import Goal

ASPIRIN, IBUPROFEN = (Chem.MolFromSmiles(s) for s in ("CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"))
ESTRADIOL = Chem.MolFromSmiles("C[C@]12CC[C@H]3[C@@H](CCc4cc(O)ccc34)[C@@H]1CC[C@@H]2O")


def mol(smiles: str) -> Chem.Mol:
    return Chem.MolFromSmiles(smiles)


def canonical(*smiles: str) -> set[str]:
    return {Chem.CanonSmiles(s) for s in smiles}


def to(goal: Chem.Mol, joined: set[tuple[str, str]] | None = None) -> Goal:
    """A goal that lets products of any size pass."""
    return Goal(goal, range(1, 200), joined)


def texts(*several) -> list[str]:
    return [product.smiles for found in several for product in found]
