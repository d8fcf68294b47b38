from dataclasses import MISSING, dataclass

import click
import pytest
from click.testing import CliRunner
from molinterp.cli.options import Command
from molinterp.cli.settings_options import settings_from, settings_options

from molinterp.settings import check, group, setting


@dataclass(frozen=True)
class Inner:
    rate: float = setting(0.5, "A rate.", above=0)

    def __post_init__(self):
        check(self)


@dataclass(frozen=True)
class Outer:
    file: str = setting(MISSING, "A file.")
    n: int | None = setting(None, "A number.", low=2)
    kind: str = setting("a", "A kind.", choices=("a", "b"))
    hidden: int = setting(1, "For experts.", expert=True)
    inner: Inner = group(Inner, "Inner part.", flat=True)

    def __post_init__(self):
        check(self)


@click.command(cls=Command)
@settings_options(Outer)
def command(**values):
    click.echo(repr(settings_from(Outer, values, hidden=7)))


def test_options_make_the_settings():
    result = CliRunner().invoke(command, ["--file", "x", "--n", "3", "--rate", "0.1"])
    assert result.output.strip() == repr(Outer("x", 3, hidden=7, inner=Inner(0.1)))
    assert CliRunner().invoke(command, ["--file", "x"]).output.strip() == repr(Outer("x", hidden=7))


def test_help_shows_defaults_bounds_and_groups():
    text = CliRunner().invoke(command, ["--help"]).output
    assert "Inner part:" in text and "[default: 0.5; x>0]" in text and "[a|b]" in text
    assert "--hidden" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '--file'"),
        (["--file", "x", "--n", "1"], "Invalid value for '--n'"),
        (["--file", "x", "--rate", "0"], "Invalid value for '--rate'"),
        (["--file", "x", "--kind", "c"], "'c' is not one of"),
    ],
)
def test_what_is_wrong_is_named_by_its_flag(arguments, message):
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2 and message in result.output
