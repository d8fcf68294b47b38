import json
import os
import subprocess
import sys

import pandas as pd
import pytest
from rdkit import Chem

from tests.cli.commands import APART, END, END_SMILES, START, START_SMILES, check_refused, rows, smiles_of

SUFFIXES = ("csv", "tsv", "json", "sdf", "smi")


@pytest.fixture
def path(command, quick):
    """`molinterp path` of the quick sort."""

    def run(*arguments, **options):
        return command("path", *arguments, *quick, **options)

    return run


def test_the_table_goes_to_stdout_and_the_rest_to_stderr(table):
    header, *molecules = rows(table.out)
    assert header[:4] == ["step", "name", "smiles", "t"]
    assert all(len(row) == len(header) for row in molecules)
    assert "molecules; worst step" in table.err


def test_a_process_of_its_own_answers_the_same(table, quick):
    done = subprocess.run(
        [*APART, "path", START, END, *quick],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == table


def test_names_files_and_smiles_give_the_same_path(table, path, tmp_path):
    (tmp_path / "a.smi").write_text(f"SMILES name\n{START_SMILES} {START}\n")
    (tmp_path / "b.csv").write_text(f"name,smiles\n{END},{END_SMILES}\n")
    assert path("a.smi", "b.csv").out == table.out
    assert smiles_of(path(START_SMILES, END_SMILES).out) == smiles_of(table.out)


def test_standard_input_is_read(table, path):
    assert path("-", END, stdin=f"{START_SMILES} {START}\n").out == table.out


def test_more_than_one_compound_on_standard_input_is_one_line(command):
    answer = command("path", "-", START, stdin="CCCCO\nCCCCN\n")
    assert answer.code == 2
    assert answer.err.startswith("molinterp: standard input must hold one molecule; got more.")
    assert answer.err.count("\n") == 1


@pytest.mark.weights
def test_a_path_of_the_model_has_small_steps_and_several_are_numbered(command, tmp_path):
    asked = ("--n-paths", "2", "--no-hybrids")
    answer = command("path", "aspirin", "ibuprofen", *asked, "-o", "x.csv")
    assert answer.code == 0, answer.err
    for name in ("x-1.csv", "x-2.csv"):
        steps = pd.read_csv(tmp_path / name)["similarity"].dropna()
        assert steps.min() >= 0.5
    assert not (tmp_path / "x.csv").exists()


def test_a_path_by_way_of_a_compound_holds_it(path):
    answer = path(START, "O=C(O)c1ccccc1O", END)
    names = [row[1] for row in rows(answer.out)[1:]]
    assert (names[0], names[-1]) == (START, END)
    assert "O=C(O)c1ccccc1O" in smiles_of(answer.out)


def test_quiet_says_nothing(table, path):
    assert path(START, END, "-q") == (0, table.out, "")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_suffix_picks_the_format(table, path, tmp_path, suffix):
    file = tmp_path / f"path.{suffix}"
    answer = path(START, END, "-o", str(file))
    assert answer.code == 0 and answer.out == ""
    if suffix == "json":
        found = [s["smiles"] for s in json.loads(file.read_text())["molecules"]]
    elif suffix == "sdf":
        found = [Chem.MolToSmiles(m) for m in Chem.SDMolSupplier(str(file))]
    elif suffix == "smi":
        found = [line.split()[0] for line in file.read_text().splitlines()]
    else:
        found = pd.read_csv(file, sep="," if suffix == "csv" else "\t")["smiles"].tolist()
    assert found == smiles_of(table.out)


def test_one_path_goes_to_several_files(table, path, tmp_path):
    answer = path(START, END, "-o", "a.tsv", "-o", "a.json")
    assert (answer.code, answer.out) == (0, "")
    assert (tmp_path / "a.tsv").read_text() == table.out
    steps = json.loads((tmp_path / "a.json").read_text())["molecules"]
    assert [s["smiles"] for s in steps] == smiles_of(table.out)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("c1ccc", "aspirin"), 2, "unclosed ring 1"),
        (("", "aspirin"), 2, "it is empty"),
        (("CC O", "aspirin"), 2, "blank inside"),
        (("asprin", "ibuprofen"), 2, "Did you mean 'aspirin'?"),
        (("none.smi", "aspirin"), 2, "'none.smi' does not exist"),
        (("aspirin", START_SMILES), 2, "the same compound"),
        (("C" * 250, "aspirin"), 2, "250 heavy atoms, the limit is 200"),
        (("C[As](C)C", "aspirin", "--no-hybrids"), 2, "unknown token [As]"),
        (("CCCCCCCC.CCCCCCCO", "aspirin"), 2, "mixture without a clear parent"),
        (("aspirin", "ibuprofen", "-o", "none/x.csv"), 2, "folder 'none' of the output does not exist"),
        (("aspirin", "ibuprofen", "-o", "x.docx"), 2, "must end in one of"),
        (("aspirin", "ibuprofen", "--n-molecules", "1"), 2, "--n-molecules must be a whole number"),
        (("aspirin", "ibuprofen", "-d", "abacus"), 2, "--device must"),
        (("aspirin", "ibuprofen", "--seed", str(2**64)), 2, "--seed"),
        (("aspirin",), 2, "a path needs two compounds"),
        (("aspirin", "ibuprofen", "--model", "none"), 4, "must be one that ships"),
        (
            ("aspirin", "ibuprofen", "--keep", "mw<500", "--keep", "mw>=600"),
            2,
            "got keep mw<500 and keep mw>=600",
        ),
        (("-", "-"), 2, "standard input (-) gives one compound and can be named once"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(command, small, tmp_path, arguments, code, message):
    model = () if "--model" in arguments else small
    check_refused(command("path", *arguments, *model), code, message)
    assert list(tmp_path.iterdir()) == []


def test_a_formula_in_a_name_is_neutralised_unless_asked_otherwise(path, tmp_path):
    (tmp_path / "a.smi").write_text("CCO =cmd\n")
    for option, name in ((), "'=cmd"), (("--raw-csv",), "=cmd"):
        assert rows(path("a.smi", START, "-q", *option).out)[1][1] == name


def test_a_file_that_is_a_smiles_too_asks_which(path, tmp_path):
    (tmp_path / "CCO").write_text("CCN amine\n")
    answer = path("CCO", START)
    assert answer.code == 2
    assert "Write file:CCO or smiles:CCO" in answer.err
    assert smiles_of(path("smiles:CCO", START, "-q").out)[0] == "CCO"


def test_the_row_of_a_bad_molecule_is_named(path, tmp_path):
    (tmp_path / "a.smi").write_text("smiles\n# a comment\nc1ccc broken\n")
    assert "Check line 3 of 'a.smi'" in path("a.smi", START).err


def test_compounds_of_a_catalogue_bear_its_names(command, small, tmp_path):
    (tmp_path / "stock.csv").write_text(
        "smiles,id\nCC(=O)Oc1ccccc1C,S-1\nno molecule,S-2\nCCCc1ccccc1OC(C)=O,S-3\n"
    )
    ends = (START_SMILES, "CCCCc1ccccc1OC(C)=O")
    answer = command("path", *ends, "--library", "stock.csv", "--only-library", *small)
    assert [row[1] for row in rows(answer.out)[1:]] == ["", "S-1", "S-3", ""]
    assert "note: library: records that are no molecules: 1" in answer.err


def test_a_salt_is_stripped_with_a_note(path):
    answer = path("[Na+].CC(=O)Oc1ccccc1C(=O)[O-]", END)
    assert answer.code == 0
    assert "note: start:" in answer.err


def test_an_end_that_the_model_cannot_spell_is_said(command, small):
    answer = command("path", "C[As](C)C", END, *small)
    assert answer.code == 0 and "cannot encode the start" in answer.err
    answer = command("path", "C[As](C)C", END, "--no-hybrids", *small)
    assert answer.code == 2 and "unknown token [As]" in answer.err


def test_a_racemate_is_taken_as_drawn_with_a_note(path):
    answer = path("-", END, stdin="CC[C@H](C)Oc1ccccc1 |&1:2| racemate\n")
    assert answer.code == 0, answer.err
    assert "note: start: stereo labels |&1:2| left out" in answer.err


@pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0),
    reason="permissions do not bind here",
)
def test_a_folder_closed_to_writing_is_found_before_the_work(path, tmp_path):
    tmp_path.chmod(0o500)
    answer = path(START, END, "-o", str(tmp_path / "x.csv"))
    assert answer.code == 2 and "cannot be written" in answer.err
