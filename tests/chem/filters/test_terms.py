import pytest
from rdkit import Chem

from molinterp.chem.familiar import Familiar
from molinterp.chem.filters import TERMS, Filters, Traits, qed_dip
from molinterp.chem.properties import qed

TOLUENE, ANISOLE, NITROBENZENE, TETRALIN = (
    Chem.MolFromSmiles(s) for s in ("Cc1ccccc1", "COc1ccccc1", "O=[N+]([O-])c1ccccc1", "C1CCc2ccccc2C1")
)
KNOWN = Familiar.fit([TOLUENE] * 9 + [TETRALIN], min_with_environment=1, min_with_ring_system=1)


def between(*ends, **options):
    return Filters.between(*ends, familiar=KNOWN, **options)


def test_the_ends_cost_nothing():
    filters = between(NITROBENZENE, TETRALIN)
    for end in (NITROBENZENE, TETRALIN):
        assert filters.terms(end) == dict.fromkeys(TERMS, 0.0)


def test_soft_alerts_that_no_end_raises_are_counted():
    assert between(TOLUENE, ANISOLE).terms(NITROBENZENE)["soft_alerts"] == 2  # as a nitro group, and as N-O
    assert between(NITROBENZENE, ANISOLE).terms(NITROBENZENE)["soft_alerts"] == 0
    assert between(TOLUENE, ANISOLE, soft_alerts_pass=False).terms(NITROBENZENE)["soft_alerts"] == 0


def test_a_soft_alert_elsewhere_than_in_the_end_costs():
    dinitrobenzene = Chem.MolFromSmiles("O=[N+]([O-])c1cccc([N+](=O)[O-])c1")
    filters = between(NITROBENZENE, ANISOLE)
    moved = Traits(dinitrobenzene, [{i: i for i in range(3)}, {}])
    assert filters.terms(dinitrobenzene)["soft_alerts"] == 0
    assert filters.terms(moved)["soft_alerts"] == 2


def test_a_rare_ring_system_costs_by_powers_of_ten():
    filters = between(TOLUENE, ANISOLE)
    assert filters.terms(TETRALIN)["rare_rings"] == pytest.approx(3)
    assert between(TOLUENE, TETRALIN).terms(TETRALIN)["rare_rings"] == 0


def test_foreign_content_is_the_share_that_stands_in_no_end():
    filters = between(TOLUENE, ANISOLE)
    benzyl = Chem.MolFromSmiles("CCc1ccccc1")
    indole = Chem.MolFromSmiles("c1ccc2[nH]ccc2c1")
    near, far = (filters.terms(m)["foreign"] for m in (benzyl, indole))
    assert 0 < near < far < 1


def test_a_small_dip_of_qed_costs_nothing():
    value = qed(TOLUENE)
    assert qed_dip(TOLUENE, value) == qed_dip(TOLUENE, value + 0.09) == 0
    assert qed_dip(TOLUENE, value + 0.25) == pytest.approx(0.15)
