"""Run the decoder one token at a time and compute only once what stays the same from step to step."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from molinterp.model.network import MoleculeVAE

N_TABLE = 256
"""Number of rows from which the products of the whole vocabulary are computed in advance."""


@final
class IncrementalDecoder:
    """The decoder at n rows, each with its own state.

    The inputs of the decoder's gates are W_e e + W_c c + b plus the contribution of the state. The condition
    c of a row never changes and the embedding e is one of few, so only the product with the state has to be
    computed at each step.
    """

    def __init__(self, model: MoleculeVAE, condition: Tensor) -> None:
        """Start before the first token.

        Args:
            model: the network.
            condition: (n, n_condition), see `MoleculeVAE.condition`.
        """
        self._model, n_embedded = model, model.config.embedding_dim
        ((of_inputs, self._of_state, bias, self._state_bias),) = model.decoder.all_weights
        self._reads = of_inputs[:, :n_embedded]
        self._driven = F.linear(condition, of_inputs[:, n_embedded:], bias)
        self._table = F.linear(model.embedding.weight, self._reads) if len(condition) >= N_TABLE else None
        self.state = model.initial_state(condition)
        """(n, decoder_dim), the decoder's memory of the prefixes."""

    def step(self, token: Tensor) -> Tensor:
        """Read one token per row and return the logits (n, n_tokens) of the next one.

        Args:
            token: (n,) int64, the last tokens.
        """
        width = self.state.shape[1]
        read = (
            F.linear(self._model.embedding(token), self._reads) if self._table is None else self._table[token]
        )
        inputs = read + self._driven
        recalled = F.linear(self.state, self._of_state, self._state_bias)
        gates = torch.sigmoid(inputs[:, : 2 * width] + recalled[:, : 2 * width])
        reset, update = gates[:, :width], gates[:, width:]
        fresh = torch.tanh(torch.addcmul(inputs[:, 2 * width :], reset, recalled[:, 2 * width :]))
        self.state = torch.lerp(fresh, self.state, update)
        return self._model.output(self.state)

    def keep(self, rows: Tensor) -> None:
        """Drop all rows except some.

        Args:
            rows: (n,) bool, or the indices of the rows to keep.
        """
        self._driven, self.state = self._driven[rows], self.state[rows]
