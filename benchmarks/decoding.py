"""Compare the speed of `IncrementalDecoder` with torch's recurrent layer: greedy decodes, samples, beams.

    python benchmarks/decoding.py [--model default] [--threads 1] [--rounds 5]

Each round times both on the same latent points of the prior. The output has medians of the processor seconds
over the rounds, and the share of equal strings. The layer of torch processes embedding and condition again at
each step.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from molinterp.model import decoding, incremental_decoder
from molinterp.model.bundle import Bundle
from molinterp.model.network import MoleculeVAE


class Plain:
    """Does the same as `IncrementalDecoder` with torch's recurrent layer."""

    def __init__(self, model: MoleculeVAE, condition: Tensor) -> None:
        """Start before the first token."""
        self._model, self._condition, self.state = model, condition, model.initial_state(condition)

    def step(self, token: Tensor) -> Tensor:
        """Read one token per row and return the logits of the next one."""
        inputs = torch.cat([self._model.embedding(token), self._condition], -1)[:, None]
        states, _ = self._model.decoder(inputs, self.state[None])
        self.state = states[:, 0]
        return self._model.output(self.state)

    def keep(self, rows: Tensor) -> None:
        """Drop all rows except some."""
        self._condition, self.state = self._condition[rows], self.state[rows]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    bundle = Bundle.load(args.model)
    z = torch.randn(4_096, bundle.latent_dim, generator=torch.Generator().manual_seed(0))
    jobs: dict[str, Callable[[], list[object]]] = {
        "256 greedy decodes": lambda: bundle.decode(z[:256]),
        "4,096 samples": lambda: bundle.sample(z, torch.Generator().manual_seed(0)),
        "beams of 8 at 24 points": lambda: bundle.beams(z[:24], 8),
    }
    for name, job in jobs.items():
        seconds: dict[type, list[float]] = {Plain: [], incremental_decoder.IncrementalDecoder: []}
        found = {}
        for _ in range(args.rounds):
            for way, times in seconds.items():
                decoding.IncrementalDecoder = way  # type: ignore[misc, assignment]
                began = time.process_time()
                found[way] = job()
                times.append(time.process_time() - began)
        plain, ours = (statistics.median(times) for times in seconds.values())
        same = statistics.mean(a == b for a, b in zip(*found.values(), strict=True))
        print(f"{name}: {plain:.2f} and {ours:.2f} s, {plain / ours:.2f} times as fast; the same: {same:.1%}")


if __name__ == "__main__":
    main()
