"""Alerts: known offenders are named, harmless compounds raise none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from molinterp.data import drugs
from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from molinterp.chem.alerts import CATALOGUES, SOFT_ALERTS, alert_matches, alerts, has_alert, is_soft
from molinterp.chem.parsing import parse
from molinterp.errors import InputError
from tests.molecules import DRUGS

# Names as RDKit 2026.09.1 gives them.
OFFENDERS = {
    "O=C1C(=Cc2ccccc2)SC(=S)N1": ({"ene_rhod_A(235)"}, {"Michael_acceptor_1", "Thiocarbonyl_group"}),
    "Oc1ccccc1O": ({"catechol_A(92)"}, {"catechol"}),
    "O=C1C=CC(=O)C=C1": ({"quinone_A(370)"}, {"chinone_1"}),
    "c1ccccc1N=Nc1ccccc1": ({"azo_A(324)"}, {"diazo_group"}),
    "O=[N+]([O-])c1ccccc1": (set(), {"Oxygen-nitrogen_single_bond", "nitro_group"}),
    "CC=O": (set(), {"aldehyde"}),
    "C1CO1": (set(), {"Three-membered_heterocycle"}),
    "C": (set(), set()),
    "CC(=O)Nc1ccc(O)cc1": (set(), {"hydroquinone"}),
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O": (set(), set()),
}
SMILES = [*OFFENDERS, *DRUGS.values()]


@pytest.mark.parametrize(("smiles", "expected"), OFFENDERS.items())
def test_known_alerts(smiles, expected):
    mol = parse(smiles)
    assert tuple(alerts(mol, [name]) for name in CATALOGUES) == expected


@pytest.mark.parametrize("smiles", SMILES)
def test_both_catalogues_are_the_union_of_each(smiles):
    mol = parse(smiles)
    union = alerts(mol, ["PAINS"]) | alerts(mol, ["BRENK"])
    assert alerts(mol) == alerts(mol, CATALOGUES) == alerts(mol, CATALOGUES[::-1]) == union
    assert alerts(mol, []) == frozenset()


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(SMILES), st.data())
def test_blind_to_atom_order(smiles, data):
    mol = parse(smiles)
    order = data.draw(st.permutations(range(mol.GetNumAtoms())))
    assert alerts(Chem.RenumberAtoms(mol, order)) == alerts(mol)


def test_a_second_component_hides_nothing():
    assert alerts(parse("CC=O.Oc1ccccc1O")) == alerts(parse("CC=O")) | alerts(parse("Oc1ccccc1O"))


@pytest.mark.parametrize(
    ("catalogues", "wrong"), [(["NIH"], "NIH"), (["PAINS", "pains"], "pains"), ("BRENK", "B")]
)
def test_a_catalogue_of_another_name_is_refused(catalogues, wrong):
    with pytest.raises(InputError, match=f"`catalogues` must be among PAINS, BRENK; got '{wrong}'"):
        alerts(parse("C"), catalogues)


@pytest.mark.parametrize("name", DRUGS)
def test_having_an_alert_is_having_one_by_name(name):
    mol = Chem.MolFromSmiles(DRUGS[name])
    assert has_alert(mol) == bool(alerts(mol))


def test_the_screen_gives_what_the_catalogue_itself_gives():
    params = FilterCatalogParams()
    for name in CATALOGUES:
        params.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    catalogue = FilterCatalog(params)
    for smiles in (*drugs().values(), *OFFENDERS):
        mol = parse(smiles)
        expected = {entry.GetDescription() for entry in catalogue.GetMatches(mol)}
        assert alerts(mol) == expected, smiles


def test_every_soft_alert_is_one_of_a_catalogue():
    names = {e.GetDescription() for e in _entries()}
    assert set(SOFT_ALERTS) <= names


def _entries():
    for name in CATALOGUES:
        params = FilterCatalogParams()
        params.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
        catalogue = FilterCatalog(params)
        yield from (catalogue.GetEntryWithIdx(k) for k in range(catalogue.GetNumEntries()))


@pytest.mark.parametrize(
    ("smiles", "name", "soft"),
    [
        ("CCCCCCCC", "Aliphatic_long_chain", True),
        ("Nc1ccccc1", "aniline", True),
        ("CC=O", "aldehyde", False),
        ("C1CO1", "Three-membered_heterocycle", False),
        ("CC(C)=NO", "Oxygen-nitrogen_single_bond", True),
        ("O=[N+]([O-])c1ccccc1", "Oxygen-nitrogen_single_bond", True),
        ("CONC", "Oxygen-nitrogen_single_bond", False),
        ("CC(N)=NC", "imine_1", True),
        ("CC(C)=NC", "imine_1", False),
        ("NNC(C)=O", "hydrazine", True),
        ("NNC", "hydrazine", False),
        ("CC(=O)CC(C)=O", "beta-keto/anhydride", True),
        ("CC(=O)OC(C)=O", "beta-keto/anhydride", False),
        ("CC(=O)SC", "thioester", False),
        ("O=C1NC(=O)CS1", "thioester", True),
        ("OB(O)c1ccccc1", "heavy_metal", True),
        ("C[Se]C", "heavy_metal", False),
    ],
)
def test_soft_alerts_are_of_stable_groups(smiles, name, soft):
    mol = parse(smiles)
    assert all(is_soft(mol, name, atoms) == soft for atoms in alert_matches(mol)[name])


def test_an_alert_that_is_left_out_is_not_looked_for():
    assert set(alert_matches(parse("CC=O"), leave_out=["aldehyde"])) == set()


def test_places_are_the_atoms_of_the_group():
    assert alert_matches(parse("CC=O"))["aldehyde"] == (frozenset({1, 2}),)
