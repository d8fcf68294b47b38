"""What the command line says of a mistake: one line, in the words of the command line."""

import pytest
from molinterp.data import drugs

from tests.cli.test_cli import run as run_apart


@pytest.fixture
def run(command, monkeypatch, tmp_path):
    """The command in this process: exit code and stderr; the folder is `tmp_path`."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code, _, err = command(*arguments)
        return code, err

    return call


def test_more_than_one_compound_on_standard_input_is_one_line():
    done = run_apart("path", "-", "aspirin", stdin="CCCCO\nCCCCN\n")
    assert done.returncode == 2
    assert done.stderr.startswith("molinterp: standard input must hold one molecule; got more.")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", ["path", "median", "geometry"])
def test_standard_input_is_named_once(run, verb):
    code, err = run(verb, "-", "-")
    assert code == 2 and "standard input (-) gives one compound and can be named once" in err


def test_a_table_with_the_name_of_a_drug_says_that_it_takes_smiles(run, tmp_path):
    (tmp_path / "pairs.csv").write_text("start,end\nerlotinib,CCO\n")
    code, _ = run("batch", "pairs.csv", "-o", "x.csv", "--errors", "errors.csv", "--pointwise", "-q")
    text = (tmp_path / "errors.csv").read_text()
    assert code == 3 and f"tables and functions take its SMILES, {drugs()['erlotinib']}" in text


def test_windows_that_exclude_one_another_are_bad_usage(run):
    code, err = run("path", "aspirin", "ibuprofen", "--keep", "mw<500", "--keep", "mw>=600")
    assert code == 2 and "got keep mw<500 and keep mw>=600" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--alerts", "FOO"), "--alerts must be among PAINS, BRENK; got 'FOO'"),
        (("--only-library",), "--only-library must come with a --library and without --pointwise."),
        (("--term-weights", "x=1"), "--term-weights must name some of"),
        (("--elements", "Xx"), "--elements must be symbols"),
        (("--model", "smiles-small", "-d", "abacus"), "--device must be"),
    ],
)
@pytest.mark.parametrize("words", [("path", "aspirin", "ibuprofen"), ("batch", "pairs.csv", "-o", "x.csv")])
def test_an_option_is_called_by_its_flag(run, tmp_path, words, options, message):
    (tmp_path / "pairs.csv").write_text("start,end\nCCO,CCCCN\n")
    code, err = run(*words, *options)
    assert code == 2 and message in err and "`" not in err


def test_a_column_that_is_missing_is_asked_for_by_its_flag(run, tmp_path):
    (tmp_path / "pairs.csv").write_text("a,b\nCCO,CCCCN\n")
    code, err = run("batch", "pairs.csv", "-o", "x.csv")
    assert code == 2 and "Say with --start which column it is" in err
    code, err = run("batch", "pairs.csv", "-o", "x.csv", "--start", "a", "--end", "b", "--id", "c")
    assert code == 2 and "Say with --id which column it is" in err
