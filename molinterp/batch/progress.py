"""The bar of a batch on stderr: pairs done, pairs a second, failures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, final


@final
class _Log:
    """Stderr, which may go nowhere: a log that nobody reads any more ends no run."""

    def write(self, text: str) -> None:
        """Write what can be written."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Send what can be sent."""
        with suppress(OSError):
            sys.stderr.flush()

    def __getattr__(self, name: str) -> Any:
        """The rest is stderr's own."""
        return getattr(sys.stderr, name)


@contextmanager
def bar(n_pairs: int, is_shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A function that takes (pairs, failures) just finished and moves a bar on stderr.

    Args:
        n_pairs: pairs in all.
        is_shown: whether there is a bar at all.
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
