"""Show the progress of a batch on stderr: pairs done, pairs per second, failures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, final


@final
class _Log:
    """Standard error without write errors, so that a closed terminal does not end a run."""

    def write(self, text: str) -> None:
        """Write a text, or drop it if that fails."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush, or do nothing if that fails."""
        with suppress(OSError):
            sys.stderr.flush()

    def __getattr__(self, name: str) -> Any:
        """Take all other attributes from stderr."""
        return getattr(sys.stderr, name)


@contextmanager
def bar(n_pairs: int, is_shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Provide a function that advances a bar on stderr by (pairs, failures).

    Args:
        n_pairs: total number of pairs.
        is_shown: whether to show the bar.
    """
    from tqdm import tqdm

    failures = 0
    with tqdm(total=n_pairs, unit=" pairs", disable=not is_shown, smoothing=0.1, file=_Log()) as line:

        def tick(n: int, failed: int) -> None:
            nonlocal failures
            failures += failed
            line.set_postfix_str(f"{failures} failed", refresh=False)
            line.update(n)

        yield tick
