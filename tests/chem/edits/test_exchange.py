from random import Random

from rdkit import Chem

from molinterp.chem.edits import Exchange, Goal, Reduce, crossings
from molinterp.chem.edits.exchange import openings
from tests.chem.edits.examples import ASPIRIN, IBUPROFEN, canonical, mol, texts, to

exchange = Exchange()


def test_openings_are_the_kinds_of_atoms_with_hydrogen():
    assert len(openings(mol("Cc1ccccc1"))) == 4
    assert len(openings(mol("FC(F)(F)F"))) == 0


def test_exchange_swaps_the_two_sides_of_a_bond():
    found = set(texts(exchange(mol("CCCCc1ccccc1"), to(mol("CF")))))
    # The phenyl side keeps 6 of 10 atoms, enough to take a fluorine or a methyl for the chain.
    assert canonical("Fc1ccccc1", "CCCCF", "CCCCc1ccccc1F") - found == canonical("CCCCF")


def test_graft_puts_a_piece_on_a_hydrogen():
    assert canonical("Fc1ccccc1", "Cc1ccccc1") == set(texts(exchange(mol("c1ccccc1"), to(mol("CF")))))


def test_pieces_that_were_joined_are_not_joined_again():
    butylbenzene, pentylbenzene = mol("CCCCc1ccccc1"), mol("CCCCCc1ccccc1")
    joined: set[tuple[str, str]] = set()
    first = texts(exchange(butylbenzene, to(IBUPROFEN, joined)))
    assert first == texts(exchange(butylbenzene, to(IBUPROFEN))) and joined
    assert texts(exchange(butylbenzene, to(IBUPROFEN, joined))) == []
    # A longer chain shares pieces with a shorter one: what is left out was found there.
    whole = set(texts(exchange(pentylbenzene, to(IBUPROFEN))))
    rest = set(texts(exchange(pentylbenzene, to(IBUPROFEN, joined))))
    assert rest < whole and whole - rest <= set(first)


def test_sizes_are_kept_to():
    for smiles in texts(exchange(ASPIRIN, Goal(IBUPROFEN, range(12, 15)))):
        assert mol(smiles).GetNumHeavyAtoms() in range(12, 15)


def test_a_pyrrole_nitrogen_takes_a_graft_and_gives_it_back():
    assert Chem.CanonSmiles("Cn1cccc1") in set(texts(exchange(mol("c1cc[nH]c1"), to(mol("CF")))))
    assert Chem.CanonSmiles("c1cc[nH]c1") in set(texts(Reduce()(mol("Cn1cccc1"))))


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


def test_no_more_products_than_the_limit_nearest_first():
    few, many = (texts(Exchange(limit=n)(ASPIRIN, to(IBUPROFEN))) for n in (5, 60))
    assert len(few) <= 5 and many[: len(few)] == few
