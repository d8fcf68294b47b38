from dataclasses import replace

import pytest
import torch

from molinterp.errors import InputError
from molinterp.training.vae.weight_averaging import average
from tests.tolerances import FLOAT32


def _moved(bundle, by):
    state = {k: v + by if v.is_floating_point() else v for k, v in bundle.model.state_dict().items()}
    model = bundle.model.grown(bundle.model.config)
    model.load_state_dict(state)
    return replace(bundle, model=model.eval(), training={"n_seen": 7})


def test_weights_are_the_mean_and_what_was_fitted_is_gone(small_bundle):
    mean = average([small_bundle, _moved(small_bundle, 0.3), _moved(small_bundle, 0.6)], "mean")
    for key, value in small_bundle.model.state_dict().items():
        torch.testing.assert_close(mean.model.state_dict()[key], value + 0.3, rtol=FLOAT32, atol=FLOAT32)
    assert (mean.name, mean.figures, mean.realism.facts) == ("mean", {}, {})
    assert mean.training["averaged_with"] == [{"n_seen": 7}, {"n_seen": 7}]
    assert {k: mean.training[k] for k in small_bundle.training} == small_bundle.training


def test_what_one_has_grown_keeps_its_inner_weights_and_half_its_say(small_bundle):
    sizes = replace(small_bundle.model.config, upper_dim=3, encoder_blocks=1)
    model = small_bundle.model.grown(sizes, seed=5).eval()
    n_lower = 4 * sizes.encoder_dim
    with torch.no_grad():
        model.posterior[0].weight[:, n_lower:].normal_()
    mean = average([small_bundle, replace(small_bundle, model=model)], "mean").model
    own, both = model.state_dict(), mean.state_dict()
    inner = [k for k in own if k.startswith(("encoder_upper", "posterior.2."))]
    assert len(inner) == 12 and all(torch.equal(own[k], both[k]) for k in inner)
    columns = (own["posterior.0.weight"] / 2)[:, n_lower:], both["posterior.0.weight"][:, n_lower:]
    torch.testing.assert_close(*columns, rtol=FLOAT32, atol=FLOAT32)


def test_bundles_that_have_no_mean_are_turned_down(small_bundle):
    with pytest.raises(InputError, match=r"must have at least two bundles; got 1\. Name another"):
        average([small_bundle], "mean")
    sizes = replace(small_bundle.model.config, latent_dim=9)
    other = replace(small_bundle, model=type(small_bundle.model)(sizes))
    with pytest.raises(
        InputError, match="must have the same sizes: a network can grow in .* got latent_dim 8 from 9"
    ):
        average([small_bundle, other], "mean")
    vocabulary = replace(small_bundle.tokenizer, merges=small_bundle.tokenizer.merges[:-1])
    with pytest.raises(InputError, match="must have one vocabulary"):
        average([small_bundle, replace(small_bundle, tokenizer=vocabulary)], "mean")
