from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from molinterp.errors import InputError
from molinterp.training.corpus import prepare
from molinterp.training.refine import FIXED, Anchors, RefineConfig, _nearest, _passing, refine
from tests.conftest import SMALL

CONFIG = RefineConfig(
    n_compounds=160, minutes=0.02, n_rounds=1, n_points=32, n_steps=5, noise=0.0, bf16=False
)


@pytest.fixture
def anchors(small_bundle, small_corpus):
    with ThreadPoolExecutor(1) as executor:
        return Anchors(small_bundle, small_corpus, CONFIG, executor)


def test_a_target_is_the_nearest_clean_compound_by_an_exhaustive_search(anchors, small_bundle, small_corpus):
    points = anchors.draw(np.random.default_rng(0), 50)
    rows = small_corpus.rows("train")
    mean, deviation = small_bundle.posterior([SMALL[r % len(SMALL)] for r in anchors.rows])
    unit = deviation.mean(0)
    clean = [i for i, r in enumerate(anchors.rows) if r in set(anchors._clean_rows.tolist())]
    assert 0 < len(clean) < len(rows)
    for z, tokens in zip(points.z, points.tokens, strict=True):
        distance = ((mean[clean] - z) / unit).square().sum(1)
        target = ((_mean(small_bundle, tokens) - z) / unit).square().sum()
        assert float(target) <= float(distance.min()) * (1 + 1e-5) + 1e-4  # float32 sums


@torch.no_grad()
def _mean(bundle, tokens):
    return bundle.model.encode(torch.from_numpy(tokens.astype(np.int64))[None])[0][0]


def test_points_lie_between_their_ends(anchors):
    z, blur, scale, pairs = anchors.between(np.random.default_rng(1), 40)
    a, b = anchors._mean[pairs[:, 0]], anchors._mean[pairs[:, 1]]
    direct = (a - b).norm(dim=1)
    torch.testing.assert_close((z - a).norm(dim=1) + (z - b).norm(dim=1), direct, rtol=1e-4, atol=1e-4)
    assert (scale > 0).all()
    # The nearer end is blur / 2 of the way off: none at a compound, half at the middle.
    nearer = torch.minimum((z - a).norm(dim=1), (z - b).norm(dim=1))
    torch.testing.assert_close(nearer, blur / 2 * direct, rtol=1e-4, atol=1e-4)


def test_the_encoder_stays_and_the_decoder_moves(saved_bundle, small_corpus):
    from molinterp.bundle import Bundle

    bundle = Bundle.load(saved_bundle)
    before = {k: v.clone() for k, v in bundle.model.state_dict().items()}
    lines = []
    refined = refine(bundle, small_corpus, CONFIG, lambda text, so_far: lines.append(text))
    after = refined.model.state_dict()
    for name, value in before.items():
        if name.startswith((*FIXED, "property_mean", "property_scale")):
            assert torch.equal(value, after[name]), name
    assert not torch.equal(before["output.weight"], after["output.weight"])
    assert [entry["stage"] for entry in refined.training["refined"]] == ["anchors", "self-training"]
    assert len(lines) == 2 and refined.figures == {}
    assert all(p.requires_grad for p in refined.model.parameters())


def test_passing_keeps_the_place_of_the_first_of_equals():
    ends = ("CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1")
    texts = ["C1CC", "CC(=O)Nc1ccccc1", "c1ccc(NC(C)=O)cc1", "O=[N+]([O-])c1ccccc1", "CCc1ccccc1"]
    assert _passing((texts, ends)) == [(1, "CC(=O)Nc1ccccc1"), (4, "CCc1ccccc1")]


def test_nearest_is_the_molecule_that_encodes_at_the_point(small_bundle):
    z = small_bundle.encode(["CCO", "CCN", "CCO"])
    best = _nearest(small_bundle, z, [["CCN", "CCO", "CCCN"], ["CCO", "CCN"], []])
    decoded = [None if b is None else small_bundle.tokenizer.decode(b.tolist()) for b in best]
    assert decoded == ["CCO", "CCN", None]


def test_a_corpus_without_clean_compounds_is_turned_down(tmp_path, small_bundle):
    table = tmp_path / "m.csv"
    table.write_text("smiles,split\n" + "O=[N+]([O-])c1ccccc1,train\n" * 20)
    corpus = prepare(table, tmp_path / "cache", "selfies", 20)
    with ThreadPoolExecutor(1) as executor, pytest.raises(InputError, match="fewer than two"):
        Anchors(small_bundle, corpus, replace(CONFIG, n_compounds=10), executor)
