"""In-process engine: starts at once, accepts a loaded model, enforces no limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from molinterp.batch.job import Compute, Outcome
from molinterp.batch.pool import Result, Shard


@final
class InProcess:
    """Engine for a few pairs, for debugging, or for a model that is not in a folder."""

    def __init__(self, compute: Compute) -> None:
        """Store the function that computes pairs."""
        self._compute = compute

    def run(self, shards: Iterator[Shard]) -> Iterator[Result]:
        """Yield results in the order of the shards."""
        for number, pairs in shards:
            try:
                yield number, self._compute(pairs)
            except Exception:  # one pair has failed and must not cost the others their paths
                yield number, [self._one(pair) for pair in pairs]

    def _one(self, pair: tuple[str, str]) -> Outcome:
        try:
            return self._compute([pair])[0]
        except Exception as error:
            text = f"{type(error).__name__}: {' '.join(str(error).split())}"
            return Outcome(error=f"this pair met an internal error: {text}")

    def close(self) -> None:
        """Do nothing, because nothing was started."""
