"""The engine needs nothing of a model beyond `LatentModel`: it runs on one without weights."""

import pytest
from rdkit import Chem

from molinterp import MoleculePath, PathRequest, interpolate, solve
from molinterp.errors import InputError, VocabularyError
from molinterp.model.protocol import LatentModel
from molinterp.report.formats import FORMATS
from tests.paths.toy import ToyModel

TOY: LatentModel = ToyModel()
START, END = "CCCc1ccccc1", "OCCCCCCc1ccccc1"


@pytest.fixture(scope="module")
def path():
    return interpolate(START, END, model=TOY, hybrids=False, edits=False, min_step_similarity=0.3)


def test_the_curve_gives_the_molecules_between(path):
    assert path.smiles[0] == Chem.CanonSmiles(START) and path.smiles[-1] == Chem.CanonSmiles(END)
    assert len(path) > 2 and {m.origin for m in path.molecules[1:-1]} <= {"curve", "neighbourhood"}
    assert all(TOY.can_encode(s) for s in path.smiles[1:-1])


def test_the_curve_of_a_flat_space_is_the_line_between_the_ends(path):
    ends = TOY.posterior([START, END])[0].numpy()
    steps = path.curve.points[1:] - path.curve.points[:-1]
    assert path.curve.points[[0, -1]].tolist() == ends.tolist() and path.curve.is_converged
    assert abs(steps - steps.mean(0)).max() < 1e-3


def test_the_answer_carries_its_question(path):
    assert path.request == PathRequest(
        start=START, end=END, model="toy", hybrids=False, edits=False, min_step_similarity=0.3
    )
    (again,) = solve(path.request, TOY)
    assert again == path and again.to_json() == path.to_json()
    assert MoleculePath.from_json(path.to_json()) == path


def test_way_points_join_legs_and_their_curves():
    request = PathRequest(
        start=START, end=END, via=["CCCCCCCc1ccccc1"], names=["a", "b", "c"], model="toy", hybrids=False
    )
    (path,) = solve(request, TOY)
    legs = [
        interpolate(a, b, model=TOY, hybrids=False)
        for a, b in ((START, request.via[0]), (request.via[0], END))
    ]
    assert path.smiles == legs[0].smiles + legs[1].smiles[1:]
    assert len(path.curve.points) == sum(len(leg.curve.points) for leg in legs) - 1
    assert [m.name for m in path if m.name] == ["b", "c"] and path.request == request


def test_what_the_model_cannot_do_is_said(path):
    assert any("has no density and no validity" in note for note in path.notes)
    with pytest.raises(VocabularyError, match="it is no alkylbenzene"):
        interpolate("CCO", END, model=TOY, hybrids=False)
    with pytest.raises(InputError, match="`output_space` must be latent"):
        interpolate(START, END, model=TOY, output_space="tokens", hybrids=False)
    with pytest.raises(InputError, match="is a template"):
        solve(PathRequest(), TOY)


def test_hybrids_need_no_curve():
    path = interpolate(START, END, model=TOY)
    assert path.curve is None and path.round_trips is None and path.raw_validity is None
    assert {m.origin for m in path.molecules[1:-1]} <= {"hybrid"}
    assert all(m.change.is_readable for m in path.molecules[1:])
    assert MoleculePath.from_json(path.to_json()) == path


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_a_path_by_hybrids_is_written_in_every_format(tmp_path, suffix):
    path = interpolate(START, END, model=TOY)
    path.save(tmp_path / f"path{suffix}")
    assert (tmp_path / f"path{suffix}").stat().st_size > 0
    assert path._repr_html_() and path.grid().svg


def test_ends_that_the_model_cannot_encode_are_joined_by_hybrids_with_a_note():
    path = interpolate(START, "Nc1ccccc1F", model=TOY)
    assert path.smiles[-1] == "Nc1ccccc1F"
    assert any("model 'toy' cannot encode the end" in note for note in path.notes)
