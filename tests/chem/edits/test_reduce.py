import pytest
from rdkit import Chem

from molinterp.chem.edits import Reduce
from tests.chem.edits.examples import ESTRADIOL, mol, texts

reduce = Reduce()


@pytest.mark.parametrize(
    ("smiles", "wanted"),
    [
        ("CCc1ccccc1", "Cc1ccccc1"),
        ("c1ccc2[nH]ccc2c1", "c1cc[nH]c1"),
        ("c1ccc2ccccc2c1", "c1ccccc1"),
        ("C1CCC2CCCCC2C1", "C1CCCCC1"),
        ("CC(=O)C", "CCC"),
        ("C1CCCCC1", "CCCCCC"),
        ("C1CCCCC1", "C1CCCC1"),
        ("CCOCC", "CCCC"),
    ],
)
def test_reductions_that_a_chemist_would_name(smiles, wanted):
    assert Chem.CanonSmiles(wanted) in set(texts(reduce(mol(smiles))))


def test_reductions_are_never_larger():
    n = ESTRADIOL.GetNumHeavyAtoms()
    assert all(mol(s).GetNumHeavyAtoms() <= n for s in texts(reduce(ESTRADIOL)))


def test_stereo_away_from_the_edit_is_kept():
    found = set(texts(reduce(mol("C[C@H](N)C(=O)NCCC"))))
    assert Chem.CanonSmiles("C[C@H](N)C(=O)NCC") in found
    assert Chem.CanonSmiles("C[C@@H](N)C(=O)NCC") not in found


def test_a_cut_leaves_the_share_of_atoms_asked_for():
    butylbenzene = mol("CCCCc1ccccc1")
    cut = {Chem.CanonSmiles("c1ccccc1"), Chem.CanonSmiles("CCCC")}
    assert cut & set(texts(reduce(butylbenzene))) == cut
    assert cut & set(texts(Reduce(min_overlap=0.5)(butylbenzene))) == {Chem.CanonSmiles("c1ccccc1")}


def test_a_ring_takes_small_substituents_along():
    toluic = mol("Cc1ccc2[nH]ccc2c1")
    pyrrole = Chem.CanonSmiles("c1cc[nH]c1")
    assert pyrrole in texts(reduce(toluic)) and pyrrole not in texts(Reduce(max_branch=0)(toluic))
