import torch

from molinterp.model.bundle import Bundle
from molinterp.training.vae.encoder_tuning import TAUGHT
from tests.cli.commands import STEPS, TINY, check_refused


def test_an_encoder_is_taught_without_a_round(command, molecules):
    assert command(*TINY, "-o", "own", STEPS, "2") == (0, "", "")
    refine = ("refine", "own", molecules, "-o", "better", "--cache", "own.cache", "--rounds", "0")
    check_refused(command(*refine), 2, "`--rounds` and `--encoder-steps` are both 0")
    answer = command(*refine, "--encoder-steps", "12", "--threads", "1")
    assert answer.code == 0 and "the encoder is taught" in answer.err
    own, better = Bundle.load("own"), Bundle.load("better")
    assert [lesson["n_steps"] for lesson in better.training["encoder_lessons"]] == [
        12
    ] and "refined" not in better.training
    weights = own.model.state_dict()
    changed = {k for k, v in better.model.state_dict().items() if not torch.equal(v, weights[k])}
    assert changed and all(k.startswith(TAUGHT) for k in changed)
