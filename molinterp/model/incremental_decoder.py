"""The decoder a token at a time, for decoding: what stays the same from step to step is computed once."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from molinterp.model.network import MoleculeVAE

N_TABLE = 256
"""Rows from which on the whole vocabulary is read beforehand, which costs what reading as many rows does."""


@final
class Stepper:
    """The decoder at n rows, each with its state.

    The gates of the decoder are W_e e + W_c c + b plus what its state adds. The condition c of a row never
    changes and the embedding e is one of few, so that of three products a step the largest part is left:
    that of the state.
    """

    def __init__(self, model: MoleculeVAE, condition: Tensor) -> None:
        """Stand before the first token.

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
        """(n, decoder_dim), all that the decoder remembers of the prefixes."""

    def step(self, token: Tensor) -> Tensor:
        """Read a token a row; logits (n, n_tokens) of the next one.

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
        """Go on with some rows.

        Args:
            rows: (n,) bool, or their numbers.
        """
        self._driven, self.state = self._driven[rows], self.state[rows]
