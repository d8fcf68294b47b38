import json
from dataclasses import replace

import pandas as pd
import pytest

from molinterp.errors import InputError
from molinterp.report.formats import render, render_several
from molinterp.report.formats import table as text_of
from molinterp.report.view import read_view, view_of
from tests.report.paths import SMILES, molecule_path


@pytest.mark.parametrize("suffix", [".json", ".csv", ".tsv"])
def test_a_file_gives_the_view_of_its_path(tmp_path, suffix):
    path = molecule_path(notes=("start: a salt",))
    file = tmp_path / f"path{suffix}"
    file.write_text(render(path, suffix))
    view, own = read_view(file), view_of(path)
    pd.testing.assert_frame_equal(view.table, own.table, check_dtype=False, rtol=1e-4)
    assert view.title == own.title == "aspirin → ibuprofen"
    assert view.numeric == own.numeric and view.numeric[0] == "similarity"
    assert view.metrics["worst_step"] == pytest.approx(path.worst_step, rel=1e-4)
    if suffix == ".json":
        assert (view.notes, view.metrics, view.settings) == (own.notes, own.metrics, own.settings)


def test_features_and_known_compounds_come_back_from_json(tmp_path):
    path = molecule_path()
    steps = tuple(
        replace(s, features={"bbb": 0.1 * i}, is_known=bool(i % 2)) for i, s in enumerate(path.molecules)
    )
    path = replace(path, molecules=steps)
    file = tmp_path / "path.json"
    file.write_text(render(path, ".json"))
    table = read_view(file).table
    assert table["feature_bbb"].tolist() == pytest.approx([0.1 * i for i in range(len(steps))])
    assert table["is_known"].tolist() == [bool(i % 2) for i in range(len(steps))]
    assert table.columns.tolist() == view_of(path).table.columns.tolist()


def test_terms_that_a_step_bears_become_columns(tmp_path):
    document = json.loads(render(molecule_path(), ".json"))
    for i, step in enumerate(document["molecules"]):
        step["terms"] = {"density": 0.1 * i}
    file = tmp_path / "path.json"
    file.write_text(json.dumps(document))
    assert "lambda_density" in read_view(file).numeric


def test_the_note_of_a_pair_is_shown(tmp_path):
    file = tmp_path / "paths.csv"
    frame = molecule_path().to_frame().assign(status="ok", note=None)
    noted = frame.assign(pair="a")
    noted.loc[0, "note"] = "end: salt or solvent left out: Cl"
    pd.concat([noted, frame.assign(pair="b")]).to_csv(file, index=False)
    assert read_view(file, "a").notes == ("end: salt or solvent left out: Cl",)
    assert read_view(file, "b").notes == () and "note" not in read_view(file, "b").table


def test_a_column_note_of_the_users_own_is_shown_as_it_is(tmp_path):
    file = tmp_path / "path.csv"
    molecule_path().to_frame().assign(note="weighed").to_csv(file, index=False)
    view = read_view(file)
    assert view.notes == () and set(view.table["note"]) == {"weighed"}


def test_one_pair_of_a_paths_table(tmp_path):
    file = tmp_path / "paths.csv"
    frame = molecule_path().to_frame().assign(status="ok", error="")
    failed = pd.DataFrame({"pair": ["c"], "error": ["no molecule"], "status": ["failed"]})
    pd.concat([frame.assign(pair="a"), frame.iloc[::2].assign(pair="7"), failed]).to_csv(file, index=False)
    assert len(read_view(file, "7").table) == 2
    assert "status" not in read_view(file, "a").table
    with pytest.raises(InputError, match=r"`pair` must be one of those .*\(a, 7, c"):
        read_view(file)
    with pytest.raises(InputError, match="pair 'c' .* has no path: no molecule"):
        read_view(file, "c")


@pytest.mark.parametrize("name", ["NA", "nan", "-5", "=1+1", "", 'a, "b"', "007"])
def test_a_pair_is_found_by_what_the_user_calls_it(tmp_path, name):
    file = tmp_path / "paths.csv"
    table = pd.concat([molecule_path().to_frame().assign(pair=p) for p in (name, "other")])
    file.write_text(text_of(table, ".csv"))
    view = read_view(file, name)
    assert view.table["smiles"].tolist() == list(SMILES)


def test_a_compound_may_be_called_na(tmp_path):
    file = tmp_path / "path.csv"
    file.write_text(render(molecule_path(names=("NA", "null")), ".csv"))
    assert read_view(file).title == "NA → null"


def test_one_of_several_paths_of_a_pair(tmp_path):
    file = tmp_path / "paths.tsv"
    file.write_text(render_several([molecule_path(), molecule_path(names=("c", "d"))], ".tsv"))
    assert read_view(file, "2").title == "c → d"
    with pytest.raises(InputError, match=r"`pair` must be one of those .*\(1, 2\); got None"):
        read_view(file)


@pytest.mark.parametrize("suffix", [".json", ".csv", ".tsv"])
def test_a_pair_of_a_file_with_one_path_is_not_passed_over(tmp_path, suffix):
    file = tmp_path / f"path{suffix}"
    file.write_text(render(molecule_path(), suffix))
    assert len(read_view(file).table) == len(SMILES)
    with pytest.raises(InputError, match="`pair` must be left out .*; got '3'"):
        read_view(file, "3")


def test_paths_of_one_name_are_not_drawn_as_one(tmp_path):
    file = tmp_path / "paths.csv"
    frame = molecule_path().to_frame().assign(pair="x", status="ok", error="")
    failed = pd.DataFrame({"pair": ["x"], "error": ["no molecule"], "status": ["failed"]})
    pd.concat([frame, frame]).to_csv(file, index=False)
    with pytest.raises(InputError, match="pair 'x' of .* has several paths"):
        read_view(file)
    pd.concat([frame, failed]).to_csv(file, index=False)
    view = read_view(file)
    assert view.table["smiles"].tolist() == list(SMILES)
    assert view.table["step"].tolist() == [0, 1, 2, 3] and view.table["step"].dtype == "int64"


def test_a_table_without_any_path_says_why(tmp_path):
    file = tmp_path / "paths.csv"
    file.write_text("pair,status,error\n0,failed,it is empty.\n")
    with pytest.raises(InputError, match=r"pair '0' of .* has no path: it is empty\."):
        read_view(file)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", "{}", "KeyError: 'molecules'"),
        ("x.json", "[1", "must contain a path"),
        ("x.json", '{"molecules": [], "start": {}, "end": {}}', "columns 'step' and 'smiles'"),
        ("x.json", '{"molecules": [3], "start": {}, "end": {}}', "must contain a path"),
        ("x.csv", "a,b\n1,2\n", "columns 'step' and 'smiles'"),
        ("x.csv", "", "cannot be read as a table"),
        ("x.docx", "", r"must end in one of \.json"),
    ],
)
def test_what_is_no_path_is_said_so(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_view(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_view(tmp_path / "none.json")


def test_an_unnamed_path_is_called_by_its_smiles():
    assert view_of(molecule_path(names=("", ""))).title == f"{SMILES[0]} → {SMILES[-1]}"
