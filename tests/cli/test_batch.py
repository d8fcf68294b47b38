import pandas as pd
import pytest

from tests.cli.commands import END_SMILES, START, START_SMILES, check_refused


def test_a_table_of_pairs_becomes_one_of_paths(command, quick, tmp_path):
    pairs = [f"a,{START_SMILES},{END_SMILES}", "b,c1ccc,CCO", "c,CCO,CCCCN"]
    (tmp_path / "pairs.csv").write_text("\n".join(["pair,start,end", *pairs]))
    asked = ("batch", "pairs.csv", "-o", "paths.csv", "--errors", "errors.csv", *quick)
    answer = command(*asked)
    assert (answer.code, answer.out) == (3, ""), answer.err
    assert "2 of 3 pairs have a path" in answer.err
    frame = pd.read_csv(tmp_path / "paths.csv")
    assert frame["pair"].drop_duplicates().tolist() == ["a", "b", "c"]
    assert pd.read_csv(tmp_path / "errors.csv")["pair"].tolist() == ["b"]
    first = (tmp_path / "paths.csv").read_bytes()
    answer = command(*asked, "-j", "2", "-q", "--shard-size", "2")
    assert (answer.code, answer.err) == (3, "")
    assert (tmp_path / "paths.csv").read_bytes() == first


def test_a_mistyped_option_costs_no_batch(command, small, tmp_path):
    (tmp_path / "pairs.csv").write_text(f"start,end\n{START_SMILES},{END_SMILES}\n")
    answer = command("batch", "pairs.csv", "-o", "paths.csv", "--keep", "bbbb", "-q", *small)
    assert (answer.code, answer.out) == (2, "") and len(answer.err.splitlines()) == 1
    assert "feature 'bbbb' is not known. Did you mean 'bbb'?" in answer.err
    answer = command("batch", "pairs.csv", "-o", "./pairs.csv", *small)
    assert answer.code == 2 and "must not be the same file as the file of pairs" in answer.err
    assert [f.name for f in tmp_path.iterdir()] == ["pairs.csv"]


@pytest.mark.usefixtures("without_workers")
def test_a_table_may_name_a_drug(command, quick, tmp_path):
    (tmp_path / "pairs.csv").write_text(f"start,end\n{START},CCO\n")
    assert command("batch", "pairs.csv", "-o", "x.csv", "-q", *quick).code == 0
    assert pd.read_csv(tmp_path / "x.csv")["smiles"][0] == START_SMILES


def test_a_column_that_is_missing_is_asked_for_by_its_flag(command, tmp_path):
    (tmp_path / "pairs.csv").write_text("a,b\nCCO,CCCCN\n")
    asked = ("batch", "pairs.csv", "-o", "x.csv")
    answer = command(*asked)
    assert answer.code == 2 and "Say with --start which column it is" in answer.err
    answer = command(*asked, "--start", "a", "--end", "b", "--id", "c")
    assert answer.code == 2 and "Say with --id which column it is" in answer.err


def test_a_file_that_is_missing_is_said(command, tmp_path):
    check_refused(command("batch", "none.csv", "-o", "x.csv"), 2, "file 'none.csv' does not exist")
    assert list(tmp_path.iterdir()) == []
