from itertools import combinations

import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.similarity import tanimoto
from molinterp.errors import InputError, InvalidMoleculeError
from molinterp.paths.median import ALIKE, MedianCompound, median, median_frame, unlike

COMPOUNDS = ["Cc1ccccc1", "Oc1ccccc1", "Nc1ccccc1"]


@pytest.fixture(scope="module")
def found(small_bundle):
    return median(COMPOUNDS, model=small_bundle, n=5)


def test_the_most_central_come_first(found):
    assert 1 <= len(found) <= 5
    dispersions = [m.dispersion for m in found]
    assert dispersions == sorted(dispersions)


def test_figures_are_those_of_the_molecules(found):
    for m in found:
        near = [tanimoto(Chem.MolFromSmiles(m.smiles), Chem.MolFromSmiles(c)) for c in COMPOUNDS]
        assert list(m.similarities) == near
        assert m.dispersion == pytest.approx(sum((1 - s) ** 2 for s in near) / 3)


def test_no_compound_is_its_own_median(found):
    assert not {m.smiles for m in found} & {Chem.CanonSmiles(c) for c in COMPOUNDS}
    assert len({m.smiles for m in found}) == len(found)


def test_same_seed_same_compounds(found, small_bundle):
    assert median(COMPOUNDS, model=small_bundle, n=5) == found


def test_frame_names_the_compounds(found):
    frame = median_frame(found, ["toluene", "phenol", "aniline"])
    assert frame["rank"].tolist() == list(range(1, len(found) + 1))
    assert frame["similarity_to_phenol"].tolist() == [m.similarities[1] for m in found]


def test_a_compound_that_nothing_is_like_is_named():
    found = [MedianCompound("CC", near, 0.5, {}) for near in ((0.1, 0.15, 0.9), (0.3, 0.12, 0.0))]
    assert unlike(found, ["a", "b", "c"]) == {"b": 0.15}
    assert unlike([], ["a", "b"]) == {}


def test_few_drugs_are_alike_by_chance():
    mols = [Chem.MolFromSmiles(smiles) for smiles in drugs().values()]
    near = [tanimoto(a, b) for a, b in combinations(mols, 2)]
    assert sum(s > ALIKE for s in near) / len(near) == pytest.approx(0.03, abs=0.005)


def test_a_table_without_a_compound_has_its_columns():
    frame = median_frame([], ["toluene", "phenol"])
    assert frame.columns[:4].tolist() == ["rank", "smiles", "dispersion", "similarity_to_toluene"]
    assert len(frame) == 0


@pytest.mark.parametrize(
    ("compounds", "options", "error", "message"),
    [
        (["CCO"], {}, InputError, "`compounds` must be at least two different ones; got 1"),
        (["CCO", "OCC"], {}, InputError, "`compounds` must be at least two different ones"),
        (["CCO", "CCN"], {"n": 0}, InputError, "`n` must be at least 1; got 0"),
        (["CCO", "c1ccc"], {}, InvalidMoleculeError, "unclosed ring"),
    ],
)
def test_bad_input_is_named(compounds, options, error, message, small_bundle):
    with pytest.raises(error, match=message):
        median(compounds, model=small_bundle, **options)
