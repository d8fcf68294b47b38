from dataclasses import replace

import pytest
import torch

from molinterp.errors import ShapeError
from molinterp.model.network import MAY_GROW, MoleculeVAE, VAEConfig
from molinterp.model.tokens import PAD
from tests.tolerances import FLOAT32

SIZES = VAEConfig(20, 16, 3, latent_dim=5, embedding_dim=8, encoder_dim=12, decoder_dim=14, head_dim=10)


@pytest.fixture
def model() -> MoleculeVAE:
    torch.manual_seed(0)
    return MoleculeVAE(SIZES).eval()


@pytest.fixture(params=[0, 3], ids=["one layer", "an upper layer"])
def encoder(request) -> MoleculeVAE:
    torch.manual_seed(0)
    return MoleculeVAE(replace(SIZES, upper_dim=request.param)).eval()


def test_posterior_does_not_see_padding(encoder):
    tokens = torch.tensor([[5, 6, 7]])
    padded = torch.tensor([[5, 6, 7, PAD, PAD]])
    for short, long in zip(encoder.encode(tokens), encoder.encode(padded), strict=True):
        torch.testing.assert_close(short, long, rtol=FLOAT32, atol=FLOAT32)


def test_posterior_of_a_batch_is_that_of_each_row(encoder):
    tokens = torch.tensor([[5, 6, 7], [8, 9, PAD]])
    mean, log_variance = encoder.encode(tokens)
    for i, row in enumerate(([5, 6, 7], [8, 9])):
        alone = encoder.encode(torch.tensor([row]))
        torch.testing.assert_close(mean[i : i + 1], alone[0], rtol=FLOAT32, atol=FLOAT32)
        torch.testing.assert_close(log_variance[i : i + 1], alone[1], rtol=FLOAT32, atol=FLOAT32)


def test_posterior_sees_the_order_of_tokens(encoder):
    mean, _ = encoder.encode(torch.tensor([[5, 6, 7], [7, 6, 5]]))
    assert (mean[0] - mean[1]).abs().max() > 1e-4


def test_wrong_latent_size_is_named(model):
    with pytest.raises(ShapeError, match=r"must have shape \(\.\.\., 5\).*got \(2, 4\)"):
        model.condition(torch.zeros(2, 4))


def test_properties_come_in_their_own_units(model):
    model.property_mean.fill_(100.0)
    model.property_scale.fill_(7.0)
    z = torch.randn(3, 5)
    torch.testing.assert_close(model.properties(z), model.property_head(z) * 7 + 100)


def test_blur_changes_what_is_decoded_and_none_is_the_default(model):
    z, prefix = torch.randn(4, 5), torch.randint(3, 20, (4, 6))
    sharp = model.logits(model.condition(z), prefix)
    assert torch.equal(sharp, model.logits(model.condition(z, torch.zeros(4)), prefix))
    assert (sharp - model.logits(model.condition(z, 1.0), prefix)).abs().max() > 1e-4


def test_more_head_blocks_change_no_prediction(model):
    z = torch.randn(4, 5)
    grown = model.with_head_blocks(2)
    assert grown.config == replace(SIZES, head_blocks=2) and not grown.training
    for wider in (grown, grown.with_head_blocks(3), grown.with_head_blocks(1)):
        assert torch.equal(wider.bit_logits(z), model.bit_logits(z))
        assert torch.equal(wider.properties(z), model.properties(z))
    assert grown.with_head_blocks(1).config.head_blocks == 2
    tokens = torch.tensor([[5, 6, 7]])
    assert torch.equal(grown.encode(tokens)[0], model.encode(tokens)[0])


def test_sizes_written_before_there_were_blocks_give_the_same_network(model):
    sizes = SIZES.to_dict()
    for name in MAY_GROW:
        del sizes[name]
    again = MoleculeVAE(VAEConfig(**sizes)).eval()
    again.load_state_dict(model.state_dict())
    tokens, z = torch.tensor([[5, 6, 7]]), torch.randn(4, 5)
    assert all(torch.equal(a, b) for a, b in zip(again.encode(tokens), model.encode(tokens), strict=True))
    assert torch.equal(again.bit_logits(z), model.bit_logits(z))


def test_a_grown_network_does_what_it_did(model):
    sizes = replace(SIZES, encoder_blocks=2, upper_dim=3, condition_dim=6, head_blocks=1)
    grown = model.grown(sizes)
    assert grown.config == sizes
    tokens, z = torch.tensor([[5, 6, 7], [8, 9, 0]]), torch.randn(2, 5)
    for ours, theirs in zip(grown.encode(tokens), model.encode(tokens), strict=True):
        torch.testing.assert_close(ours, theirs, atol=FLOAT32, rtol=FLOAT32)
    prefix = torch.tensor([[1, 5, 6], [1, 8, 9]])
    torch.testing.assert_close(
        grown.logits(grown.condition(z, 0.3), prefix),
        model.logits(model.condition(z, 0.3), prefix),
        atol=FLOAT32,
        rtol=FLOAT32,
    )
    torch.testing.assert_close(grown.bit_logits(z), model.bit_logits(z), atol=FLOAT32, rtol=FLOAT32)
    wider = grown.grown(replace(grown.config, encoder_blocks=3))
    torch.testing.assert_close(wider.encode(tokens)[0], model.encode(tokens)[0], atol=FLOAT32, rtol=FLOAT32)


def test_gradients_reach_what_a_network_grew(model):
    grown = model.grown(replace(SIZES, encoder_blocks=1, upper_dim=3, condition_dim=6)).train()
    optimizer = torch.optim.SGD(grown.parameters(), lr=0.1)
    for _ in range(3):  # what is 0 at first lets nothing through
        optimizer.zero_grad()
        z, _ = grown.encode(torch.tensor([[5, 6, 7]]))
        grown.logits(grown.condition(z), torch.tensor([[1, 5, 6]])).square().sum().backward()
        optimizer.step()
    new = [
        n
        for n, _ in grown.named_parameters()
        if n.startswith(("conditioner.", "posterior.2.", "encoder_upper"))
    ]
    assert len(new) == 24
    blocks = {n for n in new if float(dict(grown.named_parameters())[n].grad.abs().sum()) > 0}
    assert blocks == set(new)


def test_the_upper_layer_sees_both_sides_of_each_token(model):
    # A string at a time, each direction in its own order, as the formula says.
    grown = model.grown(replace(SIZES, upper_dim=3))
    with torch.no_grad():
        grown.posterior[0].weight[:, 48:].normal_(std=0.3)
    x = grown.embedding(torch.tensor([[5, 6, 7, 8]]))
    there, back = grown.encoder_forward(x)[0], grown.encoder_backward(x.flip(1))[0].flip(1)
    sides = torch.cat([there, back], -1)
    upper = [grown.encoder_upper_forward(sides)[0], grown.encoder_upper_backward(sides.flip(1))[0]]
    pooled = [s.mean(1) for s in (there, back)] + [s.amax(1) for s in (there, back)]
    pooled += [s.mean(1) for s in upper] + [s.amax(1) for s in upper]
    wanted = grown.posterior(torch.cat(pooled, -1)).chunk(2, -1)
    for ours, theirs in zip(grown.encode(torch.tensor([[5, 6, 7, 8, PAD]])), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, atol=FLOAT32, rtol=FLOAT32)


@pytest.mark.parametrize("size", ["upper_dim", "condition_dim"])
def test_what_a_network_has_of_a_layer_does_not_widen(model, size):
    grown = model.grown(replace(SIZES, **{size: 3}))
    with pytest.raises(ShapeError, match="in upper_dim and condition_dim from 0"):
        grown.grown(replace(grown.config, **{size: 4}))


@pytest.mark.parametrize("other", [{"latent_dim": 6}, {"decoder_dim": 15}, {"head_blocks": -1}])
def test_a_network_grows_in_nothing_else(model, other):
    with pytest.raises(
        ShapeError, match="a network can grow in head_blocks, encoder_blocks, upper_dim, condition_dim"
    ):
        model.grown(replace(SIZES, **other))
