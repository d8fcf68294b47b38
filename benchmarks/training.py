"""Seconds of a training step with torch's recurrent layers and with those of `molinterp.vae.recurrence`.

    python benchmarks/training.py

One batch of 256 random strings of 12 tokens, the sizes of the default model, bfloat16; all ways in turn,
the least of several rounds each, processor seconds of one thread.
"""

import os

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # as `molinterp train` does

import shutil
import time
from unittest import mock

import torch

from molinterp.bundle import locate, read_header
from molinterp.training.objective import Batch, losses
from molinterp.vae import recurrence
from molinterp.vae.network import MoleculeVAE, VAEConfig

N, LENGTH, ROUNDS = 256, 12, 8


def torch_states(layer, inputs, first=None, compiled=False):
    return layer(inputs, None if first is None else first[None])[0]


def step(model, batch):
    model.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16):
        terms = losses(model, batch, torch.Generator().manual_seed(0))
    terms.total(0.05, 0.05, 0.5, 0.25).backward()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = VAEConfig(**read_header(locate("default"))["sizes"])
    model = MoleculeVAE(config).train()
    batch = Batch(
        torch.randint(3, config.n_tokens, (N, LENGTH)),
        torch.randint(0, 2, (N, config.n_bits)).float(),
        torch.randn(N, config.n_properties),
    )
    ways = {"torch": (torch_states, False), "own": (recurrence.states, False)}
    if shutil.which("g++"):
        ways["own, compiled"] = (recurrence.states, True)
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, (states, compiled) in ways.items():
            model.compiled = compiled
            with mock.patch.object(recurrence, "states", states):
                began = time.process_time()
                step(model, batch)
                least[name] = min(least[name], time.process_time() - began)
    for name, seconds in least.items():
        print(f"{name:15} {seconds:.3f} s  {least['torch'] / seconds:.2f} times torch's")


if __name__ == "__main__":
    main()
