"""A gated recurrent layer for training: fused gates, and one product for all weight gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def states(layer: nn.GRU, inputs: Tensor, first: Tensor | None = None, compiled: bool = False) -> Tensor:
    """The states (n, length, width) of a one-layer `layer`, as its own forward gives them.

    Args:
        layer: the weights; first axis of its inputs is the batch.
        inputs: (n, length, n_inputs).
        first: (n, width), the state before; None for zeros.
        compiled: whether what is done to each number is compiled; needs a C++ compiler.
    """
    if first is None:
        first = inputs.new_zeros(len(inputs), layer.hidden_size)
    of_inputs, of_state, input_bias, state_bias = layer.all_weights[0]
    in_order = inputs.transpose(0, 1).contiguous()
    gates = nn.functional.linear(in_order.flatten(0, 1), of_inputs, input_bias)
    rest = (part.to(gates.dtype) for part in (first, of_state, state_bias))
    out: Tensor = _States.apply(  # type: ignore[no-untyped-call]
        gates.view(*in_order.shape[:2], -1), *rest, compiled
    )
    return out.transpose(0, 1)


class _States(torch.autograd.Function):
    """Cho et al. 2014, arXiv 1406.1078, with torch's order of gates: reset, update, new."""

    @staticmethod
    def forward(
        ctx: Any, gates: Tensor, first: Tensor, weight: Tensor, bias: Tensor, compiled: bool
    ) -> Tensor:
        (length, n, _), width = gates.shape, first.shape[1]
        gates = gates.detach()  # The compiler asks a part of a graph for its gradient, and warns.
        cell = _compiled(_forward_cell) if compiled else _forward_cell
        states, opened = gates.new_empty(length + 1, n, width), torch.empty_like(gates)
        states[0] = first
        inner = []
        for t in range(length):
            hidden = torch.addmm(bias, states[t], weight.t())
            cell(gates[t], hidden, states[t], opened[t], states[t + 1])
            inner.append(hidden[:, 2 * width :])
        ctx.compiled, ctx.inner = compiled, inner
        ctx.save_for_backward(weight, opened, states)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, *of_states: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        weight, opened, states = ctx.saved_tensors
        upstream = of_states[0].contiguous()
        cell = _compiled(_backward_cell) if ctx.compiled else _backward_cell
        of_gates, of_hidden = torch.empty_like(opened), torch.empty_like(opened)
        past = torch.zeros_like(states[0], dtype=torch.float32)
        through = torch.zeros_like(states[0])
        for t in reversed(range(len(opened))):
            cell(past, through, upstream[t], opened[t], ctx.inner[t], states[t], of_gates[t], of_hidden[t])
            through = of_hidden[t] @ weight
        flat = of_hidden.flatten(0, 1)
        of_weight = flat.t() @ states[:-1].flatten(0, 1)
        return of_gates, (past + through).to(states.dtype), of_weight, flat.sum(0), None


def _forward_cell(gates: Tensor, hidden: Tensor, state: Tensor, opened: Tensor, after: Tensor) -> None:
    """Write the open gates (n, 3 width) and the state after (n, width)."""
    reset, update, new = gates.float().chunk(3, 1)
    reset_by, update_by, new_by = hidden.float().chunk(3, 1)
    reset, update = torch.sigmoid(reset + reset_by), torch.sigmoid(update + update_by)
    new = torch.tanh(new + reset * new_by)
    opened.copy_(torch.cat([reset, update, new], 1))
    after.copy_(new + update * (state.float() - new))


def _backward_cell(
    past: Tensor,
    through: Tensor,
    upstream: Tensor,
    opened: Tensor,
    inner: Tensor,
    before: Tensor,
    of_gates: Tensor,
    of_hidden: Tensor,
) -> None:
    """Write the gradients of the gates, from inputs and from the state; that past the gates into `past`."""
    of_state = past + through.float() + upstream.float()
    reset, update, new = opened.float().chunk(3, 1)
    of_new = of_state * (1 - update) * (1 - new * new)
    of_update = of_state * (before.float() - new) * update * (1 - update)
    of_reset = of_new * inner.float() * reset * (1 - reset)
    of_gates.copy_(torch.cat([of_reset, of_update, of_new], 1))
    of_hidden.copy_(torch.cat([of_reset, of_update, of_new * reset], 1))
    past.copy_(of_state * update)


@functools.cache
def _compiled(cell: Callable[..., Any]) -> Callable[..., Any]:
    # One version a shape; where there are too many shapes, it runs uncompiled.
    return torch.compile(cell, dynamic=False)
