"""What one run of a batch computes with, and the result of one pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from molinterp.errors import InputError, MolinterpError

if TYPE_CHECKING:
    from molinterp.model.bundle import Bundle
    from molinterp.paths.path import MoleculePath

SHARD_SIZE = 16
"""Pairs that are written together, and that stand or fall together when a run is killed."""
NO_TIMEOUT = 1e9
"""Seconds of a search: the clock decides no path; a batch's own budget ends what takes long."""
N_ALIKE = 2
"""Shards of each size below the full one."""


def plan(n_pairs: int, size: int = SHARD_SIZE) -> list[range]:
    """Which pairs make up each shard: the first a single pair, so that results come early, then more.

    The plan depends on the two numbers alone, never on workers or time.

    Args:
        n_pairs: pairs in all.
        size: pairs of a full shard, at least 1.

    >>> [len(shard) for shard in plan(30, 8)]
    [1, 1, 2, 2, 4, 4, 8, 8]
    """
    shards: list[range] = []
    first, wanted = 0, 1
    while first < n_pairs:
        shards.append(range(first, min(first + wanted, n_pairs)))
        first = shards[-1].stop
        if len(shards) % N_ALIKE == 0:
            wanted = min(2 * wanted, size)
    return shards


@final
@dataclass(frozen=True)
class Pair:
    """One row of a pairs table."""

    id: str
    """What the user calls it, or the number of its row, 0 for the first."""
    start: str
    """SMILES of the start; empty where the table has none."""
    end: str
    """SMILES of the end; empty where the table has none."""


@final
@dataclass(frozen=True)
class Setup:
    """Model and options of a run: all that a process needs, besides the pairs."""

    bundle: str = "default"
    """Name or folder of the bundle."""
    seed: int = 0
    """Seed of the sampled decodes."""
    device: str = "cpu"
    """Where the bundle is loaded, as torch names it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Other arguments of `molinterp.interpolate`, of JSON types: see `portable`; files by their names."""


@final
@dataclass(frozen=True)
class Budget:
    """What one pair may cost before its process is ended."""

    seconds: float = 120.0
    """Wall-clock time, in seconds."""
    mebibytes: int = 2048
    """Memory beyond what the loaded model takes, in MiB."""

    def __post_init__(self) -> None:
        """Hold both to what makes sense.

        Raises:
            InputError: one of them is not above 0.
        """
        if not (self.seconds > 0 and math.isfinite(self.seconds)):
            raise InputError(f"`seconds` must be above 0; got {self.seconds}.")
        if self.mebibytes < 1:
            raise InputError(f"`mebibytes` must be at least 1; got {self.mebibytes}.")


@final
@dataclass(frozen=True)
class Outcome:
    """Result of one pair: a table of its path, or why there is none."""

    columns: tuple[str, ...] = ()
    """Columns of the path's table; empty for a failure."""
    rows: tuple[tuple[Any, ...], ...] = ()
    """A row a molecule; text, numbers, booleans and None."""
    error: str = ""
    """Why there is no path; empty where there is one."""
    note: str = ""
    """What a reader of the path should know, as a salt that was left out; may be empty."""

    @property
    def is_failed(self) -> bool:
        """Whether there is no path."""
        return not self.rows

    @classmethod
    def of(cls, result: MoleculePath | MolinterpError) -> Outcome:
        """The outcome of what `interpolate_many` gives for a pair."""
        if isinstance(result, MolinterpError):
            return cls(error=_in_one_line(str(result)))
        frame = result.to_frame().drop(columns="name")
        rows = tuple(tuple(_plain(v) for v in row) for row in frame.astype(object).to_numpy().tolist())
        return cls(tuple(frame.columns), rows, note=_in_one_line("; ".join(result.notes)))

    def to_json(self) -> list[Any]:
        """A list that JSON can hold."""
        return [self.columns, self.rows, self.error, self.note]

    @classmethod
    def from_json(cls, document: Sequence[Any]) -> Outcome:
        """The outcome that `to_json` described."""
        columns, rows, error, note = document
        return cls(tuple(columns), tuple(tuple(row) for row in rows), error, note)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


FILES = ("library", "reference")
"""Options that name a file of compounds."""


def portable(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `interpolate` as JSON has them, where they can be.

    `search` and `limits` go by their fields, a file by its name.
    """

    def plain(name: str, value: Any) -> Any:
        if is_dataclass(value) and name in ("search", "limits"):
            return asdict(value)  # type: ignore[arg-type]
        return str(value) if isinstance(value, Path) else value

    return {name: plain(name, value) for name, value in options.items()}


def arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as `interpolate` takes them, from what `portable` gives and from names of files.

    Raises:
        InputError: a file cannot be read, or an option of `search` or `limits` is out of range.
    """
    from molinterp.chem.filters import Limits
    from molinterp.paths.library import Library, known_smiles
    from molinterp.paths.search import Search

    out = dict(options)
    if isinstance(search := out.get("search"), Mapping):
        out["search"] = Search(**search)
    if isinstance(limits := out.get("limits"), Mapping):
        # JSON has lists where the limits have tuples.
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in limits.items()}
        out["limits"] = Limits(**values)
    if isinstance(library := out.get("library"), str):
        out["library"] = Library.load(Path(library))
    if isinstance(reference := out.get("reference"), str):
        out["reference"] = known_smiles(reference)
    return out


Compute = Callable[[Sequence[tuple[str, str]]], list[Outcome]]
"""Pairs of SMILES to an outcome each, in order."""


def open_compute(setup: Setup, bundle: Bundle | None = None) -> Compute:
    """Load the bundle and give the function that computes pairs with it.

    Args:
        setup: model and options.
        bundle: a loaded bundle to take in place of the one that `setup` names.

    Raises:
        BundleError: the bundle is missing or damaged.
        InputError: an option cannot be used, whatever the pair.
    """
    from molinterp.model.bundle import Bundle
    from molinterp.paths.interpolate import interpolate_many
    from molinterp.paths.request import check_options
    from molinterp.paths.search import Search

    model = bundle if bundle is not None else Bundle.load(setup.bundle, setup.device)
    options = arguments(setup.options)
    search = options.get("search") or Search()
    if search.timeout == Search.timeout:  # nobody asked for it
        search = replace(search, timeout=NO_TIMEOUT)
    options["search"] = search
    check_options(bundle=model, device=setup.device, **options)

    def compute(pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
        found = interpolate_many(pairs, bundle=model, seed=setup.seed, device=setup.device, **options)
        return [Outcome.of(result) for result in found]

    return compute
