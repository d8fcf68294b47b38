"""`molinterp refine`: a bundle in, one whose decoder is better between compounds out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("bundle")
@click.argument("molecules", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True)
@click.option("--points", type=click.IntRange(min=1), default=12_000, show_default=True, help="A round.")
@click.option("--samples", type=click.IntRange(min=1), default=7, show_default=True, help="A point.")
@click.option("--steps", type=click.IntRange(min=1), default=600, show_default=True, help="A round.")
@click.option("--learning-rate", type=click.FloatRange(min=0), default=5e-4, show_default=True)
@click.option("--cache", required=True, type=click.Path(path_type=Path), help="Cache of the training.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of torch.  [default: all cores]")
@click.option("--processes", type=click.IntRange(min=1), default=1, show_default=True, help="To judge.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("-d", "--device", default="cpu", show_default=True, help="cpu, cuda.")
def refine(
    bundle: str,
    molecules: Path,
    output: Path,
    minutes: float,
    points: int,
    samples: int,
    steps: int,
    learning_rate: float,
    cache: Path,
    threads: int | None,
    processes: int,
    seed: int,
    device: str,
) -> None:
    """Refine BUNDLE between the MOLECULES it was trained on.

    Points between random training pairs are decoded and judged; the decoder learns what passed. The
    bundle is written after every round, so a run can be stopped, and another begun from its output.
    """
    import torch

    from molinterp.bundle import Bundle
    from molinterp.errors import InputError
    from molinterp.training.corpus import prepare
    from molinterp.training.refine import RefineConfig
    from molinterp.training.refine import refine as run

    if threads:
        torch.set_num_threads(threads)
    loaded = Bundle.load(bundle, device)
    vocabulary = loaded.tokenizer
    corpus = prepare(molecules, cache, vocabulary.notation.name, vocabulary.n_tokens)
    if corpus.tokenizer.to_dict() != vocabulary.to_dict():
        raise InputError(f"`MOLECULES` must be what '{bundle}' was trained on; its vocabulary differs.")
    config = RefineConfig(
        n_points=points,
        n_samples=samples,
        n_steps=steps,
        learning_rate=learning_rate,
        n_processes=processes,
        seed=seed,
    )

    def show(round_: int, found: Any, refined: Any) -> None:
        refined.save(output)
        click.echo(
            f"round {round_}: {found.accepted:.1%} of greedy decodes between compounds passed before it, "
            f"{found.found:.1%} of points had one that passes",
            err=True,
        )

    run(loaded, corpus, config, minutes, show)
