import io
import json
import sys
import zipfile

import pandas as pd
import pytest

from molinterp.errors import InputError, MissingDependencyError
from molinterp.report.formats import check_writable, render
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


def test_a_workbook_reads_back_and_never_changes():
    path = _path(names=("=1+1", "http://b"))
    content = render(path, ".xlsx")
    read = pd.read_excel(io.BytesIO(content), engine="calamine")
    assert read["name"].tolist()[::2] == ["=1+1", "http://b"]
    assert read["smiles"].tolist() == path.smiles and read["mw"].tolist() == [40.0, 41.0, 42.0]
    assert render(path, ".xlsx") == content
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "hyperlink" not in sheet


def test_a_workbook_needs_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'molinterp\[excel\]'"):
        render(_path(), ".xlsx")


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
