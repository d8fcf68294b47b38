"""The bar of a batch on stderr: pairs done, pairs a second, failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(n_pairs: int, is_shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A function that takes (pairs, failures) just finished and moves a bar on stderr.

    Args:
        n_pairs: pairs in all.
        is_shown: whether there is a bar at all.
    """
    from tqdm import tqdm

    failures = 0
    with tqdm(total=n_pairs, unit=" pairs", disable=not is_shown, smoothing=0.1) as line:

        def tick(n: int, failed: int) -> None:
            nonlocal failures
            failures += failed
            line.set_postfix_str(f"{failures} failed", refresh=False)
            line.update(n)

        yield tick
