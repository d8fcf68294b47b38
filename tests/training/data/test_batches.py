import numpy as np
import pytest

from molinterp.training.data.batches import batch_rows, gather, stream
from molinterp.training.data.settings import BatchOrder


@pytest.mark.parametrize("n", [64, 100, 1000])
def test_every_row_stands_in_an_epoch_once_but_for_a_short_rest(n):
    rows, lengths = np.arange(n), np.random.default_rng(0).integers(1, 50, n)
    batches = batch_rows(rows, lengths, BatchOrder(32), seed=1, epoch=0)
    seen = np.concatenate(batches)
    assert len(set(seen.tolist())) == len(seen) >= n - 31
    assert all(len(b) == 32 for b in batches)


def test_the_longest_of_few_rows_are_seen_too():
    rows = lengths = np.arange(100)
    seen = np.concatenate(
        [batch for epoch in range(5) for batch in batch_rows(rows, lengths, BatchOrder(32), 1, epoch)]
    )
    assert set(seen.tolist()) == set(range(100))


@pytest.mark.parametrize("n", [1, 20, 32])
def test_rows_that_fill_one_batch_at_most_are_one(n):
    (batch,) = batch_rows(np.arange(n), np.arange(n), BatchOrder(32), seed=1, epoch=0)
    assert sorted(batch.tolist()) == list(range(n))


def test_order_depends_on_seed_and_epoch_alone():
    rows, lengths = np.arange(500), np.arange(500) % 17
    orders = [
        np.concatenate(batch_rows(rows, lengths, BatchOrder(16), s, e))
        for s, e in ((1, 0), (1, 0), (1, 1), (2, 0))
    ]
    assert (orders[0] == orders[1]).all()
    assert (orders[0] != orders[2]).any() and (orders[0] != orders[3]).any()


def test_batches_hold_similar_lengths():
    rows, lengths = np.arange(6400), np.random.default_rng(0).integers(1, 100, 6400)
    batches = batch_rows(rows, lengths, BatchOrder(64), 0, 0)
    spread = np.mean([np.ptp(lengths[b]) for b in batches])
    assert spread < 5  # of 99; random batches spread over almost all of it


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_long_rows_come_in_proportion_to_a_power_of_their_length(power):
    rows, lengths = np.arange(9000), np.repeat([5, 10, 20], 3000)
    seen = np.concatenate(
        [np.concatenate(batch_rows(rows, lengths, BatchOrder(16, power), 0, e)) for e in range(4)]
    )
    counts = np.bincount(lengths[seen], minlength=21)[[5, 10, 20]] / 12_000
    assert counts.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(counts[1:] / counts[:-1], 2**power, rtol=0.05)


def test_stream_goes_on_where_it_is_told(small_corpus):
    rows = small_corpus.rows("train")
    whole = stream(small_corpus, rows, BatchOrder(32), seed=3)
    for _ in range(7):
        expected = next(whole)
    resumed = next(stream(small_corpus, rows, BatchOrder(32), seed=3, start=6))
    assert (expected.tokens == resumed.tokens).all()


def test_gather_unpacks_what_the_corpus_holds(small_corpus):
    batch = gather(small_corpus, [0, 7])
    assert batch.bits.shape == (2, 2048)
    assert batch.bits.sum(1).tolist() == [np.unpackbits(small_corpus.bits[i]).sum() for i in (0, 7)]
    decoded = small_corpus.tokenizer.decode(batch.tokens[0].tolist())
    assert decoded == "CCO"
