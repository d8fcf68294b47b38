"""What the command line says of a mistake: one line, in the words of the command line."""

import sys

import pytest
from molinterp.cli.main import main

from tests.test_cli import run as run_apart


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """The command in this process: exit code and stderr; the folder is `tmp_path`."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["molinterp", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, capsys.readouterr().err

    return call


def test_more_than_one_compound_on_standard_input_is_one_line():
    done = run_apart("path", "-", "aspirin", stdin="CCCCO\nCCCCN\n")
    assert done.returncode == 2
    assert done.stderr.startswith("molinterp: standard input must hold one molecule; got more.")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["path", "median", "geometry"])
def test_standard_input_is_named_once(run, command):
    code, err = run(command, "-", "-")
    assert code == 2 and "standard input (-) gives one compound and can be named once" in err
