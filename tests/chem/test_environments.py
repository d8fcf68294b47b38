"""Environments: what a table has seen is familiar, and nothing depends on the order of atoms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molinterp.chem.environments import (
    MAX_UNFAMILIAR,
    MIN_COMPOUNDS,
    RADII,
    EnvironmentTable,
    environments,
)
from molinterp.chem.parsing import parse
from tests.molecules import DRUGS
from tests.tolerances import EXACT

MOLS = [parse(s) for s in DRUGS.values()]
drugs = pytest.mark.parametrize("mol", MOLS, ids=DRUGS)
NOTHING = EnvironmentTable({r: frozenset() for r in RADII})
STRANGE = parse("FC(F)(F)S(=O)(=O)N=C=S")


@drugs
def test_a_larger_radius_adds_environments(mol):
    near, far = (environments(mol, r) for r in RADII)
    assert near <= far
    assert all(0 <= i < 2**32 for i in far)


@pytest.mark.parametrize(
    ("smiles", "n_environments"),
    [
        ("C", {1: 1, 2: 1}),
        ("CC", {1: 2, 2: 2}),
        # Three kinds of atom alone, the same with their neighbours; radius 2 covers nothing new.
        ("CCO", {1: 6, 2: 6}),
        # One atom, its neighbours, and theirs.
        ("c1ccccc1", {1: 2, 2: 3}),
    ],
)
def test_known_counts(smiles, n_environments):
    assert {r: len(environments(parse(smiles), r)) for r in RADII} == n_environments


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(MOLS), st.sampled_from(RADII), st.data())
def test_blind_to_atom_order(mol, radius, data):
    order = data.draw(st.permutations(range(mol.GetNumAtoms())))
    assert environments(Chem.RenumberAtoms(mol, order), radius) == environments(mol, radius)


@pytest.mark.parametrize("min_compounds", [1, 2, 5])
def test_a_table_knows_what_enough_compounds_share(min_compounds):
    table = EnvironmentTable.fit(iter(MOLS), min_compounds)
    for radius in RADII:
        own = [environments(m, radius) for m in MOLS]
        expected = {i for i in frozenset().union(*own) if sum(i in o for o in own) >= min_compounds}
        assert table.known[radius] == expected


def test_a_compound_counts_once_however_often_it_shows_an_environment():
    assert EnvironmentTable.fit([parse("CCCCCCCCCC")], 2).known == NOTHING.known


def test_the_least_number_of_compounds_is_the_recorded_one():
    copies = [parse("CCO")] * MIN_COMPOUNDS
    assert EnvironmentTable.fit(copies).is_familiar(copies[0])
    assert not EnvironmentTable.fit(copies[1:]).is_familiar(copies[0])


@drugs
def test_what_was_seen_is_familiar(mol):
    table = EnvironmentTable.fit(MOLS, 1)
    assert table.unfamiliar(mol) == {1: 0.0, 2: 0.0}
    assert table.is_familiar(mol)


@drugs
def test_nothing_is_familiar_to_an_empty_table_but_the_ends(mol):
    assert NOTHING.unfamiliar(mol) == {1: 1.0, 2: 1.0}
    assert not NOTHING.is_familiar(mol)
    assert NOTHING.is_familiar(mol, [STRANGE, mol])


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(MOLS), st.lists(st.sampled_from(MOLS), max_size=4), st.sampled_from(MOLS))
def test_knowing_more_makes_nothing_less_familiar(mol, seen, other):
    less, more = EnvironmentTable.fit(seen, 1), EnvironmentTable.fit([*seen, other], 1)
    before, after, with_end = less.unfamiliar(mol), more.unfamiliar(mol), less.unfamiliar(mol, [other])
    for radius in RADII:
        assert 0 <= after[radius] <= before[radius] <= 1
        assert with_end[radius] == pytest.approx(after[radius], abs=EXACT)


def test_one_strange_atom_is_enough_at_radius_one():
    table = EnvironmentTable.fit(MOLS, 1)
    assert table.unfamiliar(STRANGE)[1] > 0
    assert not table.is_familiar(STRANGE)


def test_a_tenth_of_strange_environments_is_borne_at_radius_two():
    mol = parse(DRUGS["quinine"])
    near, far = (environments(mol, r) for r in RADII)
    outer = sorted(far - near)
    n_borne = int(MAX_UNFAMILIAR * len(far))
    for n_strange, is_familiar in ((n_borne, True), (n_borne + 1, False)):
        table = EnvironmentTable({1: near, 2: far - set(outer[:n_strange])})
        assert table.is_familiar(mol) is is_familiar


def test_arrays_round_trip():
    table = EnvironmentTable.fit(MOLS, 2)
    arrays = table.to_arrays()
    assert set(arrays) == {"r1", "r2"}
    assert all(a.dtype == np.uint32 and (np.diff(a.astype(np.int64)) > 0).all() for a in arrays.values())
    assert EnvironmentTable.from_arrays(arrays) == table


@drugs
def test_nothing_handed_in_is_changed(mol):
    table = EnvironmentTable.fit(MOLS[:3], 1)
    before = table.to_arrays(), Chem.MolToSmiles(mol)
    table.is_familiar(mol, MOLS[3:])
    after = table.to_arrays(), Chem.MolToSmiles(mol)
    assert all((before[0][k] == after[0][k]).all() for k in before[0])
    assert before[1] == after[1]
