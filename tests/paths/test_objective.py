import pytest
from rdkit import Chem

from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.paths.objective import objective_of
from molinterp.paths.request import TERM_WEIGHTS, PathRequest

pytestmark = pytest.mark.weights
ENDS = (Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"), Chem.MolFromSmiles("CC(C)Cc1ccc(C(C)C(=O)O)cc1"))


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load()


@pytest.mark.weights
def test_weights_that_are_not_named_keep_their_defaults(bundle):
    request = PathRequest(keep=["bbb", "logp<5"], term_weights={"density": 0.7, "bbb": 2.5})
    found = objective_of(bundle, *ENDS, request)
    weights = dict(zip(found.realism.names, found.realism.weights, strict=True))
    assert weights == {
        "density": 0.7,
        "validity": TERM_WEIGHTS["validity"],
        "keep bbb": 2.5,
        "keep logp<5": TERM_WEIGHTS["feature"],
    }


@pytest.mark.weights
def test_a_weight_of_no_term_is_named(bundle):
    request = PathRequest(keep=["bbb"], term_weights={"densty": 1.0})
    message = "`term_weights` must name some of density, validity, feature, range, qed, soft_alerts, rare_rings, foreign, bbb; got 'densty'"
    with pytest.raises(InputError, match=message):
        objective_of(bundle, *ENDS, request)


@pytest.mark.weights
def test_a_pattern_and_the_scaffold_are_features_that_are_kept(bundle):
    ends = tuple(Chem.MolFromSmiles(s) for s in ("Cc1ccccc1", "Oc1ccccc1"))
    short, long = (
        objective_of(bundle, *ends, request)
        for request in (
            PathRequest(substructure="c1ccccc1", scaffold=True),
            PathRequest(keep=["smarts:c1ccccc1", "scaffold"]),
        )
    )
    assert [c.name for c in short.constraints] == [c.name for c in long.constraints]
    assert short.realism.names == long.realism.names and short.realism.weights == long.realism.weights
