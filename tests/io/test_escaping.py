import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molinterp.io.escaping import (
    FORMULA_SIGNS,
    csv_line,
    neutralise,
    neutralised,
    one_line,
    sdf_key,
    sdf_line,
    slug,
)
from molinterp.report.formats import render, table
from tests.paths.test_path import _path


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\ufeff=1", "\r=1", "＝1"])
def test_a_formula_gets_an_apostrophe(cell):
    assert neutralise(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["CCO", "", "[Na+]", "a=b", "1-butanol", "'=1"])
def test_other_cells_stay(cell):
    assert neutralise(cell) == cell


def test_numbers_and_headings():
    frame = pd.DataFrame({"logp": [-1.5, 2.0], "=name": ["-x", None]})
    safe = neutralised(frame)
    assert safe["logp"].tolist() == [-1.5, 2.0]
    assert safe.columns.tolist() == ["logp", "'=name"]
    assert safe["'=name"][0] == "'-x" and pd.isna(safe["'=name"][1])
    assert frame.columns[1] == "=name" and frame["=name"][0] == "-x"


def test_a_table_is_safe_unless_asked_otherwise():
    path = _path(names=("=cmd|' /C calc'!A0", "+b"))
    assert "\n0,'=cmd" in render(path, ".csv") and ",'+b," in render(path, ".csv")
    assert "\n0,=cmd" in render(path, ".csv", raw_cells=True)
    assert "\t'+b\t" in render(path, ".tsv")
    assert ",-2," in render(path, ".csv")  # logp of the last row, a number


FORGED = [
    "a\n$$$$\nb",
    "a\r\n$$$$\r\nb",
    "$$$$",
    "x\u2028$$$$\u2028y",
    "M  END\n$$$$",
    ">  <smiles>\nCC",
    "\x0b$$$$",
]


@pytest.mark.parametrize("name", FORGED)
def test_a_name_cannot_forge_a_record_or_a_field(tmp_path, name):
    file = tmp_path / "path.sdf"
    file.write_text(_path(names=(name, "b")).to_sdf(), encoding="utf-8")
    mols = list(Chem.SDMolSupplier(str(file)))
    assert [Chem.MolToSmiles(m) for m in mols] == ["CCO", "CCN", "CCCN"]
    assert {tuple(m.GetPropNames()) for m in mols} == {tuple(mols[0].GetPropNames())}
    assert file.read_text(encoding="utf-8").count("$$$$") == 3


@given(st.text(max_size=40))
def test_a_line_is_a_line(text):
    line = sdf_line(text)
    assert len(line.splitlines()) <= 1
    assert "$$$$" not in line and not line.startswith(">")
    assert not set("<>") & set(sdf_key(text)) and sdf_key(text)
    assert one_line(one_line(text)) == one_line(text)


@given(st.text(max_size=100))
def test_a_slug_is_a_harmless_file_name(text):
    name = slug(text)
    assert 0 < len(name) <= 61 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not name.startswith("-")
    assert neutralise(text)[:1] not in FORMULA_SIGNS or not text


texts = st.text(st.sampled_from('ab ,;"\r\n\t=é'), max_size=8)


@given(st.lists(st.lists(texts, min_size=2, max_size=2), min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_lines_of_cells_come_back_as_they_were(rows, separator):
    text = "".join(f"{csv_line(row, separator)}\n" for row in rows)
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=separator)) == rows


@pytest.mark.parametrize("cell", ["a\r=1+1", "a\r\nb", "a\nb", 'a"b', "a,b"])
def test_a_cell_with_a_break_is_quoted(cell):
    assert csv_line([cell, "x"]).startswith('"') and csv_line([cell]).endswith('"')
    frame = pd.DataFrame({"name": [cell], "smiles": ["CC"]})
    read = pd.read_csv(io.StringIO(table(frame, ".csv"), newline=""))
    assert len(read) == 1 and read["smiles"].tolist() == ["CC"]
