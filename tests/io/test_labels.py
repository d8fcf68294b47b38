import numpy as np
import pytest
from rdkit import Chem

from molinterp.errors import InputError
from molinterp.io.labels import check_labels, left_out_table, read_labels
from molinterp.io.tables import read_table


def write(tmp_path, text, name="labels.csv"):
    file = tmp_path / name
    file.write_text(text)
    return file


def rows(labels=(0, 1), n=20):
    return "".join(f"{'C' * (i + 1)}{'NO'[k]},{label}\n" for k, label in enumerate(labels) for i in range(n))


def test_labels_are_read_standardised_and_cleared(tmp_path):
    odd = "CCCl.Cl,1\nCCCl,0\nnonsense,1\n,1\nCC(C)C,\n"
    read = read_labels([write(tmp_path, "smiles,y\n" + rows() + odd)])
    assert len(read.smiles) == 40 and read.labels.tolist() == [0] * 20 + [1] * 20
    assert read.n_each == (20, 20) and read.columns == ("y",)


def test_every_row_left_out_has_its_place_and_reason(tmp_path):
    odd = "CCCl.Cl,1\nCCCl,0\nnonsense,1\n,1\nCC(C)C,\n"
    read = read_labels([write(tmp_path, "smiles,y\n" + odd)])
    found = [
        (row.where.partition(" of ")[0], row.text, row.reason.partition(";")[0]) for row in read.left_out
    ]
    assert found == [
        ("row 4", "nonsense", "'e' is no atom that SMILES allows outside square brackets"),
        ("row 5", "", "it is empty"),
        ("row 6", "CC(C)C", "it has no label"),
        ("row 2", "CCCl", "it bears both labels"),
    ]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("SMILES,Active", "a.csv"),
        ("mol,Class", "a.csv"),
        ("Drug,Y", "a.csv"),
        ("Canonical_SMILES\ty", "a.tsv"),
        ("SMILES;ACTIVE", "a.txt"),
    ],
)
def test_headers_as_other_programs_write_them(tmp_path, header, name):
    text = rows().replace(",", next(sign for sign in ",;\t" if sign in header))
    read = read_labels([write(tmp_path, f"{header}\n{text}", name)])
    assert (len(read.smiles), read.n_each, read.left_out) == (40, (20, 20), ())


def test_labels_may_stand_in_the_fields_of_an_sd_file(tmp_path):
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    read = read_labels([write(tmp_path, f"{block}> <Active>\n1\n\n$$$$\n", "a.sdf")])
    assert (read.smiles, read.labels.tolist(), read.columns) == (("CCO",), [1], ("Active",))


def test_numbers_become_labels(tmp_path):
    files = [write(tmp_path, "smiles,x\n" + rows((v,)), f"{v}.csv") for v in (-5.5,)]
    files.append(write(tmp_path, "name,smiles,X\n" + "".join(f"a,{'C' * i}S,-4\n" for i in range(1, 21))))
    read = read_labels(files, "x", -4.0)
    assert (len(read.smiles), read.n_each, read.columns) == (40, (20, 20), ("x", "X"))


def test_a_decimal_comma_is_read(tmp_path):
    read = read_labels([write(tmp_path, "smiles;x\nCC;7,5\nCCC;4,5\n")], "x", 5.0)
    assert read.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("inchikey,y\nx,1\n", {}, "found inchikey, y. An InChIKey is a hash"),
        ("text,y\nCC,1\n", {}, "must have a column 'smiles' in its first row; found text, y"),
        ("smiles,y\nCC,0.7\n", {}, "must have a column of 0 and 1 beside the molecules; found y"),
        ("smiles,y\nCC,yes\n", {}, "Write labels as 0 and 1, or give `column` and `at_least` for numbers"),
        ("smiles\nCC\n", {}, "beside the molecules; found none"),
        ("smiles,y\nCC,1\n", {"column": "z"}, "must have a column 'z'; found y. Beside"),
        ("smiles,y,x\nCC,1,7.5\n", {"at_least": 5.0}, "one of y, x. Give `column`"),
        ("smiles,y\nCC,3\n", {"column": "y"}, "must hold 0 and 1; got '3' in row 2 .* Give `at_least`"),
        ("smiles,y\nCC,high\n", {"column": "y", "at_least": 1.0}, "must hold numbers; got 'high' in row 2"),
        ("fold,smiles,y\n0,CC,1\n1,CCC,0\n", {}, "several columns of 0 and 1 .*: fold, y. Say which"),
        ("smiles,FDA,CT_TOX\nCC,1,0\n", {}, "several columns of 0 and 1 .*: FDA, CT_TOX. Say which"),
        ("smiles,y,y\nCC,1,0\n", {"column": "y"}, "must have one column 'y'; found y, y .2."),
        ("smiles,y,y\nCC,1,0\n", {}, "several columns of 0 and 1 .*: y, y .2."),
        ("", {}, "must have a column 'smiles'"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path, text, options, message):
    with pytest.raises(InputError, match=message):
        read_labels([write(tmp_path, text)], **options)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.csv' does not exist"):
        read_labels([tmp_path / "none.csv"])


def test_too_few_labels_are_turned_down():
    with pytest.raises(InputError, match="got 19 with label 1"):
        check_labels(np.array([0] * 30 + [1] * 19), "it", 20)


def test_the_table_of_rows_left_out_reads_back(tmp_path):
    read = read_labels([write(tmp_path, 'smiles,y\n"=C\r,x",1\nCC,\nCCC,1\n')])
    (tmp_path / "left-out.csv").write_text(left_out_table(read.left_out), newline="")
    back = read_table(tmp_path / "left-out.csv")
    assert len(back) == len(read.left_out) == 2
    assert back["molecule"].tolist()[0].startswith("'=C")
