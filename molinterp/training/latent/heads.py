"""Fit the heads of a bundle on its frozen latent space, for longer than a training does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem
from torch import Tensor, nn
from torch.nn import functional as F

from molinterp.chem.properties import PROPERTIES
from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.model.encoding import posterior_all
from molinterp.model.network import MoleculeVAE
from molinterp.model.quantisation import as_written
from molinterp.realism.fitting import Progress, descend, random_rows, silent
from molinterp.realism.reference_points import Reference
from molinterp.training.data.corpus import Corpus
from molinterp.training.evaluate import head_figures
from molinterp.training.latent.settings import HeadFit

HeadLoss = Callable[[MoleculeVAE, Tensor, "HeadExamples", Tensor], Tensor]
"""(model, outputs (batch, k), examples, rows (batch,)) -> scalar."""


@final
@dataclass(frozen=True)
class HeadExamples:
    """Compounds in latent space with the values that the heads should predict."""

    mean: Tensor
    """(n, latent_dim), posterior means."""
    deviation: Tensor
    """(n, latent_dim), posterior deviations."""
    bits: npt.NDArray[np.uint8]
    """ECFP4, packed eight to a byte, (n, n_bits / 8)."""
    properties: Tensor
    """(n, n_properties), in their own units; NaN where not computed."""

    def __len__(self) -> int:
        """Number of compounds."""
        return len(self.mean)


def head_examples(
    bundle: Bundle, corpus: Corpus, n: int | None = None, seed: int = 0, progress: Progress = silent
) -> HeadExamples:
    """Encode the training compounds of a corpus, which holds the bits and properties of each.

    Args:
        bundle: the model.
        corpus: its training split is used.
        n: compounds wanted; None means all.
        seed: of the choice.
        progress: told of each batch.

    Raises:
        InputError: fewer than two can be written in the vocabulary.
    """
    rows = np.random.default_rng(seed).permutation(corpus.rows("train"))[:n]
    smiles = corpus.smiles(rows)
    if corpus.tokenizer.notation.name != "smiles":
        # SELFIES spell a molecule in an order that is not its canonical one.
        smiles = [Chem.CanonSmiles(text) for text in smiles]
    known = np.array([bundle.can_encode(text) for text in smiles])
    if known.sum() < 2:
        raise InputError("fewer than two of the molecules can be written in the bundle's vocabulary.")
    rows, smiles = rows[known], [text for text, one in zip(smiles, known, strict=True) if one]
    mean, deviation = posterior_all(bundle, smiles, progress)
    column = [list(PROPERTIES).index(name) for name in bundle.property_names]
    properties = torch.from_numpy(corpus.properties[rows][:, column])
    return HeadExamples(mean, deviation, corpus.bits[rows], properties)


def fit_heads(
    bundle: Bundle,
    examples: HeadExamples,
    held_out: Reference,
    settings: HeadFit,
    seed: int = 0,
    progress: Progress = silent,
) -> Bundle:
    """Fit the heads of a bundle further, deeper ones if they have no residual blocks yet.

    They start from what they predict already. Encoder and decoder stay as they are. What was fitted to the
    errors of the old heads no longer holds and is left out: `fit_windows` fits it again.

    Args:
        bundle: the model.
        examples: from `head_examples`, of the same bundle.
        held_out: encoded compounds to measure on, before and after.
        settings: of the fit.
        seed: of new parameters, batches and noise; the global random state is left as it was.
        progress: told of each step.
    """
    began = time.perf_counter()
    n_steps = settings.n_steps(len(examples))
    model = bundle.model.with_head_blocks(settings.n_blocks, seed)
    heads = (model.fingerprint_head, model.property_head)
    fits: tuple[HeadLoss, HeadLoss] = (_bit_loss(settings.bit_weight), _property_loss)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for head, loss, n, of in zip(heads, fits, n_steps, ("fingerprint", "property"), strict=True):
            _fit(model, head, loss, examples, n, settings, progress, f"fit the {of} head")
    for head in heads:
        as_written(head)
    fitted = replace(bundle, model=model.eval())
    facts: dict[str, Any] = {"n": len(examples), "n_held_out": len(held_out), "n_steps": list(n_steps)}
    for when, one in (("before", bundle), ("after", fitted)):
        facts[when] = head_figures(one, held_out.smiles, held_out.z)
    facts |= {"seconds": round(time.perf_counter() - began, 1), "seed": seed}
    realism = replace(bundle.realism, precision={}, facts={**bundle.realism.facts, "heads": facts})
    return replace(fitted, realism=realism)


def _fit(
    model: MoleculeVAE,
    head: nn.Module,
    loss: HeadLoss,
    examples: HeadExamples,
    n_steps: int,
    settings: HeadFit,
    progress: Progress,
    label: str,
) -> None:
    device = model.property_mean.device

    def gradients() -> None:
        rows = random_rows(len(examples), settings.batch_size)
        z, deviation = examples.mean[rows], examples.deviation[rows]
        z = (z + settings.noise * deviation * torch.randn(z.shape)).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            outputs = head(z)
        loss(model, outputs, examples, rows).backward()

    n_warm_up = max(1, round(settings.warm_up_share * n_steps))
    descent = replace(settings.descent, n_warm_up=n_warm_up)
    descend(head.parameters(), gradients, n_steps, descent, progress, label)


def _bit_loss(weight: float) -> HeadLoss:
    """Cross-entropy of the bits, those that are on weighted; a mean over bits."""

    def loss(model: MoleculeVAE, logits: Tensor, examples: HeadExamples, rows: Tensor) -> Tensor:
        bits = np.unpackbits(examples.bits[rows.numpy()], axis=1, count=logits.shape[1])
        wanted = torch.from_numpy(bits).to(logits)
        on = torch.tensor(weight).to(logits)
        return (
            F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=on, reduction="none").float().mean()
        )

    return loss


def _property_loss(model: MoleculeVAE, outputs: Tensor, examples: HeadExamples, rows: Tensor) -> Tensor:
    """Squared error of the standardised properties that are known; a mean."""
    values = examples.properties[rows].to(outputs.device)
    error = outputs.float() - (values - model.property_mean) / model.property_scale
    return error[~values.isnan()].square().mean()
