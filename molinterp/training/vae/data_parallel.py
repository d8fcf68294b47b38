"""Compute the gradients of a batch in parts at the same time, on a core or several each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn

Result = TypeVar("Result")


@contextmanager
def parts_pool(n_parts: int, threads: int) -> Iterator[ThreadPoolExecutor]:
    """Provide Python threads for `n_parts` parts, which share `threads` cores, and restore torch's own."""
    before, within = torch.get_num_threads(), max(1, threads // n_parts)
    try:
        with ThreadPoolExecutor(n_parts, initializer=lambda: torch.set_num_threads(within)) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def summed_gradients(
    loss_of: Callable[[int], tuple[Tensor, Result]],
    n_parts: int,
    weights: Sequence[nn.Parameter],
    pool: ThreadPoolExecutor,
) -> list[Result]:
    """Set each weight's gradient to that of the sum of the losses of all parts.

    Gradients are added in the order of the parts, so the sum is the same each time.

    Args:
        loss_of: number of a part to its loss, a scalar, and any other result; called on a thread of the pool
            if there are several. It must enter autocast itself, without its cache: that is shared by all
            threads, so the order in which they arrive would change the rounding.
        n_parts: parts of the batch.
        weights: whose gradients are set; None where no loss depends on a weight.
        pool: from `parts_pool`.

    Returns:
        The other results of `loss_of`, by part.
    """

    def descent(number: int) -> tuple[tuple[Tensor | None, ...], Result]:
        loss, result = loss_of(number)
        return torch.autograd.grad(loss, weights, allow_unused=True), result

    found = list(pool.map(descent, range(n_parts))) if n_parts > 1 else [descent(0)]
    for weight, *gradients in zip(weights, *(gradient for gradient, _ in found), strict=True):
        known = [g for g in gradients if g is not None]
        # The fused optimiser takes a gradient to lie in memory as its weight does.
        weight.grad = sum(known[1:], known[0]).contiguous() if known else None
    return [result for _, result in found]
