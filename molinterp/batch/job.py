"""Parts of a batch: plan of the shards, pair, budget, outcome, and the function that computes pairs."""

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
"""Number of pairs that are stored together, and recomputed together after a run was killed."""
N_PER_SIZE = 2
"""Number of shards of each size below the full one."""


def plan(n_pairs: int, size: int = SHARD_SIZE) -> list[range]:
    """Divide the pairs into shards of increasing size, so that the first results come early.

    The plan depends only on the two numbers, never on workers or time.

    Args:
        n_pairs: total number of pairs.
        size: number of pairs in a full shard, at least 1.

    >>> [len(shard) for shard in plan(30, 8)]
    [1, 1, 2, 2, 4, 4, 8, 8]
    """
    shards: list[range] = []
    first, wanted = 0, 1
    while first < n_pairs:
        shards.append(range(first, min(first + wanted, n_pairs)))
        first = shards[-1].stop
        if len(shards) % N_PER_SIZE == 0:
            wanted = min(2 * wanted, size)
    return shards


@final
@dataclass(frozen=True)
class Pair:
    """One row of a pairs table."""

    id: str
    """The user's name of the pair, or the number of its row, starting at 0."""
    start: str
    """SMILES of the start; empty if the table has none."""
    end: str
    """SMILES of the end; empty if the table has none."""


@final
@dataclass(frozen=True)
class Budget:
    """Time and memory that one pair may use before its process is ended."""

    seconds: float = 120.0
    """Wall-clock time, in seconds."""
    mebibytes: int = 2048
    """Memory beyond that of the loaded model, in MiB."""

    def __post_init__(self) -> None:
        """Validate both limits.

        Raises:
            InputError: a limit is not above 0.
        """
        if not (self.seconds > 0 and math.isfinite(self.seconds)):
            raise InputError(f"`seconds` must be above 0; got {self.seconds}.")
        if self.mebibytes < 1:
            raise InputError(f"`mebibytes` must be at least 1; got {self.mebibytes}.")


@final
@dataclass(frozen=True)
class Outcome:
    """Result of one pair: the table of its path, or the reason why there is none."""

    columns: tuple[str, ...] = ()
    """Columns of the path's table; empty if there is no path."""
    rows: tuple[tuple[Any, ...], ...] = ()
    """One row per molecule, of text, numbers, booleans and None."""
    error: str = ""
    """Reason why there is no path; empty if there is one."""
    note: str = ""
    """Note for the reader of the path, such as a salt that was removed; may be empty."""

    @property
    def is_failed(self) -> bool:
        """Whether there is no path."""
        return not self.rows

    @classmethod
    def of(cls, result: MoleculePath | MolinterpError) -> Outcome:
        """Convert a result of `interpolate_many`."""
        if isinstance(result, MolinterpError):
            return cls(error=_in_one_line(str(result)))
        frame = result.to_frame().drop(columns="name")
        rows = tuple(tuple(_plain(v) for v in row) for row in frame.astype(object).to_numpy().tolist())
        return cls(tuple(frame.columns), rows, note=_in_one_line("; ".join(result.notes)))

    def to_json(self) -> list[Any]:
        """Return a list that JSON can represent."""
        return [self.columns, self.rows, self.error, self.note]

    @classmethod
    def from_json(cls, document: Sequence[Any]) -> Outcome:
        """Restore an outcome from `to_json`."""
        columns, rows, error, note = document
        return cls(tuple(columns), tuple(tuple(row) for row in rows), error, note)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(value: Any) -> Any:
    from pandas import isna

    return None if isna(value) or (isinstance(value, float) and math.isinf(value)) else value


FILES = ("library", "reference")
"""Options whose value may be a file of compounds."""

Compute = Callable[[Sequence[tuple[str, str]]], list[Outcome]]
"""Computes the outcomes of pairs of SMILES, in order."""


def template(options: Mapping[str, Any]) -> PathRequest:
    """Build the template of the requests of a batch.

    Without an explicit `timeout` there is no time limit, so that no path depends on the speed of the machine.

    Raises:
        InputError: an option does not exist, is out of range, contradicts another, or belongs to a single
            pair.
    """
    for name in ("start", "end", "via", "names", "n_paths"):
        if name in options:
            raise InputError(f"`{name}` is not an option of a batch.", argument=name)
    return PathRequest.of(**{"timeout": None, **options})


def open_compute(request: PathRequest, model: LatentModel | None = None) -> Compute:
    """Load the model and return the function that computes pairs with it.

    Args:
        request: template of the pairs' requests.
        model: loaded model to use instead of the one that the request names; None means the latter.

    Raises:
        BundleError: the model is missing or damaged.
        InputError: an option cannot be used with any pair.
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
