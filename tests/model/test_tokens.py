"""Tokens: nothing is lost between a SMILES and its tokens, and merges are what byte pairs say."""

import csv
import gzip
import itertools
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import selfies
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molinterp.errors import InputError, ShapeError, VocabularyError
from molinterp.model.tokens import (
    END,
    MIN_GROUP,
    N_SPECIAL,
    PAD,
    START,
    SelfiesNotation,
    SmilesNotation,
    Tokenizer,
    groups_by_length,
    notation_named,
    pad,
)
from tests.molecules import DRUGS

NOTATIONS = [SmilesNotation(), SelfiesNotation()]
CANONICAL = [Chem.CanonSmiles(s) for s in DRUGS.values()]
N_SYMBOLS = 3
symbol_lists = st.lists(st.integers(N_SPECIAL, N_SPECIAL + N_SYMBOLS - 1), max_size=30)


@st.composite
def merge_rules(draw):
    """Pairs of tokens, each token a symbol or an earlier merge."""
    n = draw(st.integers(0, 6))
    tokens = [st.integers(N_SPECIAL, N_SPECIAL + N_SYMBOLS - 1 + j) for j in range(n)]
    pairs = tuple((draw(t), draw(t)) for t in tokens)
    return Tokenizer(SmilesNotation(), ("C", "O", "N"), pairs)


def slow_merge(sequence: list[int], pair: tuple[int, int], new: int) -> list[int]:
    out: list[int] = []
    i = 0
    while i < len(sequence):
        is_pair = tuple(sequence[i : i + 2]) == pair
        out.append(new if is_pair else sequence[i])
        i += 2 if is_pair else 1
    return out


def slow_fit(corpus: list[list[str]], n_tokens: int, min_count: int) -> tuple[list[str], list[tuple]]:
    """Alphabet and merges, by the book: the commonest adjacent pair first, the smaller one in a tie."""
    counts = Counter(s for symbols in corpus for s in set(symbols))
    alphabet = sorted((s for s in counts if counts[s] >= min_count), key=lambda s: (-counts[s], s))
    index = {s: N_SPECIAL + i for i, s in enumerate(alphabet)}
    sequences = [[index[s] for s in m] for m in corpus if all(s in index for s in m)]
    merges: list[tuple] = []
    while (new := N_SPECIAL + len(alphabet) + len(merges)) < n_tokens:
        pairs = Counter(pair for s in sequences for pair in itertools.pairwise(s))
        best = min(pairs, key=lambda p: (-pairs[p], p), default=None)
        if best is None or pairs[best] < 2:
            break
        merges.append(best)
        sequences = [slow_merge(s, best, new) for s in sequences]
    return alphabet, merges


def fitted(notation, n_tokens: int = 120) -> Tokenizer:
    return Tokenizer.fit(notation, [notation.split(s) for s in CANONICAL], n_tokens, min_count=1)


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda n: n.name)
@pytest.mark.parametrize("smiles", CANONICAL, ids=DRUGS)
def test_round_trip_is_exact_through_symbols_and_tokens(notation, smiles):
    symbols = notation.split(smiles)
    tokenizer = fitted(notation)
    (tokens,) = tokenizer.encode([smiles])
    for back in (notation.join(symbols), tokenizer.decode(tokens)):
        assert Chem.CanonSmiles(back) == smiles
        assert notation.name == "selfies" or back == smiles


@pytest.mark.parametrize("smiles", CANONICAL, ids=DRUGS)
def test_symbols_are_atoms_bonds_branches_and_ring_digits(smiles):
    n_atoms = sum(bool(re.fullmatch(r"\[.*\]|[A-Za-z]+", s)) for s in SmilesNotation().split(smiles))
    assert n_atoms == Chem.MolFromSmiles(smiles).GetNumAtoms()


def test_known_symbols():
    expected = ["C", "[C@H]", "(", "Cl", ")", "c", "%12", "Br", "=", "/", "1"]
    assert SmilesNotation().split("C[C@H](Cl)c%12Br=/1") == expected
    assert SelfiesNotation().split("CC(=O)O") == ["[C]", "[C]", "[=Branch1]", "[C]", "[=O]", "[O]"]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.text() | st.text("CNOclnBr[]()=#%12@/\\ ", max_size=20))
@example("C C")
def test_smiles_symbols_spell_the_text_or_the_rest_is_named(text):
    notation = SmilesNotation()
    try:
        assert notation.join(notation.split(text)) == text
    except VocabularyError as error:
        assert error.tokens
        assert all(token in text for token in error.tokens)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.text() | st.text("CNOclnBrH[]()=#%12@/\\ ", max_size=20))
@example("O11")
@example("#[2H]n[2H]:[2H]")
def test_any_text_has_selfies_or_a_named_refusal(text):
    try:
        assert all(re.fullmatch(r"\[.*\]|\.", s) for s in SelfiesNotation().split(text))
    except VocabularyError as error:
        assert error.text == text


@settings(deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(sorted(selfies.get_semantic_robust_alphabet())), max_size=30))
def test_every_list_of_selfies_symbols_spells_a_molecule(symbols):
    assert Chem.MolFromSmiles(SelfiesNotation().join(symbols)) is not None


def test_symbols_that_are_no_selfies_spell_nothing():
    assert SelfiesNotation().join(["[C]", "[Foo]"]) == ""


@pytest.mark.parametrize(
    ("notation", "text", "message"),
    [
        (SmilesNotation(), "C C", r"'C C' cannot be written in the model's vocabulary: unknown token  \."),
        (SmilesNotation(), "C->N", "unknown token >"),
        (SmilesNotation(), "X1CCZ", "unknown tokens X, Z"),
        (SelfiesNotation(), "C->N", "SELFIES cannot represent it"),
        (SelfiesNotation(), "CN(C)(C)(C)(C)C", "SELFIES cannot represent it .*too many bonds"),
    ],
)
def test_what_cannot_be_written_is_named(notation, text, message):
    with pytest.raises(VocabularyError, match=message):
        notation.split(text)


def test_notations_by_name():
    assert [notation_named(n.name).name for n in NOTATIONS] == ["smiles", "selfies"]
    with pytest.raises(InputError, match="`representation` must be 'smiles' or 'selfies'; got 'inchi'"):
        notation_named("inchi")


def test_symbols_outside_the_alphabet_are_named_once_in_order():
    tokenizer = Tokenizer(SmilesNotation(), ("C", "(", ")"))
    with pytest.raises(VocabularyError, match="unknown tokens Br, N") as caught:
        tokenizer.encode(["CC", "CBrNC(Br)"])
    assert (caught.value.text, caught.value.tokens) == ("CBrNC(Br)", ("Br", "N"))


@settings(deadline=None, derandomize=True, max_examples=300)
@given(merge_rules(), st.lists(symbol_lists, max_size=5))
def test_merging_is_the_slow_merge_of_each_sequence(tokenizer, sequences):
    expected = []
    for sequence in sequences:
        for j, pair in enumerate(tokenizer.merges):
            sequence = slow_merge(sequence, pair, N_SPECIAL + N_SYMBOLS + j)
        expected.append(sequence)
    merged = tokenizer.merge(sequences)
    assert [m.tolist() for m in merged] == expected
    assert all(m.dtype == np.int32 for m in merged)


@settings(deadline=None, derandomize=True)
@given(merge_rules(), st.lists(symbol_lists, max_size=5))
def test_a_batch_is_a_loop(tokenizer, sequences):
    together = tokenizer.merge(sequences)
    alone = [tokenizer.merge([s])[0] for s in sequences]
    assert [t.tolist() for t in together] == [a.tolist() for a in alone]


@settings(deadline=None, derandomize=True)
@given(merge_rules(), symbol_lists)
def test_merged_tokens_decode_to_what_was_merged(tokenizer, sequence):
    text = "".join(tokenizer.symbols[t - N_SPECIAL] for t in sequence)
    (tokens,) = tokenizer.merge([sequence])
    assert tokenizer.decode(tokens) == text
    assert tokenizer.encode([text])[0].tolist() == tokens.tolist()
    assert len(tokens) <= len(sequence)
    assert all(N_SPECIAL <= t < tokenizer.n_tokens for t in tokens)


def test_merging_leaves_its_input_alone():
    tokenizer = Tokenizer(SmilesNotation(), ("C", "O"), ((3, 3),))
    sequence = np.array([3, 3, 4], np.int32)
    assert tokenizer.merge([sequence])[0].tolist() == [5, 4]
    assert sequence.tolist() == [3, 3, 4]


def test_runs_merge_from_the_left_without_overlap():
    tokenizer = Tokenizer(SmilesNotation(), ("C", "O"), ((3, 3), (5, 5)))
    runs = [[3] * n for n in range(6)]
    assert [m.tolist() for m in tokenizer.merge(runs)] == [[], [3], [5], [5, 3], [6], [6, 3]]


def test_nothing_encodes_to_nothing():
    tokenizer = Tokenizer(SmilesNotation(), ("C",), ((3, 3),))
    assert tokenizer.encode([]) == tokenizer.merge([]) == []
    assert [t.tolist() for t in tokenizer.encode(["", "CC"])] == [[], [4]]


def test_decoding_stops_at_the_first_end():
    tokenizer = Tokenizer(SmilesNotation(), ("C", "O"), ((3, 4),))
    assert tokenizer.decode([START, 3, 5, END, 3, PAD]) == "CCO"
    assert tokenizer.decode([PAD, PAD]) == tokenizer.decode([]) == ""


@settings(deadline=None, derandomize=True)
@given(
    st.lists(st.lists(st.sampled_from("CNOcn="), max_size=12), max_size=12),
    st.integers(0, 16),
    st.integers(1, 3),
)
def test_fitting_is_the_slow_fit(corpus, n_tokens, min_count):
    tokenizer = Tokenizer.fit(SmilesNotation(), corpus, n_tokens, min_count)
    alphabet, merges = slow_fit(corpus, n_tokens, min_count)
    assert list(tokenizer.symbols) == alphabet
    assert list(tokenizer.merges) == merges


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda n: n.name)
def test_dictionary_round_trip_through_json(notation):
    tokenizer = fitted(notation)
    back = Tokenizer.from_dict(json.loads(json.dumps(tokenizer.to_dict())))
    assert back.to_dict() == tokenizer.to_dict()
    assert [t.tolist() for t in back.encode(CANONICAL)] == [t.tolist() for t in tokenizer.encode(CANONICAL)]


def test_vocabulary_is_counted_whole():
    tokenizer = fitted(SmilesNotation(), n_tokens=80)
    assert tokenizer.n_tokens == N_SPECIAL + len(tokenizer.symbols) + len(tokenizer.merges) == 80
    assert list(tokenizer.index.values()) == list(range(N_SPECIAL, N_SPECIAL + len(tokenizer.symbols)))


def test_padding_keeps_the_sequences_in_front():
    sequences = [np.array([3, 4, 5]), np.array([6]), np.zeros(0, int)]
    assert pad(sequences).tolist() == [[3, 4, 5], [6, 0, 0], [0, 0, 0]]
    assert pad(sequences, 4).tolist() == [[3, 4, 5, 0], [6, 0, 0, 0], [0, 0, 0, 0]]
    assert pad([]).shape == (0, 0)
    assert pad(sequences).dtype == np.int64


def test_padding_never_cuts():
    with pytest.raises(ShapeError, match="`length` must be at least 3, the longest sequence; got 2"):
        pad([np.array([3, 4, 5])], 2)


DATA = Path(__file__).parents[2] / "../shared/data/molecules.csv.gz"


@pytest.mark.skipif(not DATA.is_file(), reason="the training molecules are not here")
@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda n: n.name)
def test_round_trip_of_training_molecules_is_exact(notation):
    n_molecules, step = 20_000, 36
    with gzip.open(DATA, "rt", encoding="utf-8") as stream:
        train = (row["smiles"] for row in csv.DictReader(stream) if row["split"] == "train")
        molecules = list(itertools.islice(train, 0, n_molecules * step, step))
    assert len(molecules) == n_molecules
    corpus = [notation.split(s) for s in molecules]
    tokenizer = Tokenizer.fit(notation, corpus, n_tokens=250, min_count=1)
    merged = tokenizer.merge([[tokenizer.index[s] for s in symbols] for symbols in corpus])
    back = [tokenizer.decode(tokens) for tokens in merged]
    if notation.name == "selfies":
        back = [Chem.CanonSmiles(s) for s in back]
    assert [pair for pair in zip(molecules, back, strict=True) if pair[0] != pair[1]] == []


def test_groups_of_like_length_hold_every_string_once():
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    groups = list(groups_by_length(lengths.tolist()))
    assert sorted(np.concatenate(groups).tolist()) == list(range(500))
    assert all(len(group) >= MIN_GROUP for group in groups[:-1])
    # One that is longer than its group needs to be has to be there to fill it.
    assert all(lengths[group[MIN_GROUP:]].max(initial=0) <= lengths[group[0]] + 2 for group in groups)
    assert all(lengths[a].max() <= lengths[b].min() for a, b in itertools.pairwise(groups))
    assert list(groups_by_length([])) == []
