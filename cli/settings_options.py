"""Options of commands, derived from the fields of settings."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING
from typing import Any, TypeAlias, TypeVar

import click

from molinterp.errors import InputError
from molinterp.settings import Leaf, from_table, leaves

Settings = TypeVar("Settings")
Command: TypeAlias = Callable[..., Any]
Decorator: TypeAlias = Callable[[Command], Command]


def settings_options(*classes: type, leave_out: Collection[str] = ()) -> Decorator:
    """Give a command an option for each field of some settings; errors about a field name its option.

    Args:
        classes: dataclasses whose fields are declared by `molinterp.settings.setting`.
        leave_out: names of fields that do not become options.
    """
    options = {leaf.name: leaf for cls in classes for leaf in leaves(cls) if leaf.name not in leave_out}

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_flags(*arguments: Any, **values: Any) -> Any:
            try:
                return command(*arguments, **values)
            except InputError as error:
                names = {param.name for param in click.get_current_context().command.params}
                raise InputError(_in_flags(str(error), names)) from error

        decorated: Command = with_flags
        for leaf in reversed(options.values()):
            decorated = _option(leaf)(decorated)
        return decorated

    return decorate


def settings_from(cls: type[Settings], values: Mapping[str, Any], **others: Any) -> Settings:
    """Create settings from the values of a command's options and from `others`."""
    names = {leaf.name for leaf in leaves(cls, is_expert=True)}
    given = {name: value for name, value in values.items() if name in names and value is not None}
    return from_table(cls, given | others)


def flag_of(name: str) -> str:
    """Return the flag of a field."""
    return f"--{name.replace('_', '-')}"


def _option(leaf: Leaf) -> Decorator:
    is_required = leaf.default is MISSING
    return click.option(
        flag_of(leaf.name),
        leaf.name,
        type=_type(leaf),
        default=None if is_required else leaf.default,
        required=is_required,
        show_default=leaf.default is not None,
        help=leaf.help,
    )


def _type(leaf: Leaf) -> Any:
    check = leaf.check
    if check.choices:
        return click.Choice(check.choices)
    if leaf.type is int:
        return click.IntRange(_whole(check.low), _whole(check.high))
    if leaf.type is float:
        low = check.low if check.above is None else check.above
        return click.FloatRange(low, check.high, min_open=check.above is not None)
    return leaf.type


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _in_flags(message: str, names: Collection[str | None]) -> str:
    """Message with flags in place of the fields in backquotes."""
    return re.sub(r"`(\w+)`", lambda quoted: flag_of(quoted[1]) if quoted[1] in names else quoted[0], message)
