import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.unstable_groups import REASONS, unstable_groups, unstable_matches
from molinterp.chem.unstable_table import UNSTABLE

each_group = pytest.mark.parametrize("group", UNSTABLE, ids=lambda g: f"{g.name}-{g.examples[0]}")


@each_group
def test_its_examples_have_it(group):
    for smiles in group.examples:
        assert group.name in unstable_groups(Chem.MolFromSmiles(smiles)), smiles


@each_group
def test_its_drugs_have_no_unstable_group(group):
    for name in group.drugs:
        assert unstable_groups(Chem.MolFromSmiles(drugs()[name])) == frozenset(), name


@each_group
def test_it_has_a_source_and_a_reason(group):
    assert group.source and REASONS[group.name] == group.why
    assert len(set(group.examples)) == len(set(group.drugs)) == 2


@each_group
def test_the_screen_drops_no_match(group):
    query = Chem.MolFromSmarts(group.smarts)
    for other in UNSTABLE:
        for smiles in other.examples:
            mol = Chem.MolFromSmiles(smiles)
            expected = {frozenset(atoms) for atoms in mol.GetSubstructMatches(query)}
            assert expected <= set(unstable_matches(mol).get(group.name, ()))
            if group.name not in unstable_groups(mol):
                assert not expected


def test_patterns_are_different():
    assert len({group.smarts for group in UNSTABLE}) == len(UNSTABLE)
