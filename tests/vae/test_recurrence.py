import shutil

import pytest
import torch
from torch import nn

from molinterp.vae.network import MoleculeVAE, VAEConfig
from molinterp.vae.recurrence import states

N, LENGTH, N_INPUTS, WIDTH = 5, 7, 6, 8


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return nn.GRU(N_INPUTS, WIDTH, batch_first=True).double()


def results(layer, forward):
    """States and the gradients of a loss that weighs each of them."""
    generator = torch.Generator().manual_seed(1)
    inputs, first, weight = (
        torch.randn(shape, generator=generator, dtype=torch.float64)
        for shape in ((N, LENGTH, N_INPUTS), (N, WIDTH), (N, LENGTH, WIDTH))
    )
    inputs.requires_grad_(), first.requires_grad_()
    out = forward(inputs, first)
    leaves = [inputs, first, *layer.parameters()]
    return [out.detach(), *torch.autograd.grad((out * weight).sum(), leaves)]


def test_states_and_all_gradients_are_those_of_torch_s_own_layer(layer):
    wanted = results(layer, lambda inputs, first: layer(inputs, first[None])[0])
    found = results(layer, lambda inputs, first: states(layer, inputs, first))
    for a, b in zip(wanted, found, strict=True):
        # Gates are computed in single precision at least, here from double.
        torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-5)


def test_without_a_state_before_it_begins_at_zero(layer):
    inputs = torch.randn(N, LENGTH, N_INPUTS, dtype=torch.float64)
    torch.testing.assert_close(states(layer, inputs), layer(inputs)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's compiler itself
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_compiled_gates_give_the_same(layer):
    plain = results(layer.float(), lambda inputs, first: states(layer, inputs.float(), first.float()))
    compiled = results(layer, lambda inputs, first: states(layer, inputs.float(), first.float(), True))
    for a, b in zip(plain, compiled, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-5)


def test_a_network_says_the_same_while_it_is_trained():
    torch.manual_seed(0)
    model = MoleculeVAE(VAEConfig(20, 16, 3, latent_dim=4, embedding_dim=8, encoder_dim=8, decoder_dim=16))
    tokens = torch.randint(3, 20, (6, 9))
    tokens[2, 4:] = 0
    z = torch.randn(6, 4)
    answers = []
    for training in (True, False):
        model.train(training)
        with torch.no_grad():
            answers.append((*model.encode(tokens), model.logits(model.condition(z), tokens)))
    for a, b in zip(*answers, strict=True):
        torch.testing.assert_close(a, b)
