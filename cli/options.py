"""Flags of commands, derived from the options of `molinterp.paths.request.PathRequest`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import Field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import click

from molinterp.errors import InputError, MolinterpError
from molinterp.options import Check, Choice, Flag, Option, Texts, Weights, default_of, options_of
from molinterp.paths.request import PathRequest, read_config

if TYPE_CHECKING:
    from molinterp.io.molecule_files import Record

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
OTHER = "General"
"""Heading of options without a group."""
_ARGUMENTS = ("start", "end", "via", "names")
"""Fields of a request that a command takes as arguments or columns."""


@final
class _Value(click.ParamType[Any]):
    """Type of a flag whose text is parsed by the check of its option."""

    def __init__(self, check: Check) -> None:
        self.name, self._check = check.metavar or "TEXT", check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the text of the flag."""
        try:
            return self._check.parse(value) if isinstance(value, str) else value
        except ValueError:
            self.fail(f"must be {self.name}; got {value!r}.", param, ctx)


@final
class GroupedOption(click.Option):
    """An option that is listed under a heading of the help page."""

    def __init__(self, *args: Any, group: str = OTHER, **settings: Any) -> None:
        """Accept the arguments of `click.Option`, and the heading."""
        super().__init__(*args, **settings)
        self.group = group


@final
class Command(click.Command):
    """A command whose help page groups the options under headings and whose errors name flags."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; arguments in backquotes in error messages are replaced by their flags."""
        try:
            return super().invoke(ctx)
        except MolinterpError as error:
            error.args = (in_flag_names(str(error), self), *error.args[1:])
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, grouped by heading."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                group = param.group if isinstance(param, GroupedOption) else OTHER
                groups.setdefault(group, []).append(record)
        for heading, records in sorted(groups.items(), key=lambda group: group[0] == OTHER):
            with formatter.section(heading):
                formatter.write_dl(records)


def path_options(*left_out: str) -> Decorator:
    """Give a command a flag for each option of a `PathRequest`, and --config.

    The command receives the options that were given, by name, as `given`. They include the options of the
    configuration file that no flag overrides.
    """
    declared = {n: d for n, d in options_of(PathRequest).items() if n not in (*_ARGUMENTS, *left_out)}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_request(config: Path | None, **asked: Any) -> Any:
            given = {} if config is None else read_config(config)
            given |= _given({name: asked.pop(name) for name in declared})
            return command(given=given, **asked)

        decorated: Callable[..., Any] = click.option(
            "--config", type=click.Path(path_type=Path), help="TOML file with options; flags override it."
        )(with_request)
        for name, (of, option) in reversed(declared.items()):
            decorated = _flag(name, of, option)(decorated)
        return decorated

    return decorate


def _flag(name: str, of: Field[Any], option: Option) -> Decorator:
    flag, default, check = f"--{name.replace('_', '-')}", default_of(of), option.check
    # None means that the flag was not given; the help text shows the default.
    settings: dict[str, Any] = {"default": None, "help": option.help, "group": option.group}
    if isinstance(check, Flag):
        return click.option(f"{flag}/--no-{flag[2:]}", cls=GroupedOption, **settings)
    if default not in (None, (), {}, ""):
        shown = ",".join(default) if isinstance(default, tuple) else default
        settings["help"] = f"{option.help}  [default: {shown}]"
    kind: Any = (
        click.Choice([str(e.value) for e in check.enumeration])
        if isinstance(check, Choice)
        else _Value(check)
    )
    is_multiple = isinstance(check, Weights) or (isinstance(check, Texts) and not check.has_commas)
    names = [option.flag, flag] if option.flag else [flag]
    return click.option(*names, cls=GroupedOption, type=kind, multiple=is_multiple, **settings)


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the flags that were given; repeated flags are merged."""
    out: dict[str, Any] = {}
    for name, value in asked.items():
        several = options_of(PathRequest)[name][1].check
        if value is None or (value == () and not (isinstance(several, Texts) and several.has_commas)):
            continue
        if isinstance(several, Weights):
            out[name] = {term: weight for part in value for term, weight in part.items()}
        elif isinstance(several, Texts) and not several.has_commas:
            out[name] = tuple(text for part in value for text in part)
        else:
            out[name] = value
    return out


def in_flag_names(message: str, command: click.Command) -> str:
    """Replace the arguments in backquotes in a message by the flags of a command."""
    flags = {name: max(param.opts, key=len) for param in command.params for name in [param.name or ""]}
    flags = {name: flag for name, flag in flags.items() if flag.startswith("--")}
    return re.sub(r"`(\w+)`", lambda quoted: flags.get(quoted[1], quoted[0]), message)


def tell_changes(compounds: Sequence[Record]) -> None:
    """Report on stderr how standardisation changes the compounds of a command."""
    from molinterp.chem.standardise import standardise

    for number, compound in enumerate(compounds, start=1):
        for change in standardise(compound.cxsmiles).changes:
            click.echo(f"note: {compound.name or f'compound {number}'}: {change}", err=True)


def target_of(model: str, output: Path | None) -> Path:
    """Return the folder that a command writes a bundle to: the output, or else that of the model.

    Raises:
        InputError: there is no output, and the model ships with molinterp.
        BundleError: the model is missing.
    """
    from molinterp.pretrained import BUNDLES

    from molinterp.model.storage import locate

    if output is None and model in BUNDLES:
        raise InputError(
            f"{model!r} ships with molinterp and is not overwritten. Give a folder with --output."
        )
    return output or locate(model)


@contextmanager
def byte_bar(label: str, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar of a download on stderr; call it with the bytes received and the total."""
    from tqdm import tqdm

    with tqdm(desc=label, unit="B", unit_scale=True, leave=False, disable=quiet) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
