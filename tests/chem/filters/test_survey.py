import pytest
from rdkit import Chem

from molinterp.chem.filters import FILTERS, Filters
from molinterp.chem.filters.survey import survey, verdict_on

ALONE = Filters.alone()


@pytest.mark.parametrize(
    ("smiles", "row"),
    [
        ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", "clean", "", "")),
        ("c1ccccc1C=O", ("O=Cc1ccccc1", "alert", "aldehyde", "0 1")),
        ("C1CC", ("C1CC", "invalid", "unclosed ring 1", "")),
    ],
)
def test_a_verdict_is_on_the_standard_form(smiles, row):
    assert tuple(verdict_on(smiles, ALONE).to_row().values()) == row


def test_a_survey_counts_every_filter_that_a_molecule_fails():
    mols = [Chem.MolFromSmiles(s) for s in ("CC(=O)Nc1ccccc1", "O=Cc1ccccc1", "O=Cc1ccc(CF)cc1")]
    found = survey(mols, ALONE)
    assert (found.n_molecules, found.n_failed) == (3, 2)
    assert (found.by_filter["alert"], found.by_filter["unstable"]) == (2, 1)
    assert found.share("alert") == pytest.approx(2 / 3) and found.share("ring") == 0
    assert next(iter(found.by_reason)) == ("alert", "aldehyde")
    assert set(found.by_filter) == {f.name for f in FILTERS}


def test_a_survey_of_nothing_has_no_share():
    assert survey([], ALONE).share("alert") == 0
