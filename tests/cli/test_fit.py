import pytest

from tests.cli.commands import check_refused


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("density", "one.csv"), 2, "'default' ships with molinterp and is not overwritten"),
        (("density", "none.csv", "-o", "new", "{small}"), 2, "does not exist"),
        (
            ("density", "one.csv", "-o", "new", "{small}"),
            2,
            "'one.csv' holds no molecule of the split 'valid'. Give it a column 'split'",
        ),
        (("everything", "none.csv"), 2, "'everything' is not one of"),
        (("all", "none.csv", "--model", "none"), 4, "must be one that ships"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(command, small, tmp_path, arguments, code, message):
    (tmp_path / "one.csv").write_text("smiles,y\n" + "".join(f"{'C' * i}O,1\n" for i in range(1, 40)))
    asked = [part for a in arguments for part in (small if a == "{small}" else (a,))]
    check_refused(command("fit", *asked), code, message)
    assert [p.name for p in tmp_path.iterdir()] == ["one.csv"]
