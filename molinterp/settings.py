"""Settings as frozen dataclasses: each field declares its default, its check and its help once.

A command line, a TOML file and Python share them: `leaves` lists what can be set, `from_table` builds the
settings from what was written, `to_table` writes them.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any, TypeVar, final

from molinterp.errors import InputError
from molinterp.options import near, refuse

Settings = TypeVar("Settings")


@final
@dataclass(frozen=True)
class Check:
    """Values that a field accepts."""

    low: float | None = None
    """Smallest value; None means no bound."""
    high: float | None = None
    """Largest value; None means no bound."""
    above: float | None = None
    """Values must exceed this; None means no bound."""
    choices: tuple[str, ...] = ()
    """The only values; empty means any."""

    def fault(self, value: Any) -> str | None:
        """Say what a value should have been, None where it passes."""
        if self.choices and value not in self.choices:
            return f"one of {', '.join(self.choices)}"
        bounds = {"at least": self.low, "at most": self.high, "greater than": self.above}
        said = [f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None]
        passes = (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
        )
        return None if passes else " and ".join(said)


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    choices: Sequence[str] = (),
    expert: bool = False,
) -> Any:
    """Declare a field of a settings dataclass.

    Args:
        default: its value, or a function that makes it; `MISSING` means that it must be given.
        help: what it does, in a line or two, with its unit.
        low: smallest value.
        high: largest value.
        above: values must exceed this.
        choices: the only values.
        expert: whether the field is left to Python and recipes, and is no option of a command.
    """
    made = {"default_factory": default} if callable(default) else {"default": default}
    check = Check(low, high, above, tuple(choices))
    return dataclasses.field(**made, metadata={"help": help, "check": check, "expert": expert})


def group(default: Callable[[], Any], help: str, *, flat: bool = False, expert: bool = False) -> Any:
    """Declare a field that holds settings itself.

    Args:
        default: makes them.
        help: what they are of.
        flat: whether their options bear their own names, without that of the group before them.
        expert: as in `setting`.
    """
    return dataclasses.field(
        default_factory=default, metadata={"help": help, "check": Check(), "flat": flat, "expert": expert}
    )


def check(settings: Any) -> None:
    """Check each field of some settings; to be called in `__post_init__`.

    Raises:
        InputError: a value is of another type or out of range.
    """
    hints = typing.get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        value, wanted = getattr(settings, field.name), hints[field.name]
        if not _is_of(value, wanted):
            raise refuse(field.name, _named(wanted), value)
        rule = field.metadata.get("check", Check())
        for one in value if isinstance(value, tuple) else (value,):
            fault = None if one is None or dataclasses.is_dataclass(one) else rule.fault(one)
            if fault:
                raise refuse(field.name, fault, one)


@final
@dataclass(frozen=True)
class Leaf:
    """A single value among some settings."""

    name: str
    """Name of its option, with underscores; groups that are not flat stand before it."""
    path: tuple[str, ...]
    """Fields that lead to it."""
    type: Any
    """Its type, without the None that an optional one takes."""
    default: Any
    """Value where none is given; `MISSING` where it must be."""
    help: str
    """What it does."""
    check: Check
    """What it accepts."""
    group: str = ""
    """What the group that it is in holds; empty outside of any."""


def leaves(cls: type, is_expert: bool = False) -> Iterator[Leaf]:
    """List the values of some settings in the order of their fields.

    Args:
        cls: the dataclass.
        is_expert: whether fields that are no options of a command are listed too.
    """
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.metadata.get("expert") and not is_expert:
            continue
        made = _default(field)
        if not dataclasses.is_dataclass(hints[field.name]):
            of_type = _without_none(hints[field.name])
            yield Leaf(
                field.name, (field.name,), of_type, made, field.metadata["help"], field.metadata["check"]
            )
            continue
        for leaf in leaves(hints[field.name], is_expert):
            name = leaf.name if field.metadata.get("flat") else f"{field.name}_{leaf.name}"
            default = made
            for part in leaf.path:
                default = getattr(default, part)
            yield dataclasses.replace(
                leaf,
                name=name,
                path=(field.name, *leaf.path),
                default=default,
                group=field.metadata["help"].rstrip("."),
            )


def to_table(settings: Any) -> dict[str, Any]:
    """Settings as one table of TOML types, each value by the name of its leaf; what is None is left out."""
    table: dict[str, Any] = {}
    for leaf in leaves(type(settings), is_expert=True):
        value = settings
        for part in leaf.path:
            value = getattr(value, part)
        if value is not None:
            table[leaf.name] = list(value) if isinstance(value, tuple) else value
    return table


def from_table(cls: type[Settings], table: Mapping[str, Any], where: str = "the settings") -> Settings:
    """Build settings from a table of values, each by the name of its leaf.

    Args:
        cls: the dataclass.
        table: what differs from the defaults.
        where: what the table is called in messages.

    Raises:
        InputError: a name is unknown or missing, or a value is wrong.
    """
    known = {leaf.name: leaf for leaf in leaves(cls, is_expert=True)}
    for name in table:
        if name not in known:
            hint = near(name, known) or f"It has {', '.join(known)}."
            raise InputError(f"{where} has no setting {name!r}. {hint}", argument=name)
    missing = [name for name, leaf in known.items() if leaf.default is MISSING and name not in table]
    if missing:
        raise InputError(f"{where} must have {' and '.join(map(repr, missing))}. Add it.")
    nested: dict[str, Any] = {}
    for name, value in table.items():
        here = nested
        for part in known[name].path[:-1]:
            here = here.setdefault(part, {})
        here[known[name].path[-1]] = _converted(known[name].type, value)
    return _built(cls, nested, None)


def _built(cls: type[Settings], nested: Mapping[str, Any], base: Any) -> Settings:
    """Settings with the values of `nested`; the others are those of `base`, None means the defaults."""
    hints, values = typing.get_type_hints(cls), {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name in nested:
            value = nested[field.name]
            if dataclasses.is_dataclass(hints[field.name]):
                made = _default(field) if base is None else getattr(base, field.name)
                value = _built(hints[field.name], value, made)
            values[field.name] = value
    return cls(**values) if base is None else dataclasses.replace(base, **values)


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _converted(wanted: Any, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return float(value) if wanted is float and type(value) is int else value


def _without_none(wanted: Any) -> Any:
    if isinstance(wanted, types.UnionType):
        (kept,) = (part for part in typing.get_args(wanted) if part is not types.NoneType)
        return kept
    return wanted


def _is_of(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, types.UnionType):
        return any(_is_of(value, part) for part in typing.get_args(wanted))
    if typing.get_origin(wanted) is tuple:
        (part, *_) = typing.get_args(wanted)
        return isinstance(value, tuple) and all(_is_of(one, part) for one in value)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return (
        type(value) is bool
        if wanted is bool
        else isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
    )


def _named(wanted: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    kept = _without_none(wanted)
    if typing.get_origin(kept) is tuple:
        return "a list"
    return names.get(kept, getattr(kept, "__name__", str(kept)))
