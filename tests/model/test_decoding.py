import itertools

import pytest
import torch

from molinterp.model.decoding import _draw, beam, greedy, sample
from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.network import MoleculeVAE, VAEConfig
from molinterp.model.tokens import END, START


@pytest.fixture
def model() -> MoleculeVAE:
    torch.manual_seed(3)
    sizes = VAEConfig(6, 4, 2, latent_dim=3, embedding_dim=4, encoder_dim=4, decoder_dim=8, head_dim=4)
    network = MoleculeVAE(sizes)
    with torch.no_grad():
        # Sharper distributions than fresh weights give, so that ties and near-ties do not decide.
        network.output.weight.mul_(4)
        network.output.bias[END] = 0.5
    return network.eval()


def _slow_greedy(model: MoleculeVAE, z: torch.Tensor, max_tokens: int) -> list[int]:
    prefix = [START]
    for _ in range(max_tokens):
        logits = model.logits(model.condition(z[None]), torch.tensor([prefix]))[0, -1].detach().clone()
        logits[:2] = -torch.inf
        token = int(logits.argmax())
        if token == END:
            break
        prefix.append(token)
    return prefix[1:]


def test_greedy_equals_the_uncached_loop(model):
    z = torch.randn(40, 3)
    assert greedy(model, z, max_tokens=12) == [_slow_greedy(model, row, 12) for row in z]


def test_greedy_of_a_batch_is_that_of_each_row(model):
    z = torch.randn(10, 3)
    assert greedy(model, z, max_tokens=12) == [greedy(model, row[None], max_tokens=12)[0] for row in z]


def test_sampling_is_a_function_of_the_seed(model):
    z = torch.randn(30, 3)
    draws = [sample(model, z, torch.Generator().manual_seed(s), max_tokens=12) for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_cold_sampling_is_greedy(model):
    z = torch.randn(30, 3)
    cold = sample(model, z, torch.Generator().manual_seed(0), temperature=1e-4, max_tokens=12)
    assert cold == greedy(model, z, max_tokens=12)


def test_samples_follow_the_decoders_distribution(model):
    z = torch.randn(1, 3)
    draws = sample(model, z.expand(20_000, 3), torch.Generator().manual_seed(0), max_tokens=1)
    logits = model.logits(model.condition(z), torch.tensor([[START]]))[0, 0].detach()
    logits[:2] = -torch.inf
    p = torch.softmax(logits, 0)
    counted = torch.tensor([sum(d == ([k] if k != END else []) for d in draws) for k in range(6)]) / 20_000
    # Five standard errors of a share of 20,000 draws.
    assert (counted - p).abs().max() < 5 * 0.5 / 20_000**0.5


@pytest.mark.parametrize(("uniform", "wanted"), [(0.0, 4), (1 - 2**-24, 2)])
def test_what_has_no_probability_is_not_draw(monkeypatch, uniform, wanted):
    monkeypatch.setattr(torch, "rand", lambda size, generator: torch.full(size, uniform))
    assert _draw(torch.tensor([[0.0, 0.0, 0.3, 0.5, 0.2, 0.0]]), torch.Generator()).tolist() == [wanted]


def test_beam_finds_the_best_string_of_an_exhaustive_search(model):
    z = torch.randn(5, 3)
    strings = [list(s) for n in range(4) for s in itertools.product((3, 4, 5), repeat=n)]
    found = beam(model, z, width=200, max_tokens=4)
    for row, best in zip(z, found, strict=True):
        complete = [b for b in best if len(b.tokens) < 4]
        expected = {}
        for s in strings:
            logits = model.logits(model.condition(row[None]), torch.tensor([[START, *s]]))[0].detach().clone()
            logits[:, :2] = -torch.inf
            log_p = torch.log_softmax(logits, 1)
            expected[tuple(s)] = float(sum(log_p[i, t] for i, t in enumerate([*s, END])))
        top = max(expected, key=expected.__getitem__)
        assert tuple(complete[0].tokens) == top
        assert complete[0].log_p == pytest.approx(expected[top], abs=1e-4)


def test_beams_come_best_first_and_differ(model):
    for beams in beam(model, torch.randn(6, 3), width=5, max_tokens=8):
        scores = [b.log_p for b in beams]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(b.tokens) for b in beams}) == 5


def test_no_points_have_no_decodes(model):
    nowhere = torch.zeros(0, 3)
    assert (
        greedy(model, nowhere) == sample(model, nowhere, torch.Generator()) == beam(model, nowhere, 4) == []
    )


def test_cross_entropy_is_minus_the_log_probability_of_the_string(model):
    z = torch.randn(1, 3)
    string = [3, 5, 4]
    log_p = torch.log_softmax(model.logits(model.condition(z), torch.tensor([[START, *string]]))[0], 1)
    expected = -sum(log_p[i, t] for i, t in enumerate([*string, END]))
    torch.testing.assert_close(token_cross_entropy(model, z, torch.tensor([string]))[0], expected)
