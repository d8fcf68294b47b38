import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.edits import EDITS
from molinterp.chem.edits.products import pieces
from tests.chem.edits.examples import ASPIRIN, ESTRADIOL, IBUPROFEN, mol, texts, to

DRUGS = [mol(s) for s in list(drugs().values())[:40]]
each_edit = pytest.mark.parametrize("edit", EDITS, ids=lambda e: type(e).__name__)


@each_edit
@pytest.mark.parametrize("k", range(0, 40, 2))
def test_products_are_canonical_sane_single_molecules(k, edit):
    for smiles in texts(edit(DRUGS[k], to(DRUGS[k + 1]))):
        product = Chem.MolFromSmiles(smiles)
        assert product is not None, smiles
        assert Chem.MolToSmiles(product) == smiles
        assert "." not in smiles and "*" not in smiles
        assert not any(a.GetNumRadicalElectrons() for a in product.GetAtoms()), smiles


@each_edit
def test_each_product_comes_once(edit):
    found = texts(edit(ESTRADIOL, to(IBUPROFEN)))
    assert found and len(set(found)) == len(found)


@each_edit
def test_the_order_of_atoms_does_not_matter(edit):
    other = mol("OC(=O)c1ccccc1OC(C)=O")
    assert texts(edit(ASPIRIN, to(IBUPROFEN))) == texts(edit(other, to(IBUPROFEN)))


def test_pieces_of_a_chain():
    found = {(Chem.MolToSmiles(p.mol).replace("[1*]", "*"), p.n_atoms) for p in pieces(mol("CCO"))}
    assert found == {("*C", 1), ("*CO", 2), ("*O", 1), ("*CC", 2)}


def test_rings_are_not_cut_and_double_bonds_neither():
    assert pieces(mol("c1ccccc1")) == ()
    assert pieces(mol("C=C")) == ()
