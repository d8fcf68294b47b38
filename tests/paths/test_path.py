import json
import math

import numpy as np
import pytest
from rdkit import Chem

from molinterp.errors import InputError
from molinterp.paths.path import LatentCurve, MoleculePath, PathMolecule, RoundTrip
from molinterp.paths.request import PathRequest


def _path(names=("a", "b"), similarities=(None, 0.5, 0.25), to_end=(0.1, 0.4, 1.0)):
    smiles = ("CCO", "CCN", "CCCN")
    steps = tuple(
        PathMolecule(
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
    request = PathRequest(start=smiles[0], end=smiles[-1], names=names, method="linear", keep=["mw<500"])
    curve = LatentCurve(np.linspace(0, 1, 6, dtype=np.float32).reshape(3, 2))
    return MoleculePath(request, steps, curve, "default", True, 2.0, 1.5, 0.9, 10, 8, {"alert": 2}, trips)


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


def test_json_holds_the_whole_path():
    path = _path()
    assert MoleculePath.from_json(path.to_json()) == path
    assert json.loads(path.to_json())["request"]["keep"] == ["mw<500"]


def test_json_that_is_no_path_is_named():
    with pytest.raises(InputError, match="a path must be JSON as `to_json` writes it; KeyError: 'metrics'"):
        MoleculePath.from_json("{}")


def test_a_path_is_a_sequence_of_molecules():
    path = _path()
    assert [m.smiles for m in path] == path.smiles == [path[i].smiles for i in range(len(path))]
    assert path[-1] is path.molecules[-1]
    assert [Chem.MolToSmiles(m) for m in path.mols] == path.smiles


def test_the_printed_table_has_a_line_a_molecule():
    lines = repr(_path()).splitlines()
    assert lines[0] == "MoleculePath of 3 molecules"
    assert [line.split()[-1] for line in lines[2:]] == ["CCO", "CCN", "CCCN"]
    assert lines[3].split() == ["1", "0.50", "curve", "CCN"]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".sdf", ".html"])
def test_a_path_is_saved_by_the_suffix_of_the_file(tmp_path, suffix):
    path = _path()
    path.save(tmp_path / f"path{suffix}")
    assert "CCCN" in (tmp_path / f"path{suffix}").read_text()


def test_an_unknown_suffix_is_named(tmp_path):
    with pytest.raises(InputError, match=r"must end in one of .*got 'path.doc'"):
        _path().save(tmp_path / "path.doc")
