import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem

ASPIRIN, IBUPROFEN = "CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"


def run(*arguments, stdin="", cwd=None, **environment):
    """The command as a user runs it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from molinterp.cli.main import main; main()", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        timeout=120,
    )


def run_path(*arguments, **options):
    """The quick sort of path, where the path itself is not what is tested."""
    return run("path", "--pointwise", *arguments, **options)


@pytest.fixture(scope="module")
def table():
    done = run_path("aspirin", "ibuprofen")
    assert done.returncode == 0, done.stderr
    return done


def test_the_table_goes_to_stdout_and_the_rest_to_stderr(table):
    lines = table.stdout.splitlines()
    header = lines[0].split("\t")
    assert header[:4] == ["step", "name", "smiles", "t"]
    assert all(len(line.split("\t")) == len(header) for line in lines)
    assert "molecules; worst step" in table.stderr


def test_names_files_and_smiles_give_the_same_path(table, tmp_path):
    (tmp_path / "a.smi").write_text(f"SMILES name\n{ASPIRIN} aspirin\n")
    (tmp_path / "b.csv").write_text(f"name,smiles\nibuprofen,{IBUPROFEN}\n")
    done = run_path("a.smi", "b.csv", cwd=tmp_path)
    assert done.stdout == table.stdout
    typed = run_path(ASPIRIN, IBUPROFEN)
    assert [r.split("\t")[2] for r in typed.stdout.splitlines()] == [
        r.split("\t")[2] for r in table.stdout.splitlines()
    ]


def test_standard_input_is_read(table):
    done = run_path("-", "ibuprofen", stdin=f"{ASPIRIN} aspirin\n")
    assert done.stdout == table.stdout


def test_the_default_path_has_small_steps_and_several_are_numbered(tmp_path):
    done = run("path", "aspirin", "ibuprofen", "--n-paths", "2", "-o", "x.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("x-1.csv", "x-2.csv"):
        steps = pd.read_csv(tmp_path / name)["similarity"].dropna()
        assert steps.min() >= 0.5
    assert not (tmp_path / "x.csv").exists()


def test_a_path_by_way_of_a_compound_holds_it(table):
    done = run_path("aspirin", "O=C(O)c1ccccc1O", "ibuprofen")
    names = [line.split("\t")[1] for line in done.stdout.splitlines()[1:]]
    assert (names[0], names[-1]) == ("aspirin", "ibuprofen")
    assert "O=C(O)c1ccccc1O" in [line.split("\t")[2] for line in done.stdout.splitlines()]


def test_the_median_of_two_is_a_table():
    done = run("median", "aspirin", "ibuprofen", "-n", "3")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("rank\tsmiles\tdispersion\tsimilarity_to_aspirin\tsimilarity_to_ibuprofen")
    assert len(lines) <= 4


def test_quiet_says_nothing(table):
    done = run_path("aspirin", "ibuprofen", "-q")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", table.stdout)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "sdf", "smi"])
def test_the_suffix_picks_the_format(table, tmp_path, suffix):
    file = tmp_path / f"path.{suffix}"
    done = run_path("aspirin", "ibuprofen", "-o", str(file))
    assert done.returncode == 0 and done.stdout == ""
    expected = [r.split("\t")[2] for r in table.stdout.splitlines()[1:]]
    if suffix == "json":
        found = [s["smiles"] for s in json.loads(file.read_text())["molecules"]]
    elif suffix == "sdf":
        found = [Chem.MolToSmiles(m) for m in Chem.SDMolSupplier(str(file))]
    elif suffix == "smi":
        found = [line.split()[0] for line in file.read_text().splitlines()]
    else:
        found = pd.read_csv(file, sep="," if suffix == "csv" else "\t")["smiles"].tolist()
    assert found == expected


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("path", "c1ccc", "aspirin"), 2, "unclosed ring 1"),
        (("path", "", "aspirin"), 2, "it is empty"),
        (("path", "CC O", "aspirin"), 2, "blank inside"),
        (("path", "asprin", "ibuprofen"), 2, "Did you mean 'aspirin'?"),
        (("path", "none.smi", "aspirin"), 2, "'none.smi' does not exist"),
        (("path", "aspirin", ASPIRIN), 2, "the same compound"),
        (("path", "C" * 250, "aspirin"), 2, "250 heavy atoms, the limit is 200"),
        (("path", "C[As](C)C", "aspirin"), 2, "unknown token [As]"),
        (("path", "CCCCCCCC.CCCCCCCO", "aspirin"), 2, "mixture without a clear parent"),
        (
            ("path", "aspirin", "ibuprofen", "-o", "none/x.csv"),
            2,
            "folder 'none' of the output does not exist",
        ),
        (("path", "aspirin", "ibuprofen", "-o", "x.docx"), 2, "must end in one of"),
        (
            ("path", "aspirin", "ibuprofen", "--n-molecules", "1"),
            2,
            "--n-molecules must be a whole number, at least 2",
        ),
        (("path", "aspirin", "ibuprofen", "-d", "abacus"), 2, "--device must"),
        (("path", "aspirin"), 2, "a path needs two compounds"),
        (("batch", "none.csv", "-o", "x.csv"), 2, "file 'none.csv' does not exist"),
        (("report", "none.json", "-o", "x.html"), 2, "file 'none.json' does not exist"),
        (("path", "aspirin", "ibuprofen", "--model", "none"), 4, "must be one that ships"),
        (("models", "verify", "none"), 4, "must be one that ships"),
        (("train", "none.csv", "-o", "x", "--minutes", "1"), 2, "does not exist"),
        (("train", "none.csv", "-o", "x"), 2, "needs a budget"),
        (
            ("train", "none.csv", "-o", "x", "--minutes", "1", "--teach", "bbb,herg"),
            2,
            "must name some of ahr, bace1, bbb, lipophilic, soluble, or all or none; got 'herg'",
        ),
        (("models", "eval", "none.csv"), 2, "cannot be read"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(tmp_path, arguments, code, message):
    done = run(*arguments, cwd=tmp_path)
    assert message in done.stderr
    assert done.returncode == code
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_report_from_a_file_and_from_the_path_itself(table, tmp_path):
    for name in ("path.json", "direct.html"):
        assert run_path("aspirin", "ibuprofen", "-q", "-o", name, cwd=tmp_path).returncode == 0
    done = run("report", "path.json", "-o", "report.html", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == ""
    assert f"{len(table.stdout.splitlines()) - 1} molecules drawn" in done.stderr
    pages = [(tmp_path / name).read_text(encoding="utf-8") for name in ("report.html", "direct.html")]
    assert pages[0] == pages[1]
    done = run("report", "path.json", "-o", "report.pdf", cwd=tmp_path)
    assert done.returncode == 2 and "must end in .html" in done.stderr


def test_a_batch_of_pairs(tmp_path):
    rows = [f"a,{ASPIRIN},{IBUPROFEN}", "b,c1ccc,CCO", "c,CCO,CCCCN"]
    (tmp_path / "pairs.csv").write_text("\n".join(["pair,start,end", *rows]))
    command = ("batch", "pairs.csv", "-o", "paths.csv", "--errors", "errors.csv", "--pointwise")
    done = run(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert "2 of 3 pairs have a path" in done.stderr
    frame = pd.read_csv(tmp_path / "paths.csv")
    assert frame["pair"].drop_duplicates().tolist() == ["a", "b", "c"]
    assert pd.read_csv(tmp_path / "errors.csv")["pair"].tolist() == ["b"]
    first = (tmp_path / "paths.csv").read_bytes()
    done = run(*command, "-j", "2", "-q", "--shard-size", "2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert (tmp_path / "paths.csv").read_bytes() == first


def test_a_mistyped_option_costs_no_batch(tmp_path):
    (tmp_path / "pairs.csv").write_text(f"start,end\n{ASPIRIN},{IBUPROFEN}\n")
    done = run("batch", "pairs.csv", "-o", "paths.csv", "--keep", "bbbb", "-q", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and len(done.stderr.splitlines()) == 1
    assert "feature 'bbbb' is not known. Did you mean 'bbb'?" in done.stderr
    done = run("batch", "pairs.csv", "-o", "./pairs.csv", cwd=tmp_path)
    assert done.returncode == 2 and "must be another file than the file of pairs" in done.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["pairs.csv"]


def test_a_formula_in_a_name_is_neutralised_unless_asked_otherwise(tmp_path):
    (tmp_path / "a.smi").write_text("CCO =cmd\n")
    for option, name in ((), "'=cmd"), (("--raw-csv",), "=cmd"):
        done = run_path("a.smi", "aspirin", "-q", *option, cwd=tmp_path)
        assert done.stdout.splitlines()[1].split("\t")[1] == name


def test_a_file_that_is_a_smiles_too_asks_which(tmp_path):
    (tmp_path / "CCO").write_text("CCN amine\n")
    done = run_path("CCO", "aspirin", cwd=tmp_path)
    assert done.returncode == 2
    assert "Write file:CCO or smiles:CCO" in done.stderr
    assert (
        run_path("smiles:CCO", "aspirin", "-q", cwd=tmp_path).stdout.splitlines()[1].split("\t")[2] == "CCO"
    )


def test_the_row_of_a_bad_molecule_is_named(tmp_path):
    (tmp_path / "a.smi").write_text("smiles\n# a comment\nc1ccc broken\n")
    done = run_path("a.smi", "aspirin", cwd=tmp_path)
    assert "Check line 3 of 'a.smi'" in done.stderr


def test_one_path_goes_to_several_files(table, tmp_path):
    done = run_path("aspirin", "ibuprofen", "-o", "a.tsv", "-o", "a.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "a.tsv").read_text() == table.stdout
    steps = json.loads((tmp_path / "a.json").read_text())["molecules"]
    assert [m["smiles"] for m in steps] == [r.split("\t")[2] for r in table.stdout.splitlines()[1:]]


def test_compounds_of_a_catalogue_bear_its_names(tmp_path):
    (tmp_path / "stock.csv").write_text(
        "smiles,id\nCC(=O)Oc1ccccc1C,S-1\nno molecule,S-2\nCCCc1ccccc1OC(C)=O,S-3\n"
    )
    ends = (ASPIRIN, "CCCCc1ccccc1OC(C)=O")
    done = run("path", *ends, "--library", "stock.csv", "--only-library", cwd=tmp_path)
    assert [row.split("\t")[1] for row in done.stdout.splitlines()[1:]] == ["", "S-1", "S-3", ""]
    assert "note: library: records that are no molecules: 1" in done.stderr


def test_a_salt_is_stripped_with_a_note():
    done = run_path("[Na+].CC(=O)Oc1ccccc1C(=O)[O-]", "ibuprofen")
    assert done.returncode == 0
    assert "note: start:" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a shell")
@pytest.mark.parametrize("command", [("median", "-n", "1"), ("geometry", "--output-space", "latent")])
def test_other_commands_say_what_they_strip(command):
    done = run(*command, "[Na+].CC(=O)[O-]", "CC[C@H](C)O |&1:2|")
    assert done.returncode == 0, done.stderr
    assert "note: compound 1: salt or solvent left out: [Na+]" in done.stderr
    assert "note: compound 2: stereo labels |&1:2| left out" in done.stderr


def test_a_racemate_is_taken_as_drawn_with_a_note():
    done = run_path("-", "ibuprofen", stdin="CC[C@H](C)Oc1ccccc1 |&1:2| racemate\n")
    assert done.returncode == 0, done.stderr
    assert "note: start: stereo labels |&1:2| left out" in done.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_pipe_gets_utf_8_whatever_the_locale(encoding):
    environment = {"PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, "-c", "from molinterp.cli.main import main; main()", "path", "--help"],
        capture_output=True,
        env=os.environ | environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Weight in λ" in done.stdout.decode("utf-8")


def test_a_reader_that_stops_early_is_no_error():
    command = f'"{sys.executable}" -c "from molinterp.cli.main import main; main()" path aspirin ibuprofen -q | head -1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("step\t") and done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a shell")
@pytest.mark.parametrize("command", [("models", "list"), ("data", "list"), ("path", "--help")])
def test_a_reader_that_is_gone_is_no_error(command):
    program = [sys.executable, "-c", "from molinterp.cli.main import main; main()", *command]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("command", [("models", "list"), ("path", "--help")])
def test_a_full_disk_is_said(command):
    program = [sys.executable, "-c", "from molinterp.cli.main import main; main()", *command]
    with open("/dev/full", "w") as full:
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "molinterp: the output cannot be written: no space is left on its device.\n"


def test_a_seed_that_no_generator_takes_is_bad_usage():
    done = run_path("aspirin", "ibuprofen", "--seed", str(2**64))
    assert done.returncode == 2 and "--seed" in done.stderr


@pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0),
    reason="permissions do not bind here",
)
def test_a_folder_closed_to_writing_is_found_before_the_work(tmp_path):
    tmp_path.chmod(0o500)
    done = run_path("aspirin", "ibuprofen", "-o", str(tmp_path / "x.csv"))
    assert done.returncode == 2 and "cannot be written" in done.stderr


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from molinterp.cli.main import cli; cli(['--help'], standalone_mode=False); "
        "assert not {'torch', 'rdkit', 'pandas', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Exit codes" in done.stdout


def test_train_eval_and_path_with_a_bundle_of_ones_own(tmp_path):
    smiles = [f"{'C' * i}{x}" for i in range(1, 9) for x in ("O", "N", "F", "Cl", "C(=O)O", "c1ccccc1")]
    rows = [f"{s},{split}" for s in smiles for split in ("train", "test")]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *rows]))
    sizes = ("--latent-dim", "4", "--encoder-dim", "16", "--decoder-dim", "32", "--tokens", "50")
    budget = ("--optimiser-steps", "30", "--batch-size", "16", "--representation", "selfies")
    train = ("train", "m.csv", "-o", "own", *budget, *sizes)
    done = run(*train, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "bundle written to own" in done.stderr
    refine = ("refine", "own", "m.csv", "-o", "better", "--cache", "own.cache", "--steps", "3")
    done = run(*refine, "--points", "64", "--compounds", "40", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run("models", "average", "own", "better", "-o", "mean", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert run("models", "verify", "./mean", cwd=tmp_path).stdout == "mean: sound\n"
    evaluate = ("models", "eval", "m.csv", "--model", "better", "--save", "-n", "40", "--pairs", "20")
    done = run(*evaluate, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    # The greedy string of so young a model may be empty; of a beam, all others in SELFIES are molecules.
    assert figures["n_molecules"] == 40 and figures["beam_midpoint_valid"] == 1.0
    info = json.loads(run("models", "info", "better", cwd=tmp_path).stdout)
    assert info["figures"] == figures
    assert info["training"]["steps"] == 30 and len(info["training"]["refined"]) == 2
    path = run("path", "CCO", "CCCCN", "--model", "better", "-q", cwd=tmp_path)
    assert path.returncode == 0 and len(path.stdout.splitlines()) >= 3


def test_geometry_compares_curves_in_output_spaces(tmp_path):
    spaces = ("--output-space", "latent", "--output-space", "fingerprint")
    done = run("geometry", "aspirin", "ibuprofen", *spaces)
    assert done.returncode == 0, done.stderr
    header, *rows = (line.split("\t") for line in done.stdout.splitlines())
    assert header == ["space", "curve", "length", "energy", "quality", "improvement"]
    assert [r[:2] for r in rows] == [
        [s, c] for s in ("latent", "fingerprint") for c in ("linear", "slerp", "geodesic")
    ]
    assert 0 < float(rows[5][5]) < 1
    assert "fingerprint: the geodesic is" in done.stderr
    file = tmp_path / "g.csv"
    assert run("geometry", "aspirin", "ibuprofen", *spaces, "-o", str(file), "-q").stderr == ""
    assert file.read_text() == done.stdout.replace("\t", ",")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("aspirin", ASPIRIN), "the same compound"),
        (("aspirin", "ibuprofen", "-o", "g.sdf"), "must end in .csv or .tsv; got 'g.sdf'"),
        (("aspirin", "ibuprofen", "-o", "g.txt"), "must end in .csv or .tsv; got 'g.txt'"),
        (("aspirin", "ibuprofen", "--output-space", "smell"), "'smell' is not one of 'latent'"),
    ],
)
def test_geometry_refuses_what_does_not_fit(tmp_path, arguments, message):
    done = run("geometry", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and message in done.stderr
