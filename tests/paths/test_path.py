import math

import pytest
from rdkit import Chem

from molinterp.paths.path import MoleculePath, RoundTrip, Step


def _path(names=("a", "b"), similarities=(None, 0.5, 0.25), to_end=(0.1, 0.4, 1.0)):
    smiles = ("CCO", "CCN", "CCCN")
    steps = tuple(
        Step(
            s,
            i / 2,
            "curve",
            similarities[i],
            1 - to_end[i],
            to_end[i],
            {"mw": 40.0 + i, "logp": -float(i)},
            {"range": 0.5} if i == 1 else {},
        )
        for i, s in enumerate(smiles)
    )
    trips = (RoundTrip("CCO", True, 1.0, True), RoundTrip("", False, 0.0, False))
    return MoleculePath(
        steps, *names, "linear", "default", 0, True, 2.0, 1.5, 0.9, 10, 8, {"alert": 2}, trips
    )


def test_figures_of_known_steps():
    path = _path()
    assert path.worst_step == 0.25
    assert path.mean_step == 0.375
    assert path.monotonicity == pytest.approx(1.0)
    assert path.property_ranges() == {"mw": (40.0, 42.0), "logp": (-2.0, 0.0)}


def test_a_path_that_walks_back_is_not_monotone():
    assert _path(to_end=(1.0, 0.4, 0.1)).monotonicity == pytest.approx(-1.0)


def test_frame_has_a_row_a_molecule():
    frame = _path().to_frame()
    assert frame["smiles"].tolist() == ["CCO", "CCN", "CCCN"]
    assert frame["name"].tolist() == ["a", "", "b"]
    assert frame["similarity"].isna().tolist() == [True, False, False]
    assert frame["mw"].tolist() == [40.0, 41.0, 42.0]


def test_frame_bears_the_terms_of_lambda():
    assert _path().to_frame()["lambda_range"].tolist() == [0.0, 0.5, 0.0]


def test_quality_is_the_exponential_of_the_length():
    path = _path()
    assert path.quality == pytest.approx(math.exp(-1.5))
    assert path.length**2 <= 2 * path.energy


def test_sdf_reads_back_with_its_columns(tmp_path):
    file = tmp_path / "path.sdf"
    file.write_text(_path().to_sdf())
    mols = list(Chem.SDMolSupplier(str(file)))
    assert [Chem.MolToSmiles(m) for m in mols] == ["CCO", "CCN", "CCCN"]
    assert [m.GetProp("_Name") for m in mols] == ["a", "step 1", "b"]
    assert float(mols[2].GetProp("mw")) == 42.0


def test_a_name_cannot_forge_a_record(tmp_path):
    file = tmp_path / "path.sdf"
    file.write_text(_path(names=("a\n$$$$\nforged", "b")).to_sdf())
    assert len(list(Chem.SDMolSupplier(str(file)))) == 3
