import pytest
import torch
from torch import nn

from molinterp.errors import BundleError
from molinterp.model.bundle import Bundle
from molinterp.model.quantisation import SCALE, STEPS, as_written, packed, unpacked
from tests.tolerances import HALF


def weights(seed=0):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(40, 30, generator=generator) * 10.0 ** torch.linspace(-6, 3, 40)[:, None]
    return {"a.weight": matrix, "a.bias": torch.linspace(-2, 2, 7), "zero": torch.zeros(3, 4)}


def test_an_entry_is_off_by_half_a_step_of_its_row_at_most():
    before, after = weights(), unpacked(packed(weights()))
    step = before["a.weight"].abs().amax(1, keepdim=True) / STEPS
    # The scale itself is rounded by 2^-9 at most.
    assert ((before["a.weight"] - after["a.weight"]).abs() <= 0.5 * step * (1 + 2**-9)).all()
    assert torch.equal(after["zero"], before["zero"])
    torch.testing.assert_close(after["a.bias"], before["a.bias"], rtol=HALF, atol=HALF)


@pytest.mark.parametrize("seed", range(5))
def test_what_was_unpacked_packs_to_the_same(seed):
    once = packed(weights(seed))
    again = packed(unpacked(once))
    assert once.keys() == again.keys()
    assert all(torch.equal(once[name], again[name]) for name in once)


def test_a_matrix_takes_a_byte_an_entry_and_a_scale_a_row():
    files = packed(weights())
    assert files["a.weight"].dtype == torch.int8 and files["a.weight" + SCALE].shape == (40, 1)
    assert files["a.bias"].dtype == torch.half and "a.bias" + SCALE not in files


def test_matrices_in_half_precision_are_read_as_they_are():
    halves = {name: value.clamp(-9, 9).half() for name, value in weights().items()}
    for name, value in unpacked(halves).items():
        assert value.dtype == torch.float32 and torch.equal(value, halves[name].float())


def test_a_module_as_written_is_what_a_bundle_gives_back(saved_bundle, tmp_path):
    bundle = Bundle.load(saved_bundle)
    nn.init.normal_(bundle.model.fingerprint_head[0].weight, generator=torch.Generator().manual_seed(0))
    as_written(bundle.model)
    kept = {name: value.clone() for name, value in bundle.model.state_dict().items()}
    bundle.save(tmp_path / "again")
    for name, value in Bundle.load(tmp_path / "again").model.state_dict().items():
        assert torch.equal(value, kept[name]), name


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_not_written(saved_bundle, tmp_path, bad):
    bundle = Bundle.load(saved_bundle)
    with torch.no_grad():
        bundle.model.output.weight[0, 0] = bad
    with pytest.raises(
        BundleError, match="'output.weight' has weights that are not finite: the training diverged"
    ):
        bundle.save(tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_bundle_that_is_saved_again_keeps_its_bytes(saved_bundle, tmp_path):
    Bundle.load(saved_bundle).save(tmp_path / "again")
    for file in saved_bundle.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()
