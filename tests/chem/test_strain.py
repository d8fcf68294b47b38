import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.strain import bridgehead_alkenes, strained_sites, trans_fusions

TAXANE = "CC1=C2C(C)(C)C(CC1)CC1CCCCC1CC2"


@pytest.mark.parametrize(
    ("smiles", "bond"),
    [("C1=C2CCC(C1)C2", (1, 0)), ("C1=C2CCCC(C1)C2", (1, 0)), ("C1C=C2CCC1CC2", (2, 1))],
)
def test_a_small_bicycle_bears_no_double_bond_at_its_bridgehead(smiles, bond):
    assert bridgehead_alkenes(Chem.MolFromSmiles(smiles)) == [bond]


@pytest.mark.parametrize(
    "smiles",
    ["C1=CC2CCC1C2", "C1=C2CCCCC2CCC1", "C1=C2CCCC2CC1", "C=C1C2CCC1CC2", TAXANE, "c1ccc2c(c1)C1CCC2C1"],
)
def test_other_double_bonds_of_polycycles_are_none_of_its_business(smiles):
    assert bridgehead_alkenes(Chem.MolFromSmiles(smiles)) == []


@pytest.mark.parametrize(
    ("smiles", "is_trans"),
    [
        ("F[C@]12CC[C@H]1C2", False),
        ("F[C@]12CC[C@@H]1C2", True),
        ("F[C@@]12CC[C@H]1C2", True),
        ("C[C@]12C[C@@]1(F)O2", None),
        ("FC12CCC1C2", False),
        ("C1CC[C@@H]2C[C@H]2C1", False),  # trans, and kept by a ring of six
    ],
)
def test_small_rings_are_fused_cis(smiles, is_trans):
    mol = Chem.MolFromSmiles(smiles)
    mirror = Chem.MolFromSmiles(smiles.replace("@@", "#").replace("@", "@@").replace("#", "@"))
    assert bool(trans_fusions(mol)) == bool(trans_fusions(mirror))
    if is_trans is not None:
        assert bool(trans_fusions(mol)) == is_trans


def test_one_of_the_two_fusions_of_a_bicyclobutane_is_trans():
    found = [
        bool(trans_fusions(Chem.MolFromSmiles(f"C[C{a}]12C[C{b}]1(F)O2")))
        for a in ("@", "@@")
        for b in ("@", "@@")
    ]
    assert sorted(found) == [False, False, True, True]


def test_no_drug_is_strained_so():
    assert not [n for n, s in drugs().items() if list(strained_sites(Chem.MolFromSmiles(s)))]
