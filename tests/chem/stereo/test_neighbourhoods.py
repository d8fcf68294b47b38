from itertools import permutations

import pytest
from rdkit import Chem

from molinterp.chem.stereo.neighbourhoods import is_unsaturated, parity, shell, tetrahedral


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_swap_turns_the_parity(order):
    first, second, *others = order
    assert parity(order) == -parity([second, first, *others])


def test_order_as_it_is_is_even():
    assert parity(range(4)) == 1


def test_a_shell_does_not_look_back_nor_too_far():
    mol = Chem.MolFromSmiles("NCCO")
    carbon = mol.GetAtomWithIdx(1)
    assert shell(carbon, 0, 1) == (6, False, False)
    assert shell(carbon, 0, 2) == (6, False, False, (6, False, False))


def test_a_double_bond_is_no_stereocentre():
    assert tetrahedral(Chem.MolFromSmiles("CC=CC(O)C")) == [3]


def test_a_cage_may_be_looked_at_many_times():
    mol = Chem.MolFromSmiles("C1[C@@H]2C[C@H]3C[C@@H]1C[C@@](C2)(O)C3")
    first = tetrahedral(mol)
    assert all(tetrahedral(mol) == first for _ in range(300))


def test_carbonyls_are_unsaturated_and_oxygen_is_not():
    assert [is_unsaturated(a) for a in Chem.MolFromSmiles("CC=O").GetAtoms()] == [False, True, False]
