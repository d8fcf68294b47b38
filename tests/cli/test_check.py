import csv

import pytest
from molinterp.data import drugs

pytestmark = pytest.mark.weights
ALDEHYDE = "O=Cc1ccccc1"


@pytest.fixture
def molecules(tmp_path):
    file = tmp_path / "molecules.smi"
    file.write_text(f"{drugs()['ibuprofen']} ibuprofen\n{ALDEHYDE} benzaldehyde\nC1CC broken\n")
    return file


def test_every_molecule_has_a_verdict(command, molecules, tmp_path):
    out = tmp_path / "out.csv"
    code, stdout, err = command("check", str(molecules), "-o", str(out))
    assert (code, stdout) == (3, "") and err == "1 of 3 molecules pass every filter\n"
    with out.open() as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    assert rows["ibuprofen"]["verdict"] == "clean" and not rows["ibuprofen"]["reason"]
    assert rows["benzaldehyde"] == {
        "name": "benzaldehyde",
        "smiles": ALDEHYDE,
        "verdict": "alert",
        "reason": "aldehyde",
        "atoms": "0 1",
    }
    assert rows["broken"]["verdict"] == "invalid" and "unclosed ring" in rows["broken"]["reason"]


def test_sound_molecules_end_in_success_on_stdout(command, tmp_path):
    (tmp_path / "one.smi").write_text(f"{drugs()['ibuprofen']} ibuprofen\n")
    code, stdout, _ = command("check", str(tmp_path / "one.smi"), "-q")
    header, row = stdout.splitlines()
    assert code == 0 and header.split("\t") == ["name", "smiles", "verdict", "reason", "atoms"]
    assert row.split("\t")[2] == "clean"


def test_strict_takes_soft_alerts_for_failures(command, tmp_path):
    (tmp_path / "one.smi").write_text("Nc1ccc(S(=O)(=O)c2ccc(N)cc2)cc1 dapsone\n")
    assert command("check", str(tmp_path / "one.smi"), "-q")[0] == 0
    code, stdout, _ = command("check", str(tmp_path / "one.smi"), "-q", "--strict")
    assert code == 3 and "aniline" in stdout


def test_an_empty_file_is_an_error(command, tmp_path):
    (tmp_path / "none.smi").write_text("\n")
    code, _, err = command("check", str(tmp_path / "none.smi"))
    assert code == 2 and "holds no molecule" in err


def test_another_format_is_refused(command, molecules):
    code, _, err = command("check", str(molecules), "-o", "out.sdf")
    assert code == 2 and "an output file must end in .csv or .tsv; got 'out.sdf'" in err


def test_the_report_has_a_row_a_filter(command, molecules):
    code, stdout, _ = command("filters", "report", str(molecules), "--reasons", "-q")
    lines = [line.split("\t") for line in stdout.splitlines()]
    rows = {line[0]: line for line in lines}
    assert code == 0 and lines[0][:3] == ["filter", "drugs", str(molecules)]
    assert rows["n_molecules"][1:] == [str(len(drugs())), "2"]
    assert float(rows["any"][1]) <= 0.15 and rows["any"][2] == "0.5000"
    assert any(line[0] == "alert" and line[-1] == "aldehyde" for line in lines)
