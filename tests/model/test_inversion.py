import pytest
import torch

from molinterp.errors import ShapeError
from molinterp.model.decoding import greedy
from molinterp.model.inversion import invert
from molinterp.model.likelihood import cross_entropy_and_match, token_cross_entropy
from molinterp.model.tokens import PAD, pad
from tests.conftest import SMALL
from tests.tolerances import FLOAT32


@pytest.fixture(scope="module")
def strings(small_bundle):
    return torch.from_numpy(pad(small_bundle.tokenizer.encode(SMALL)))


@pytest.fixture(scope="module")
def far(small_bundle, strings):
    """Starting points far from where the molecules are encoded."""
    mean, _ = small_bundle.model.encode(strings)
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
    return mean.detach() + 1.5 * noise


@pytest.fixture(scope="module")
def refined(small_bundle, strings, far):
    return invert(small_bundle.model, strings, far, n_steps=60)


def _unpadded(tokens):
    return [[t for t in row if t != PAD] for row in tokens.tolist()]


def test_a_match_is_what_greedy_decoding_spells(small_bundle, strings, far):
    _, match = cross_entropy_and_match(small_bundle.model, far, strings)
    spelt = greedy(small_bundle.model, far)
    assert match.tolist() == [s == t for s, t in zip(spelt, _unpadded(strings), strict=True)]
    assert match.any() and not match.all()


def test_every_exact_point_decodes_to_its_string(small_bundle, strings, refined):
    spelt = greedy(small_bundle.model, refined.z)
    assert refined.is_exact.tolist() == [s == t for s, t in zip(spelt, _unpadded(strings), strict=True)]


def test_points_that_decoded_to_something_else_are_brought_home(small_bundle, strings, far, refined):
    before = cross_entropy_and_match(small_bundle.model, far, strings)[1]
    assert 5 < (~before).sum()
    assert refined.is_exact.all()


def test_no_point_ends_less_probable_than_it_began(small_bundle, strings, far, refined):
    before = -token_cross_entropy(small_bundle.model, far, strings)
    after = -token_cross_entropy(small_bundle.model, refined.z, strings)
    torch.testing.assert_close(refined.start_log_p, before.detach(), rtol=FLOAT32, atol=FLOAT32)
    torch.testing.assert_close(refined.log_p, after.detach(), rtol=FLOAT32, atol=FLOAT32)
    assert (refined.log_p >= refined.start_log_p).all()


def test_no_point_ends_less_probable_even_with_wild_steps(small_bundle, strings, far):
    wild = invert(small_bundle.model, strings, far, n_steps=5, learning_rate=30.0)
    assert (wild.log_p >= wild.start_log_p).all()
    assert not wild.is_exact.all()
    stayed = wild.log_p == wild.start_log_p
    assert stayed.any()
    assert torch.equal(wild.z[stayed], far[stayed])


def test_an_exact_start_is_left_where_it_is(small_bundle, strings, far, refined):
    again = invert(small_bundle.model, strings, refined.z)
    assert again.n_steps == 0
    assert torch.equal(again.z, refined.z)


def test_a_batch_is_refined_as_each_row_alone(small_bundle, strings, far, refined):
    for i in range(0, len(far), 5):
        row = torch.tensor([_unpadded(strings[i : i + 1])[0]])
        alone = invert(small_bundle.model, row, far[i : i + 1], n_steps=60)
        torch.testing.assert_close(alone.z[0], refined.z[i], rtol=1e-3, atol=1e-3)  # rounding, over 20 steps
        assert bool(alone.is_exact) == bool(refined.is_exact[i])


def test_a_pull_keeps_points_nearer_to_their_start(small_bundle, strings, far):
    # One string at the points of all others: far to go. Without a stop the pull alone decides how far.
    other = strings[:1].expand(len(far), -1)
    loose, held = (invert(small_bundle.model, other, far, pull=p, n_steps=40) for p in (0.0, 100.0))
    assert (held.z - far).norm(dim=1).mean() < 0.5 * (loose.z - far).norm(dim=1).mean()
    assert loose.log_p.mean() > held.log_p.mean()


def test_a_wide_posterior_pulls_less(small_bundle, strings, far):
    other = strings[:1].expand(len(far), -1)
    narrow, wide = (
        invert(small_bundle.model, other, far, torch.full_like(far, s), pull=1.0, n_steps=40)
        for s in (0.1, 10.0)
    )
    assert (narrow.z - far).norm(dim=1).mean() < (wide.z - far).norm(dim=1).mean()


def test_neither_weights_nor_starts_are_changed(small_bundle, strings, far):
    weights = {k: v.clone() for k, v in small_bundle.model.state_dict().items()}
    before = far.clone()
    with torch.no_grad():  # a caller's own setting stands in nobody's way
        invert(small_bundle.model, strings, far, n_steps=3)
    assert torch.equal(far, before)
    assert all(torch.equal(v, weights[k]) for k, v in small_bundle.model.state_dict().items())


def test_gradients_are_taken_without_cudnn(small_bundle, strings, far):
    seen = []
    hook = small_bundle.model.decoder.register_forward_pre_hook(
        lambda *_: seen.append(torch.backends.cudnn.enabled)
    )
    was = torch.backends.cudnn.enabled
    with hook:
        invert(small_bundle.model, strings, far, n_steps=2)
    assert seen and not any(seen) and torch.backends.cudnn.enabled == was


def test_no_strings_are_no_error(small_bundle):
    empty = invert(small_bundle.model, torch.zeros(0, 0, dtype=torch.int64), torch.zeros(0, 8))
    assert empty.z.shape == (0, 8) and empty.n_steps == 0


def test_wrong_latent_size_is_named(small_bundle, strings):
    with pytest.raises(ShapeError, match=r"`z` must have shape \(\.\.\., 8\)"):
        invert(small_bundle.model, strings, torch.zeros(len(strings), 3))
