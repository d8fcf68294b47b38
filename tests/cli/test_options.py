"""What commands share: options of a path, called by their flags, and the notes on compounds."""

import pytest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--alerts", "FOO"), "--alerts must be among PAINS, BRENK; got 'FOO'"),
        (("--only-library",), "--only-library must come with a --library and without --pointwise."),
        (("--term-weights", "x=1"), "--term-weights must name some of"),
        (("--elements", "Xx"), "--elements must be symbols"),
        (("-d", "abacus"), "--device must be"),
    ],
)
@pytest.mark.parametrize("words", [("path", "aspirin", "ibuprofen"), ("batch", "pairs.csv", "-o", "x.csv")])
@pytest.mark.usefixtures("without_workers")
def test_an_option_is_called_by_its_flag(command, small, tmp_path, words, options, message):
    (tmp_path / "pairs.csv").write_text("start,end\nCCO,CCCCN\n")
    answer = command(*words, *options, *small)
    assert answer.code == 2 and message in answer.err and "`" not in answer.err


@pytest.mark.parametrize("words", [("median", "-n", "1"), ("geometry", "--output-space", "latent")])
def test_commands_say_what_they_strip(command, small, words):
    answer = command(*words, "[Na+].CC(=O)[O-]", "CC[C@H](C)O |&1:2|", *small)
    assert answer.code == 0, answer.err
    assert "note: compound 1: salt or solvent left out: [Na+]" in answer.err
    assert "note: compound 2: stereo labels |&1:2| left out" in answer.err
