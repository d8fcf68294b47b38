"""Train a `MoleculeVAE`: schedule, checkpoints, validation."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
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
from molinterp.realism.fitting import Descender, Progress, silent
from molinterp.settings import to_table
from molinterp.training.data.batches import gather, stream
from molinterp.training.data.corpus import Corpus
from molinterp.training.vae.checkpoint import HEADER, read_checkpoint, write_checkpoint
from molinterp.training.vae.data_parallel import parts_pool, summed_gradients
from molinterp.training.vae.loss import Batch, losses
from molinterp.training.vae.settings import NetworkSizes, VAETraining

BUDGETS = ("minutes", "n_steps")
"""Settings that may change between two runs of a training without a word."""


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
class Trainer:
    """Trains one model on one corpus; a checkpoint folder makes it resumable after any interruption."""

    def __init__(
        self,
        corpus: Corpus,
        settings: VAETraining,
        checkpoint: Path,
        device: torch.device | str = "cpu",
        threads: int = 1,
    ) -> None:
        """Start from scratch, or resume from what `checkpoint` holds.

        After a resume, `changes` lists which settings other than the budgets were different when the training
        began; `n_parts` is how many parts of a batch are computed at the same time.

        Args:
            corpus: molecules, described and tokenised.
            settings: of the training.
            checkpoint: folder.
            device: of the computation.
            threads: cores of the CPU. They take a part of every batch each, forward and back, since recurrent
                layers gain little from threads within; several share a part that would have fewer than
                `smallest_part` molecules. The noise depends on the number of parts.

        Raises:
            InputError: the checkpoint is of other sizes, features, representation or molecules, recombined
                ones too.
        """
        self.corpus, self.settings, self.checkpoint = corpus, settings, checkpoint
        self.device = torch.device(device)
        at_most = max(1, settings.order.batch_size // settings.smallest_part)
        self._threads, self.n_parts = threads, min(threads, at_most if self.device.type == "cpu" else 1)
        sizes = sizes_for(corpus, settings.sizes)
        torch.manual_seed(settings.seed)
        self.model = MoleculeVAE(sizes).to(self.device)
        self._feature_head = _feature_head(sizes, len(corpus.features)).to(self.device)
        self._train_rows = corpus.rows("train")
        _standardise(self.model, corpus.properties[self._train_rows[:100_000]])
        parameters = [*self.model.parameters(), *self._feature_head.parameters()]
        self._descender = Descender(parameters, settings.descent)
        self.state = TrainingState()
        self.changes: list[str] = []
        self._seen: deque[Tensor] = deque(maxlen=settings.n_remembered)
        if (checkpoint / HEADER).exists():
            self._restore()

    def warm_start(self, weights: dict[str, Tensor]) -> None:
        """Take over the parameters of another model of the same sizes; the optimiser starts afresh."""
        self.model.load_state_dict(self.model.state_dict() | weights)

    def run(self, progress: Progress = silent) -> MoleculeVAE:
        """Train until the budget is spent.

        Args:
            progress: told of each thousandth of the budget, of the running loss and of each validation.
        """
        self.model.train()
        with parts_pool(self.n_parts, self._threads) as pool:
            for _ in progress(self._thousandths(pool, progress), 1_000, "train"):
                pass
        self.save()
        return self.model.eval()

    def _thousandths(self, pool: ThreadPoolExecutor, progress: Progress) -> Iterator[None]:
        """Train, and yield at each thousandth of the budget."""
        s, n_yielded = self.settings, 0
        batches = stream(self.corpus, self._train_rows, s.order, s.seed, self.state.step)
        last_save = last_validation = last = time.monotonic()
        mean = np.zeros(4)
        while (spent := s.progress(self.state.step, self.state.seconds)) < 1.0:
            for _ in range(n_yielded, int(1_000 * spent)):
                yield
            n_yielded = int(1_000 * spent)
            batch = next(batches).to(self.device)
            figures = self._step(batch, spent, pool)
            now, n = time.monotonic(), len(batch.tokens)
            taken, last = now - last, now
            self.state = TrainingState(
                self.state.step + 1, self.state.n_molecules + n, self.state.seconds + taken
            )
            mean = figures if not mean.any() else 0.98 * mean + 0.02 * figures
            if self.state.step % 10 == 0:
                progress.show(self._shown(mean, n / taken))
            if now - last_validation > s.validate_every:
                found = " ".join(f"{name} {value:.3f}" for name, value in self.validate().items())
                progress.note(f"step {self.state.step} validation: {found}")
                last_validation = now
            if now - last_save > s.save_every:
                self.save()
                last_save = now
        for _ in range(n_yielded, 1_000):
            yield

    def _shown(self, mean: npt.NDArray[np.float64], rate: float) -> str:
        loss, reconstruction, kl, between = mean.tolist()
        return (
            f"step {self.state.step} loss {loss:.2f} reconstruction {reconstruction:.2f} "
            f"between {between:.1f} KL {kl:.1f} nats {rate:.0f} molecules/s"
        )

    def _step(self, batch: Batch, spent: float, pool: ThreadPoolExecutor) -> npt.NDArray[np.float64]:
        """One optimiser step; loss, reconstruction, KL and cross-entropy between, means over the batch."""
        s, step = self.settings, self.state.step
        loss, head = s.loss.at(spent), self._feature_head
        others = torch.cat(list(self._seen)) if self._seen else None
        parts = batch.split(-(-len(batch.tokens) // self.n_parts))

        def loss_of(number: int) -> tuple[Tensor, tuple[Tensor, npt.NDArray[np.float64]]]:
            """Loss of a part of the batch, its latent points and figures; weighted by its size."""
            part = parts[number]
            generator = torch.Generator(self.device)
            generator.manual_seed(s.seed * 1_000_003 + step + 7_919_000_001 * number)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=s.bf16, cache_enabled=False):
                terms = losses(self.model, part, loss, generator, others, head)
            total = terms.total(loss)
            share = len(part.tokens) / len(batch.tokens)
            figures = (total, terms.reconstruction, terms.kl, terms.between)
            return share * total, (terms.z, share * np.array([figure.item() for figure in figures]))

        def gradients() -> list[tuple[Tensor, npt.NDArray[np.float64]]]:
            return summed_gradients(loss_of, len(parts), self._descender.parameters, pool)

        points, figures = zip(*self._descender.step(gradients, step, spent), strict=True)
        self._seen.append(torch.cat(points))
        return np.sum(figures, axis=0)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Measure exact token reconstruction, KL and heads on the first molecules that are held out."""
        rows = self.corpus.rows("valid")[: self.settings.n_validation]
        if len(rows) == 0:
            rows = self._train_rows[: self.settings.n_validation]
        batch = gather(self.corpus, rows).to(self.device)
        self.model.eval()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bf16):
            mean, log_variance = self.model.encode(batch.tokens)
            decoded = greedy(self.model, mean)
            predicted = self.model.properties(mean).float()
            bits = self.model.bit_logits(mean).float() > 0
            log_odds = self._feature_head(mean).float()
        self.model.train()
        wanted = [self.corpus.sequence(int(r)).tolist() for r in rows]
        exact = np.mean([d == w for d, w in zip(decoded, wanted, strict=True)])
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        both = (bits & (batch.bits > 0)).sum(1).float()
        either = (bits | (batch.bits > 0)).sum(1).clamp(min=1)
        figures = {
            "reconstruction": float(exact),
            "kl": float(kl),
            "property_r2": _explained(predicted, batch.properties),
            "bit_tanimoto": float((both / either).mean()),
        }
        if batch.feature_targets is not None:
            figures["feature_r2"] = _explained(log_odds, batch.feature_targets)
        return figures

    def save(self) -> None:
        """Write parameters, optimiser and position; a crash at any moment leaves a usable checkpoint."""
        tensors = {f"model.{k}": v.contiguous() for k, v in self.model.state_dict().items()}
        tensors |= {f"features.{k}": v.contiguous() for k, v in self._feature_head.state_dict().items()}
        for i, entry in self._descender.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{k}": v.contiguous() for k, v in entry.items()}
        tensors |= {f"seen.{i}": z.contiguous() for i, z in enumerate(self._seen)}
        header = {"state": asdict(self.state), "settings": self._settings(), **self._origin()}
        write_checkpoint(self.checkpoint, self.state.step, tensors, header)

    def _settings(self) -> dict[str, Any]:
        return {**to_table(self.settings), "n_parts": self.n_parts}

    def _origin(self) -> dict[str, Any]:
        """What must not change when a training is resumed."""
        return {
            "sizes": self.model.config.to_dict(),
            "features": list(self.corpus.features),
            "representation": self.corpus.tokenizer.notation.name,
            "data_sha256": self.corpus.sha256,
            "n_recombined": self.corpus.n_recombined,
        }

    def _restore(self) -> None:
        tensors, header = read_checkpoint(self.checkpoint, self._origin(), str(self.device))
        began_with, now = header["settings"], self._settings()
        self.changes = [
            f"{key} {began_with.get(key)}, now {value}"
            for key, value in now.items()
            if key not in BUDGETS and began_with.get(key) != value
        ]
        for part, network in (("model.", self.model), ("features.", self._feature_head)):
            network.load_state_dict(
                {k.removeprefix(part): v for k, v in tensors.items() if k.startswith(part)}
            )
        state = self._descender.optimizer.state_dict()
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, field = key.split(".")
                state["state"].setdefault(int(index), {})[field] = value
        self._descender.optimizer.load_state_dict(state)
        n_seen = sum(key.startswith("seen.") for key in tensors)
        self._seen.extend(tensors[f"seen.{i}"] for i in range(n_seen))
        self.state = TrainingState(**header["state"])


def _standardise(model: MoleculeVAE, properties: Any) -> None:
    values = torch.from_numpy(np.asarray(properties, dtype=np.float32))
    model.property_mean.copy_(values.nanmean(0))
    centred = values - values.nanmean(0)
    model.property_scale.copy_(centred.square().nanmean(0).sqrt().clamp(min=1e-3))


def _explained(predicted: Tensor, truth: Tensor) -> float:
    """Share of variance that predictions (n, k) explain, mean over columns, without rows that have NaN."""
    known = ~truth.isnan().any(1)
    left = (predicted - truth)[known].var(0) / truth[known].var(0)
    return float(1 - left.nanmean())


def _feature_head(sizes: VAEConfig, n_features: int) -> nn.Module:
    """Head through which the latent space learns features; the bundle's own are fitted afterwards."""
    if not n_features:
        return nn.Identity()
    return nn.Sequential(
        nn.Linear(sizes.latent_dim, sizes.head_dim), nn.SiLU(), nn.Linear(sizes.head_dim, n_features)
    )


def sizes_for(corpus: Corpus, sizes: NetworkSizes) -> VAEConfig:
    """Complete the sizes of a network by those that the corpus decides."""
    n_bits, n_properties = 8 * corpus.bits.shape[1], corpus.properties.shape[1]
    return VAEConfig(corpus.tokenizer.n_tokens, n_bits, n_properties, **asdict(sizes))
