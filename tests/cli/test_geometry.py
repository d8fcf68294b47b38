import pytest

from tests.cli.commands import END, START, START_SMILES, check_refused, rows

SPACES = ("--output-space", "latent", "--output-space", "fingerprint")


def test_curves_are_compared_in_output_spaces(command, small, tmp_path):
    answer = command("geometry", START, END, *SPACES, *small)
    assert answer.code == 0, answer.err
    header, *found = rows(answer.out)
    assert header == ["space", "curve", "length", "energy", "quality", "improvement", "log_index"]
    assert [r[:2] for r in found] == [
        [s, c] for s in ("latent", "fingerprint") for c in ("linear", "slerp", "geodesic")
    ]
    assert 0 < float(found[5][5]) < 1
    assert "fingerprint: the geodesic is" in answer.err
    file = tmp_path / "g.csv"
    assert command("geometry", START, END, *SPACES, *small, "-o", str(file), "-q").err == ""
    assert file.read_text() == answer.out.replace("\t", ",")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("aspirin", START_SMILES), "the same compound"),
        (("aspirin", "ibuprofen", "-o", "g.sdf"), "must end in .csv or .tsv; got 'g.sdf'"),
        (("aspirin", "ibuprofen", "-o", "g.txt"), "must end in .csv or .tsv; got 'g.txt'"),
        (("aspirin", "ibuprofen", "--output-space", "smell"), "'smell' is not one of 'latent'"),
        (("-", "-"), "standard input (-) gives one compound and can be named once"),
    ],
)
def test_what_does_not_fit_is_refused(command, small, arguments, message):
    check_refused(command("geometry", *arguments, *small), 2, message)
