import torch

from molinterp.model.encoding import encode_all, posterior_all
from tests.conftest import SMALL
from tests.tolerances import FLOAT32


def test_posteriors_come_in_the_order_of_the_molecules(small_bundle):
    wanted = small_bundle.posterior(SMALL)
    for found, expected in zip(posterior_all(small_bundle, SMALL, batch_size=5), wanted, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=FLOAT32)
    assert torch.equal(encode_all(small_bundle, SMALL), posterior_all(small_bundle, SMALL)[0])
