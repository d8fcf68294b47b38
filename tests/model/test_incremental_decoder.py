import pytest
import torch

from molinterp.model.incremental_decoder import N_TABLE, IncrementalDecoder
from molinterp.model.network import MoleculeVAE, VAEConfig
from tests.tolerances import FLOAT32

SIZES = VAEConfig(20, 16, 3, latent_dim=5, embedding_dim=8, encoder_dim=12, decoder_dim=14, head_dim=10)


@pytest.fixture
def model() -> MoleculeVAE:
    torch.manual_seed(0)
    return MoleculeVAE(SIZES).eval()


@pytest.mark.parametrize("n", [4, N_TABLE])
@torch.no_grad()
def test_steps_give_the_logits_of_the_whole_string(model, n):
    prefix = torch.randint(3, 20, (n, 6))
    condition = model.condition(torch.randn(n, 5), torch.rand(n))
    whole = model.logits(condition, prefix)
    decoder = IncrementalDecoder(model, condition)
    for i in range(6):
        torch.testing.assert_close(decoder.step(prefix[:, i]), whole[:, i], rtol=FLOAT32, atol=FLOAT32)


@torch.no_grad()
def test_rows_that_are_kept_go_on_as_they_were(model):
    prefix = torch.randint(3, 20, (5, 4))
    condition = model.condition(torch.randn(5, 5))
    whole = model.logits(condition, prefix)
    decoder = IncrementalDecoder(model, condition)
    decoder.step(prefix[:, 0])
    kept = torch.tensor([True, False, True, True, False])
    decoder.keep(kept)
    decoder.step(prefix[kept, 1])
    decoder.keep(torch.tensor([2, 0]))
    rows = torch.tensor([3, 0])
    torch.testing.assert_close(decoder.step(prefix[rows, 2]), whole[rows, 2], rtol=FLOAT32, atol=FLOAT32)
