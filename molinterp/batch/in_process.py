"""Shards computed in this process: no start-up, a loaded bundle is taken, no budget holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from molinterp.batch.job import Compute, Outcome
from molinterp.batch.pool import Result, Shard


@final
class InProcess:
    """The engine for a few pairs, a debugger or a bundle that is in no folder."""

    def __init__(self, compute: Compute) -> None:
        """Take the function that computes pairs."""
        self._compute = compute

    def run(self, shards: Iterator[Shard]) -> Iterator[Result]:
        """Results in the order of the shards."""
        for number, pairs in shards:
            try:
                yield number, self._compute(pairs)
            except Exception:  # one pair is at fault, the others must not pay
                yield number, [self._one(pair) for pair in pairs]

    def _one(self, pair: tuple[str, str]) -> Outcome:
        try:
            return self._compute([pair])[0]
        except Exception as error:
            text = f"{type(error).__name__}: {' '.join(str(error).split())}"
            return Outcome(error=f"this pair met an internal error: {text}")

    def close(self) -> None:
        """Nothing was started."""
