"""What a batch computes: its plan, its budget, the request of its pairs, and the result of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from molinterp.errors import InputError, MolinterpError
from molinterp.paths.request import PathRequest

if TYPE_CHECKING:
    from molinterp.model.protocol import LatentModel
    from molinterp.paths.path import MoleculePath

SHARD_SIZE = 16
"""Pairs that are written together, and that stand or fall together when a run is killed."""
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
"""Options that may name a file of compounds."""

Compute = Callable[[Sequence[tuple[str, str]]], list[Outcome]]
"""Pairs of SMILES to an outcome each, in order."""


def template(options: Mapping[str, Any]) -> PathRequest:
    """Request for the pairs of a batch; unless a time limit is asked for, the clock decides no path.

    Raises:
        InputError: an option does not exist, is out of range, contradicts another, or belongs to a pair.
    """
    for name in ("start", "end", "via", "names", "n_paths"):
        if name in options:
            raise InputError(f"`{name}` is not an option of a batch.", argument=name)
    return PathRequest.of(**{"timeout": None, **options})


def open_compute(request: PathRequest, model: LatentModel | None = None) -> Compute:
    """Load the model and give the function that computes pairs with it.

    Args:
        request: template of the pairs' requests.
        model: a loaded model to use in place of the one that the request names.

    Raises:
        BundleError: the bundle is missing or damaged.
        InputError: an option cannot be used, whatever the pair.
    """
    from molinterp.model.bundle import Bundle
    from molinterp.paths.interpolate import check, interpolate_many, library_of, reference_of

    known = model if model is not None else Bundle.load(request.model, request.device)
    library, reference = library_of(request), reference_of(request)
    check(request, known)

    def compute(pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
        found = interpolate_many(pairs, request, known, library=library, reference=reference)
        return [Outcome.of(result) for result in found]

    return compute
