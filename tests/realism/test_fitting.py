import math

import pytest
import torch
from torch import nn

from molinterp.realism.fitting import descend, fit_latent_feature, fit_network, soft_cross_entropy
from molinterp.realism.settings import Descent, NetworkFit
from tests.tolerances import EXACT, FLOAT32


class Recorder:
    """Progress that keeps what it is told."""

    def __init__(self):
        self.seen = []

    def __call__(self, items, total, label):
        for item in items:
            self.seen.append((item, total, label))
            yield item

    def show(self, figures):
        self.seen.append(figures)

    note = show


def test_the_rate_rises_then_follows_a_cosine_to_zero():
    settings = Descent(learning_rate=0.8, n_warm_up=4)
    rising = [settings.rate(step, 0.0) for step in range(6)]
    assert rising == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8], abs=EXACT)
    falling = [settings.rate(100, k / 4) for k in range(5)]
    assert falling == pytest.approx([0.4 * (1 + math.cos(math.pi * k / 4)) for k in range(5)], abs=EXACT)
    assert settings.rate(100, 2.0) == pytest.approx(0, abs=EXACT)


def test_a_descent_finds_the_minimum_and_tells_each_step():
    point, progress = nn.Parameter(torch.tensor([3.0, -2.0])), Recorder()
    target = torch.tensor([1.0, 0.5])
    settings = Descent(learning_rate=0.1, weight_decay=0.0)
    descend([point], lambda: (point - target).square().sum().backward(), 300, settings, progress, "find")
    torch.testing.assert_close(point.detach(), target, rtol=1e-3, atol=1e-3)
    assert progress.seen == [(step, 300, "find") for step in range(300)]


@pytest.mark.parametrize("fused", [False, True])
def test_gradients_are_scaled_down_to_the_norm(fused):
    point = nn.Parameter(torch.zeros(2))
    settings = Descent(max_gradient=0.5, fused=fused)
    descend([point], lambda: (300 * point.sum() + 400 * point[1]).backward(), 1, settings)
    assert float(point.grad.norm()) == pytest.approx(0.5, abs=FLOAT32)


def test_a_network_learns_calibrated_probabilities():
    z = torch.randn(6_000, 3, generator=torch.Generator().manual_seed(0))
    truth = torch.sigmoid(2 * z[:, 0] - z[:, 1])
    labels = torch.bernoulli(truth, generator=torch.Generator().manual_seed(1))
    settings = NetworkFit(width=32, noise=0.0, n_steps=400, descent=Descent(weight_decay=0.02))
    before = torch.get_rng_state()
    network = fit_network(z, labels, soft_cross_entropy, settings)
    assert torch.equal(torch.get_rng_state(), before)
    assert (torch.sigmoid(network(z)[:, 0]) - truth).abs().mean() < 0.05
    assert torch.equal(network(z), fit_network(z, labels, soft_cross_entropy, settings)(z))


def test_noise_keeps_a_feature_from_what_the_means_hardly_say():
    """A dimension that the encoder does not use holds the feature in its means, a hundredth of a deviation."""
    generator = torch.Generator().manual_seed(0)
    p = torch.randint(2, (2_000,), generator=generator).float()
    z = torch.stack([torch.randn(2_000, generator=generator), 0.01 * (2 * p - 1)], 1)
    quiet = NetworkFit(noise=0.0, n_steps=200)
    by_heart, blind = fit_latent_feature(z, p, quiet), fit_latent_feature(z, p, NetworkFit(n_steps=200))
    steep = [float((n(z)[:, 0] * (2 * p - 1)).mean()) for n in (by_heart, blind)]
    assert steep[0] > 2 and abs(steep[1]) < 0.3
