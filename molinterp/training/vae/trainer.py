"""Fit a `MoleculeVAE`: schedule, checkpoints, validation."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from molinterp.model.decoding import greedy
from molinterp.model.network import MoleculeVAE, VAEConfig
from molinterp.training.data.batches import gather, stream
from molinterp.training.data.corpus import Corpus
from molinterp.training.vae.checkpoint import HEADER, read_checkpoint, write_checkpoint
from molinterp.training.vae.data_parallel import parts_pool, summed_gradients
from molinterp.training.vae.loss import Batch, losses

BUDGETS = ("minutes", "n_steps")
"""Fields of `TrainingConfig` that may change while a training stands still, without a word."""
N_REMEMBERED = 32
"""Batches whose latent points serve as the far ends of points between compounds."""
SMALLEST_PART = 64
"""Molecules of a batch that one thread takes at least: of fewer, the weights are read for little."""


@final
@dataclass(frozen=True)
class TrainingConfig:
    """How a model is fitted; all that a run depends on besides the corpus, the sizes and the threads."""

    minutes: float | None = None
    """Budget of wall-clock minutes over all resumes; the learning rate falls to zero at its end."""
    n_steps: int | None = None
    """Budget of optimiser steps; the first budget to run out ends the training."""
    batch_size: int = 256
    """Molecules a step."""
    length_power: float = 0.0
    """A molecule is drawn in proportion to its tokens to this power; 1 shows long ones more often."""
    max_gradient: float = 5.0
    """Gradients are scaled down to this norm."""
    learning_rate: float = 1.4e-3
    """Peak learning rate of AdamW; 200 steps of warm-up, then a cosine to zero."""
    kl_weight: float = 0.1
    """Weight of the KL term once it is fully on."""
    kl_start: float = 0.05
    """Weight of the KL term at the first step, `kl_weight` where that is less."""
    kl_ramp: float = 0.6
    """Fraction of the budget over which the weight rises."""
    bit_weight: float = 0.01
    """Weight of the fingerprint head's cross-entropy, summed over bits."""
    property_weight: float = 0.1
    """Weight of the property head's squared error, summed over properties."""
    feature_weight: float = 0.3
    """Weight of the squared error of features' log-odds, summed, where the corpus has them."""
    between_weight: float = 0.25
    """Weight of the cross-entropy at points between compounds."""
    share_between: float = 0.25
    """Molecules of a batch that are also decoded at a point between compounds."""
    quiet_share: float = 0.0
    """Molecules of a batch that are decoded nearer to their posterior mean, once the KL term is fully on:
    what is asked of the model in the end is the molecule at the mean."""
    bf16: bool = True
    """Matrix products in bfloat16."""
    seed: int = 0
    """Order of the molecules, noise and first weights."""

    def progress(self, step: int, seconds: float) -> float:
        """Fraction of the budget that is spent, in [0, 1]."""
        by_steps = step / self.n_steps if self.n_steps else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(by_steps, by_time))


@final
@dataclass(frozen=True)
class TrainingState:
    """Where a training stands."""

    step: int = 0
    """Optimiser steps done."""
    n_molecules: int = 0
    """Molecules seen, repeats counted."""
    seconds: float = 0.0
    """Wall-clock seconds spent, over all resumes."""


@final
@dataclass(frozen=True)
class Report:
    """Figures shown while training; running means, nats a molecule."""

    state: TrainingState
    """Where the training stands."""
    progress: float
    """Fraction of the budget spent."""
    loss: float
    """The weighted sum."""
    reconstruction: float
    """Cross-entropy of the tokens."""
    kl: float
    """KL divergence to the prior."""
    between: float
    """Cross-entropy of the tokens at points between compounds."""
    rate: float
    """Molecules a second."""
    validation: dict[str, float] | None
    """Figures on the validation split, where they were taken at this step."""


@final
class Trainer:
    """Fits one model on one corpus; a checkpoint folder makes it resumable after any interruption."""

    def __init__(
        self,
        corpus: Corpus,
        config: TrainingConfig,
        sizes: VAEConfig,
        checkpoint: Path,
        device: torch.device | str = "cpu",
        threads: int = 1,
    ) -> None:
        """Start fresh, or go on from what `checkpoint` holds.

        Where it goes on, `changes` says what else than the budgets of `config` was different when it began;
        `n_parts` is how many parts of a batch are computed at the same time.

        Args:
            corpus: molecules, described and tokenised.
            config: how the model is fitted.
            sizes: of the network.
            checkpoint: folder.
            device: of the computation.
            threads: cores of the CPU. They take a part of every batch each, forward and back, since recurrent
                layers gain little from threads within; several share a part that would have fewer than
                `SMALLEST_PART` molecules. The noise depends on the number of parts.

        Raises:
            InputError: the checkpoint is of other sizes, taught features, representation or molecules,
                recombined ones too.
        """
        self.corpus, self.config, self.checkpoint = corpus, config, checkpoint
        self.device = torch.device(device)
        at_most = max(1, config.batch_size // SMALLEST_PART) if self.device.type == "cpu" else 1
        self._threads, self.n_parts = threads, min(threads, at_most)
        torch.manual_seed(config.seed)
        self.model = MoleculeVAE(sizes).to(self.device)
        self._feature_head = _feature_head(sizes, len(corpus.features)).to(self.device)
        self._train_rows = corpus.rows("train")
        _standardise(self.model, corpus.properties[self._train_rows[:100_000]])
        weights = [*self.model.parameters(), *self._feature_head.parameters()]
        self._optimizer = torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=1e-4, fused=True)
        self.state = TrainingState()
        self.changes: list[str] = []
        self._seen: deque[Tensor] = deque(maxlen=N_REMEMBERED)
        if (checkpoint / HEADER).exists():
            self._restore()

    def warm_start(self, weights: dict[str, Tensor]) -> None:
        """Take weights of another model of the same sizes; the optimiser starts anew."""
        self.model.load_state_dict(self.model.state_dict() | weights)

    def run(
        self,
        report: Callable[[Report], None] = lambda _: None,
        save_every: float = 120.0,
        validate_every: float = 600.0,
    ) -> MoleculeVAE:
        """Train until the budget is spent.

        Args:
            report: called after each tenth step, for a progress bar.
            save_every: seconds between checkpoints.
            validate_every: seconds between figures on the validation split.
        """
        c = self.config
        batches = stream(self.corpus, self._train_rows, c.batch_size, c.seed, self.state.step, c.length_power)
        self.model.train()
        with parts_pool(self.n_parts, self._threads) as pool:
            self._descend(batches, pool, report, save_every, validate_every)
        self.save()
        return self.model.eval()

    def _descend(
        self,
        batches: Iterator[Batch],
        pool: ThreadPoolExecutor,
        report: Callable[[Report], None],
        save_every: float,
        validate_every: float,
    ) -> None:
        c = self.config
        last_save = last_validation = last = time.monotonic()
        mean = np.zeros(4)
        while (progress := c.progress(self.state.step, self.state.seconds)) < 1.0:
            batch = next(batches).to(self.device)
            figures = self._step(batch, progress, pool)
            now = time.monotonic()
            n, taken = len(batch.tokens), now - last
            last = now
            self.state = TrainingState(
                self.state.step + 1, self.state.n_molecules + n, self.state.seconds + taken
            )
            mean = figures if self.state.step == 1 or not mean.any() else 0.98 * mean + 0.02 * figures
            validation = None
            if now - last_validation > validate_every:
                validation = self.validate()
                last_validation = now
            if self.state.step % 10 == 0 or validation:
                loss, cross_entropy, kl, between = mean.tolist()
                report(Report(self.state, progress, loss, cross_entropy, kl, between, n / taken, validation))
            if now - last_save > save_every:
                self.save()
                last_save = now

    def _step(self, batch: Batch, progress: float, pool: ThreadPoolExecutor) -> npt.NDArray[np.float64]:
        """One optimiser step; loss, reconstruction, KL and cross-entropy between, means over the batch."""
        c, step = self.config, self.state.step
        warm_up = min(1.0, (step + 1) / 200)
        for group in self._optimizer.param_groups:
            group["lr"] = c.learning_rate * warm_up * 0.5 * (1 + math.cos(math.pi * progress))
        ramp = min(1.0, progress / c.kl_ramp) if c.kl_ramp else 1.0
        kl_start = min(c.kl_start, c.kl_weight)
        kl_weight = kl_start + (c.kl_weight - kl_start) * ramp
        quiet_share = c.quiet_share if ramp == 1.0 else 0.0
        others = torch.cat(list(self._seen)) if self._seen else None
        weights = [*self.model.parameters(), *self._feature_head.parameters()]
        parts = batch.split(-(-len(batch.tokens) // self.n_parts))

        def loss_of(number: int) -> tuple[Tensor, tuple[Tensor, npt.NDArray[np.float64]]]:
            """Loss of a part of the batch, its latent points and figures; weighted by its size."""
            part = parts[number]
            generator = torch.Generator(self.device)
            generator.manual_seed(c.seed * 1_000_003 + step + 7_919_000_001 * number)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=c.bf16, cache_enabled=False):
                terms = losses(
                    self.model, part, generator, others, c.share_between, self._feature_head, quiet_share
                )
            total = terms.total(
                kl_weight, c.bit_weight, c.property_weight, c.between_weight, c.feature_weight
            )
            share = len(part.tokens) / len(batch.tokens)
            figures = (total, terms.reconstruction, terms.kl, terms.between)
            return share * total, (terms.z, share * np.array([figure.item() for figure in figures]))

        points, figures = zip(*summed_gradients(loss_of, len(parts), weights, pool), strict=True)
        self._seen.append(torch.cat(points))
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), c.max_gradient)
        self._optimizer.step()
        return np.sum(figures, axis=0)

    @torch.no_grad()
    def validate(self, n: int = 1_024) -> dict[str, float]:
        """Exact token reconstruction, KL and heads on the first `n` molecules held out."""
        rows = self.corpus.rows("valid")[:n]
        if len(rows) == 0:
            rows = self._train_rows[:n]
        batch = gather(self.corpus, rows).to(self.device)
        self.model.eval()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bf16):
            mean, log_variance = self.model.encode(batch.tokens)
            decoded = greedy(self.model, mean)
            wanted = [self.corpus.sequence(int(r)).tolist() for r in rows]
            exact = np.mean([d == w for d, w in zip(decoded, wanted, strict=True)])
            predicted = self.model.properties(mean).float()
            bits = self.model.bit_logits(mean).float() > 0
            odds = self._feature_head(mean).float()
        self.model.train()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        known = ~batch.properties.isnan().any(1)
        residual = (predicted - batch.properties)[known].var(0) / batch.properties[known].var(0)
        both = (bits & (batch.bits > 0)).sum(1).float()
        either = (bits | (batch.bits > 0)).sum(1).clamp(min=1)
        figures = {
            "reconstruction": float(exact),
            "kl": float(kl),
            "property_r2": float(1 - residual.nanmean()),
            "bit_tanimoto": float((both / either).mean()),
        }
        if batch.odds is not None:
            known = ~batch.odds.isnan().any(1)
            left = (odds - batch.odds)[known].var(0) / batch.odds[known].var(0)
            figures["feature_r2"] = float(1 - left.nanmean())
        return figures

    def save(self) -> None:
        """Write weights, optimiser and position; a crash at any moment leaves a usable checkpoint."""
        tensors = {f"model.{k}": v.contiguous() for k, v in self.model.state_dict().items()}
        tensors |= {f"features.{k}": v.contiguous() for k, v in self._feature_head.state_dict().items()}
        for i, entry in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{k}": v.contiguous() for k, v in entry.items()}
        tensors |= {f"seen.{i}": z.contiguous() for i, z in enumerate(self._seen)}
        header = {
            "state": asdict(self.state),
            "config": asdict(self.config),
            "n_parts": self.n_parts,
            **self._origin(),
        }
        write_checkpoint(self.checkpoint, self.state.step, tensors, header)

    def _origin(self) -> dict[str, Any]:
        """What must be the same for a checkpoint to be gone on from."""
        return {
            "sizes": self.model.config.to_dict(),
            "features": list(self.corpus.features),
            "representation": self.corpus.tokenizer.notation.name,
            "data_sha256": self.corpus.sha256,
            "n_recombined": self.corpus.n_recombined,
        }

    def _restore(self) -> None:
        tensors, header = read_checkpoint(self.checkpoint, self._origin(), str(self.device))
        began_with = asdict(TrainingConfig()) | header["config"] | {"n_parts": header.get("n_parts", 1)}
        now = asdict(self.config) | {"n_parts": self.n_parts}
        self.changes = [
            f"{key} {began_with[key]}, now {value}"
            for key, value in now.items()
            if key not in BUDGETS and began_with[key] != value
        ]
        for part, network in (("model.", self.model), ("features.", self._feature_head)):
            network.load_state_dict(
                {k.removeprefix(part): v for k, v in tensors.items() if k.startswith(part)}
            )
        state = self._optimizer.state_dict()
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, field = key.split(".")
                state["state"].setdefault(int(index), {})[field] = value
        self._optimizer.load_state_dict(state)
        n_seen = sum(key.startswith("seen.") for key in tensors)
        self._seen.extend(tensors[f"seen.{i}"] for i in range(n_seen))
        self.state = TrainingState(**header["state"])


def _standardise(model: MoleculeVAE, properties: Any) -> None:
    values = torch.from_numpy(np.asarray(properties, dtype=np.float32))
    model.property_mean.copy_(values.nanmean(0))
    centred = values - values.nanmean(0)
    model.property_scale.copy_(centred.square().nanmean(0).sqrt().clamp(min=1e-3))


def _feature_head(sizes: VAEConfig, n_features: int) -> nn.Module:
    """What the latent space is taught features through; the bundle's own are fitted afterwards."""
    if not n_features:
        return nn.Identity()
    return nn.Sequential(
        nn.Linear(sizes.latent_dim, sizes.head_dim), nn.SiLU(), nn.Linear(sizes.head_dim, n_features)
    )


def sizes_for(corpus: Corpus, **dims: int) -> VAEConfig:
    """Sizes of a network that fits a corpus; `dims` are the fields of `VAEConfig` to set."""
    n_bits, n_properties = 8 * corpus.bits.shape[1], corpus.properties.shape[1]
    return VAEConfig(corpus.tokenizer.n_tokens, n_bits, n_properties, **dims)
