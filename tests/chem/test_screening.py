"""The screen spares work and drops no pattern that matches."""

import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.screening import Screen, bond_kinds
from molinterp.chem.unstable_table import UNSTABLE

SMILES = [*drugs().values(), *(s for group in UNSTABLE for s in group.examples)]
SMARTS = [
    "[#6]",
    "[N+]",
    "C=O",
    "c1ccccc1",
    "[$([CH2]),$([CH1][CX4])]=[CX3]",
    "[NX3;H2;!$(N-C=O)]c",
    "*1[O,N,S]*1",
    "C-!@N",
    "[R2]~[R2]",
    "[C;r5]=[C;r5]",
    "[!#6;!#1]~[!#6;!#1]",
    "[SX4](=O)(=O)",
    "C#C",
    "[nH]",
    "a12aa3a(aa1aaaa2)aaaa3",
    "[x3]",
    "O.N",
]


@pytest.mark.parametrize("smarts", SMARTS)
def test_what_matches_is_possible(smarts):
    query = Chem.MolFromSmarts(smarts)
    screen = Screen([query])
    for smiles in SMILES:
        mol = Chem.MolFromSmiles(smiles)
        if mol.HasSubstructMatch(query):
            assert screen.possible(mol) == [0], smiles


@pytest.mark.parametrize(
    ("smarts", "smiles"),
    [
        ("C#C", "CC=C"),
        ("C1CC1", "CCC"),
        ("[OH]c", "COc1ccccc1"),
        ("[OX2H]", "COC"),
        ("C=C.C=C", "C=CC"),
        ("N-N", "NCN"),
        ("[N;R]", "CCN"),
    ],
)
def test_what_lacks_a_bond_is_not(smarts, smiles):
    assert Screen([Chem.MolFromSmarts(smarts)]).possible(Chem.MolFromSmiles(smiles)) == []


def test_an_unknown_pattern_is_always_possible():
    assert Screen([None, Chem.MolFromSmarts("C#C")]).possible(Chem.MolFromSmiles("CC")) == [0]


@pytest.mark.parametrize("smiles", ["C", "[Na+].[Cl-]"])
def test_no_pattern_is_dropped_where_there_is_no_bond(smiles):
    screen = Screen([Chem.MolFromSmarts(s) for s in SMARTS])
    assert screen.possible(Chem.MolFromSmiles(smiles)) == list(range(len(SMARTS)))


def test_kinds_may_be_handed_in():
    mol = Chem.MolFromSmiles(drugs()["morphine"])
    screen = Screen([Chem.MolFromSmarts(s) for s in SMARTS])
    assert screen.possible(mol, bond_kinds(mol)) == screen.possible(mol)
