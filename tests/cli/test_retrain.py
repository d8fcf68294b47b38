import pytest
import torch

from molinterp.model.bundle import Bundle
from molinterp.training.vae.encoder_tuning import TRAINED
from tests.cli.commands import STEPS, TINY


@pytest.mark.usefixtures("molecules")
def test_an_encoder_is_tuned_alone(command):
    assert command(*TINY, "-o", "own", STEPS, "2") == (0, "", "")
    tune = ("tune-encoder", "own", "m.csv", "-o", "better", "--work", "own.work", STEPS, "12")
    assert command(*tune, "--threads", "1", "-q") == (0, "", "")
    own, better = Bundle.load("own"), Bundle.load("better")
    assert better.name == "better" and [one["n_steps"] for one in better.training["encoder_tuning"]] == [12]
    weights = own.model.state_dict()
    changed = {k for k, v in better.model.state_dict().items() if not torch.equal(v, weights[k])}
    assert changed and all(k.startswith(TRAINED) for k in changed)
