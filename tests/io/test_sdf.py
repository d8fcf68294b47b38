import pandas as pd
import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.io.sdf import sdf_text
from tests.molecules import DRUGS

ARTEMISININ = "C[C@@H]1CC[C@H]2[C@@H](C)C(=O)O[C@@H]3O[C@@]4(C)CC[C@@H]1[C@]32OO4"
"""A bridge that RDKit's own layout draws across a stereocentre."""


def blocks(*smiles: str) -> list[str]:
    """SMILES that the records of an SD file come back as, read from their atoms and bonds alone."""
    table = pd.DataFrame({"step": range(len(smiles)), "name": "", "smiles": smiles})
    supplier = Chem.SDMolSupplier()
    supplier.SetData(sdf_text(table))
    return [Chem.MolToSmiles(mol) for mol in supplier]


@pytest.mark.parametrize("smiles", [ARTEMISININ, "C/C=C\\C", "C[S@](=O)c1ccccc1", *DRUGS.values()])
def test_a_record_bears_the_stereo_of_its_molecule(smiles):
    assert blocks(smiles) == [Chem.CanonSmiles(smiles)]


def test_so_does_every_drug_that_ships():
    smiles = list(drugs().values())
    assert blocks(*smiles) == [Chem.CanonSmiles(s) for s in smiles]
