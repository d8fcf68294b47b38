from random import Random

import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.edits import crossings, exchanges, openings, pieces, reductions, swaps

ASPIRIN, IBUPROFEN = (Chem.MolFromSmiles(s) for s in ("CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"))
ESTRADIOL = Chem.MolFromSmiles("C[C@]12CC[C@H]3[C@@H](CCc4cc(O)ccc34)[C@@H]1CC[C@@H]2O")
ANY_SIZE = range(1, 200)


def mol(smiles: str) -> Chem.Mol:
    return Chem.MolFromSmiles(smiles)


def canonical(*smiles: str) -> set[str]:
    return {Chem.CanonSmiles(s) for s in smiles}


def products(a: Chem.Mol, b: Chem.Mol) -> list[str]:
    return texts(exchanges(a, b, ANY_SIZE), reductions(a), swaps(a))


def texts(*several) -> list[str]:
    return [product.smiles for found in several for product in found]


DRUGS = [mol(s) for s in list(drugs().values())[:40]]


@pytest.mark.parametrize("k", range(0, 40, 2))
def test_products_are_canonical_sane_single_molecules(k):
    for smiles in products(DRUGS[k], DRUGS[k + 1]):
        product = Chem.MolFromSmiles(smiles)
        assert product is not None, smiles
        assert Chem.MolToSmiles(product) == smiles
        assert "." not in smiles and "*" not in smiles
        assert not any(a.GetNumRadicalElectrons() for a in product.GetAtoms()), smiles


@pytest.mark.parametrize("generate", [lambda m: exchanges(m, IBUPROFEN, ANY_SIZE), reductions, swaps])
def test_each_product_comes_once(generate):
    found = texts(generate(ESTRADIOL))
    assert len(set(found)) == len(found)


def test_the_order_of_atoms_does_not_matter():
    other = mol("OC(=O)c1ccccc1OC(C)=O")
    assert sorted(products(ASPIRIN, IBUPROFEN)) == sorted(products(other, IBUPROFEN))


def test_pieces_of_a_chain():
    found = {(Chem.MolToSmiles(p.mol).replace("[1*]", "*"), p.n_atoms) for p in pieces(mol("CCO"))}
    assert found == {("*C", 1), ("*CO", 2), ("*O", 1), ("*CC", 2)}


def test_rings_are_not_cut_and_double_bonds_neither():
    assert pieces(mol("c1ccccc1")) == ()
    assert pieces(mol("C=C")) == ()


def test_openings_are_the_kinds_of_atoms_with_hydrogen():
    assert len(openings(mol("Cc1ccccc1"))) == 4
    assert len(openings(mol("FC(F)(F)F"))) == 0


def test_exchange_swaps_the_two_sides_of_a_bond():
    found = set(texts(exchanges(mol("CCCCc1ccccc1"), mol("CF"), ANY_SIZE)))
    # The phenyl side keeps 6 of 10 atoms, enough to take a fluorine or a methyl for the chain.
    assert canonical("Fc1ccccc1", "CCCCF", "CCCCc1ccccc1F") - found == canonical("CCCCF")


def test_graft_puts_a_piece_on_a_hydrogen():
    assert canonical("Fc1ccccc1", "Cc1ccccc1") == set(texts(exchanges(mol("c1ccccc1"), mol("CF"), ANY_SIZE)))


def test_pieces_that_were_joined_are_not_joined_again():
    butylbenzene, pentylbenzene = mol("CCCCc1ccccc1"), mol("CCCCCc1ccccc1")
    joined: set[tuple[str, str]] = set()
    first = texts(exchanges(butylbenzene, IBUPROFEN, ANY_SIZE, joined=joined))
    assert first == texts(exchanges(butylbenzene, IBUPROFEN, ANY_SIZE)) and joined
    assert texts(exchanges(butylbenzene, IBUPROFEN, ANY_SIZE, joined=joined)) == []
    # A longer chain shares pieces with a shorter one: what is left out was found there.
    whole = set(texts(exchanges(pentylbenzene, IBUPROFEN, ANY_SIZE)))
    rest = set(texts(exchanges(pentylbenzene, IBUPROFEN, ANY_SIZE, joined=joined)))
    assert rest < whole and whole - rest <= set(first)


def test_sizes_are_kept_to():
    for smiles in texts(exchanges(ASPIRIN, IBUPROFEN, range(12, 15))):
        assert mol(smiles).GetNumHeavyAtoms() in range(12, 15)


def test_a_pyrrole_nitrogen_takes_a_graft_and_gives_it_back():
    assert Chem.CanonSmiles("Cn1cccc1") in set(texts(exchanges(mol("c1cc[nH]c1"), mol("CF"), ANY_SIZE)))
    assert Chem.CanonSmiles("c1cc[nH]c1") in set(texts(reductions(mol("Cn1cccc1"))))


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
    assert Chem.CanonSmiles(wanted) in set(texts(reductions(mol(smiles))))


def test_reductions_are_never_larger():
    n = ESTRADIOL.GetNumHeavyAtoms()
    assert all(mol(s).GetNumHeavyAtoms() <= n for s in texts(reductions(ESTRADIOL)))


@pytest.mark.parametrize(
    ("smiles", "wanted"),
    [("c1ccccc1", "c1ccncc1"), ("CO", "CC"), ("CCl", "CF"), ("CC=C", "CCC"), ("c1ccsc1", "c1ccoc1")],
)
def test_swaps_that_a_chemist_would_name(smiles, wanted):
    found = set(texts(swaps(mol(smiles))))
    if smiles == "c1ccsc1":
        # Sulphur for oxygen goes by way of oxygen's own swaps.
        assert Chem.CanonSmiles("c1ccsc1") in set(texts(swaps(mol("c1ccoc1"))))
    else:
        assert Chem.CanonSmiles(wanted) in found


def test_swaps_keep_the_number_of_heavy_atoms():
    assert {mol(s).GetNumHeavyAtoms() for s in texts(swaps(ESTRADIOL))} == {ESTRADIOL.GetNumHeavyAtoms()}


def test_stereo_away_from_the_edit_is_kept():
    found = set(texts(reductions(mol("C[C@H](N)C(=O)NCCC"))))
    assert Chem.CanonSmiles("C[C@H](N)C(=O)NCC") in found
    assert Chem.CanonSmiles("C[C@@H](N)C(=O)NCC") not in found


def test_crossings_share_out_the_atoms_of_both():
    for seed in range(20):
        found = list(crossings(ASPIRIN, IBUPROFEN, Random(seed)))
        atoms = [p.mol.GetNumHeavyAtoms() for p in found]
        # Two products alike come once.
        assert sum(atoms) == 28 or len(set(texts(found))) < 2
        assert all(Chem.CanonSmiles(s) == s for s in texts(found))


def test_crossings_of_two_chains_are_known():
    # Methanol and methylamine, one bond each.
    found = {frozenset(texts(crossings(mol("CO"), mol("CN"), Random(s)))) for s in range(20)}
    assert found == {frozenset({"CN", "CO"}), frozenset({"CC", "NO"})}


def test_what_has_no_chain_gives_no_crossing():
    assert list(crossings(mol("c1ccccc1"), ASPIRIN, Random(0))) == []
