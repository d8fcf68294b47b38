import io
import json
import os

import pandas as pd
import pytest

from molinterp.errors import InputError
from molinterp.report.formats import check_writable, render, write_whole
from tests.paths.test_path import _path


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_tables_read_back(suffix, separator):
    path = _path()
    read = pd.read_csv(io.StringIO(render(path, suffix)), sep=separator, keep_default_na=True)
    pd.testing.assert_frame_equal(
        read.drop(columns="name"), path.to_frame().drop(columns="name"), check_dtype=False
    )


def test_json_holds_every_molecule_and_metric():
    document = json.loads(render(_path(), ".json"))
    assert [s["smiles"] for s in document["molecules"]] == ["CCO", "CCN", "CCCN"]
    assert document["metrics"]["worst_step"] == 0.25
    assert document["end"]["round_trip"]["is_exact"] is False


def test_smiles_lines_bear_names():
    assert render(_path(), ".smi") == "CCO a\nCCN step-1\nCCCN b\n"


def test_unknown_formats_are_named(tmp_path):
    with pytest.raises(InputError, match=r"must end in one of \.csv"):
        render(_path(), ".docx")
    with pytest.raises(InputError, match=r"must end in one of \.csv"):
        check_writable(tmp_path / "path.docx")


def test_a_missing_folder_is_found_before_the_work(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        check_writable(tmp_path / "none" / "path.csv")


def test_nothing_half_written_is_left(tmp_path):
    target = tmp_path / "path.csv"
    target.mkdir()
    (target / "in-the-way").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_whole(target, "x")
    assert [p.name for p in tmp_path.iterdir()] == ["path.csv"]


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "path.csv", "x")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole(tmp_path):
    target = tmp_path / "path.csv"
    target.write_text("old and long")
    write_whole(target, "new")
    assert target.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["path.csv"]


def test_a_link_stays_one_and_its_file_is_written(tmp_path):
    (tmp_path / "shared").mkdir()
    link = tmp_path / "path.csv"
    link.symlink_to(tmp_path / "shared" / "real.csv")
    for text in ("first", "second"):
        write_whole(link, text)
        assert link.is_symlink() and (tmp_path / "shared" / "real.csv").read_text() == text
