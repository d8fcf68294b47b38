"""Teach the heads of a bundle on its frozen latent space, for longer than a training gives them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem
from torch import Tensor
from torch.nn import functional as F

from molinterp.chem.properties import PROPERTIES
from molinterp.chem.similarity import ecfp4_array
from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.model.network import MoleculeVAE
from molinterp.model.quantisation import as_written
from molinterp.realism.reference_points import Reference
from molinterp.training.data.corpus import Corpus
from molinterp.training.evaluate import head_figures
from molinterp.training.latent.networks import descend
from molinterp.training.latent.sampling import Progress, choose_compounds, posterior_all, silent

N_COMPOUNDS = 100_000
"""Compounds that the heads are taught on."""
SLOW = {"qed": 30_000}
"""Properties that take longest, and the compounds that they are taught on."""
N_BLOCKS = 3
"""Residual blocks of each head."""
N_STEPS = (1_800, 2_000)
"""Optimiser steps of the fingerprint head and of the property head, at least."""
N_PASSES = 12
"""Times that the heads see each compound, at least: what limits a fingerprint head is the compounds it has
seen, not its size."""
BATCH = 1024
LEARNING_RATE = 3e-3
NOISE = 0.5
"""Points are taught this many posterior deviations around the mean: dimensions that say nothing of a
compound hold a little of it in their means, which a head taught on means alone learns by heart."""
BIT_WEIGHT = 3.0
"""Weight of the bits that are on: with it p > 0.5 is where the Tanimoto similarity of predicted and true
bits is largest; without, p > 0.25 is."""


@final
@dataclass(frozen=True)
class HeadExamples:
    """Compounds on latent space with what the heads shall say of them."""

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
    bundle: Bundle, smiles: Sequence[str], n: int = N_COMPOUNDS, seed: int = 0, progress: Progress = silent
) -> HeadExamples:
    """Encode and describe `n` of the compounds, drawn at random; all where there are fewer.

    Args:
        bundle: the model.
        smiles: canonical SMILES of the training split; those outside the vocabulary are left out.
        n: compounds wanted.
        seed: of the choice.
        progress: wraps what takes long, to show a bar.

    Raises:
        InputError: fewer than two can be written in the vocabulary.
    """
    chosen = choose_compounds(bundle, smiles, n, seed)
    mean, deviation = posterior_all(bundle, chosen, progress)
    bits = np.zeros((len(chosen), -(-bundle.model.config.n_bits // 8)), np.uint8)
    properties = torch.full((len(chosen), len(bundle.property_names)), torch.nan)
    for i, text in enumerate(progress(chosen, len(chosen), "describe")):
        mol = Chem.MolFromSmiles(text)
        bits[i] = np.packbits(ecfp4_array(mol))
        for j, name in enumerate(bundle.property_names):
            if i < SLOW.get(name, len(chosen)):
                properties[i, j] = PROPERTIES[name](mol)
    return HeadExamples(mean, deviation, bits, properties)


def corpus_examples(
    bundle: Bundle, corpus: Corpus, n: int | None = None, seed: int = 0, progress: Progress = silent
) -> HeadExamples:
    """Encode the training compounds of a prepared corpus, which knows what RDKit says of each.

    Args:
        bundle: the model.
        corpus: from `molinterp.training.data.corpus.prepare`; its training split is used.
        n: compounds wanted; None means all.
        seed: of the choice.
        progress: wraps the batches, to show a bar.

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
    *,
    n_steps: tuple[int, int] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Bundle:
    """The bundle with heads that were taught on, deeper ones where they had no residual blocks yet.

    They start from what they predict already. Encoder and decoder stay as they are. What was learnt of
    the old heads' errors no longer holds and is left out: `molinterp.training.latent.windows` learns it anew.

    Args:
        bundle: the model.
        examples: from `head_examples`, of the same bundle.
        held_out: encoded compounds to measure on, before and after.
        n_steps: optimiser steps of the fingerprint head and of the property head; None means `N_STEPS`, and
            `N_PASSES` over the compounds where these are more.
        seed: of new weights, batches and noise; the global random state is left as it was.
        progress: wraps the steps, to show a bar.
    """
    began = time.perf_counter()
    if n_steps is None:
        passes = N_PASSES * len(examples) // BATCH
        n_steps = max(N_STEPS[0], passes), max(N_STEPS[1], passes)
    model = bundle.model.with_head_blocks(N_BLOCKS, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _teach(model, model.fingerprint_head, _bit_loss, examples, n_steps[0], progress)
        _teach(model, model.property_head, _property_loss, examples, n_steps[1], progress)
    for head in (model.fingerprint_head, model.property_head):
        as_written(head)
    taught = replace(bundle, model=model.eval())
    facts: dict[str, Any] = {"n": len(examples), "n_held_out": len(held_out), "n_steps": list(n_steps)}
    for when, one in (("before", bundle), ("after", taught)):
        facts[when] = head_figures(one, held_out.smiles, held_out.z)
    facts |= {"seconds": round(time.perf_counter() - began, 1), "seed": seed}
    realism = replace(bundle.realism, precision={}, facts={**bundle.realism.facts, "heads": facts})
    return replace(taught, realism=realism)


def _teach(
    model: MoleculeVAE,
    head: torch.nn.Module,
    loss: Any,
    examples: HeadExamples,
    n_steps: int,
    progress: Progress,
) -> None:
    device = model.property_mean.device

    def batch_loss(rows: Tensor) -> Tensor:
        z, deviation = examples.mean[rows], examples.deviation[rows]
        z = (z + NOISE * deviation * torch.randn(z.shape)).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            outputs = head(z)
        return loss(model, outputs, examples, rows)

    descend(
        head,
        batch_loss,
        len(examples),
        n_steps,
        LEARNING_RATE,
        1e-4,
        batch_size=BATCH,
        warm_up=max(1, n_steps // 20),
        progress=progress,
    )


def _bit_loss(model: MoleculeVAE, logits: Tensor, examples: HeadExamples, rows: Tensor) -> Tensor:
    """Cross-entropy of the bits, the ones weighted; a mean over bits."""
    bits = np.unpackbits(examples.bits[rows.numpy()], axis=1, count=logits.shape[1])
    wanted = torch.from_numpy(bits).to(logits)
    weight = torch.tensor(BIT_WEIGHT).to(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weight, reduction="none")
    return entropy.float().mean()


def _property_loss(model: MoleculeVAE, outputs: Tensor, examples: HeadExamples, rows: Tensor) -> Tensor:
    """Squared error of the standardised properties that are known; a mean."""
    values = examples.properties[rows].to(outputs.device)
    error = outputs.float() - (values - model.property_mean) / model.property_scale
    return error[~values.isnan()].square().mean()
