"""Options of commands, derived from the fields of settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING
from typing import Any, TypeVar

import click
from molinterp.cli.options import OTHER, GroupedOption

from molinterp.settings import Leaf, from_table, leaves

Settings = TypeVar("Settings")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def settings_options(*classes: type, leave_out: Collection[str] = ()) -> Decorator:
    """Give a command an option for each field of some settings, under the heading of its group.

    Args:
        classes: dataclasses whose fields are declared by `molinterp.settings.setting`.
        leave_out: names of fields that do not become options.
    """
    options = {leaf.name: leaf for cls in classes for leaf in leaves(cls) if leaf.name not in leave_out}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for leaf in reversed(options.values()):
            command = _option(leaf)(command)
        return command

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
    default: dict[str, Any] = {} if is_required else {"default": leaf.default}
    return click.option(
        flag_of(leaf.name),
        leaf.name,
        cls=GroupedOption,
        group=leaf.group or OTHER,
        type=_type(leaf),
        required=is_required,
        show_default=leaf.default not in (None, MISSING),
        help=leaf.help,
        **default,
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
