import pandas as pd
import pytest

import molinterp.batch  # noqa: F401
from molinterp.batch import table as module
from molinterp.batch.table import interpolate_table
from molinterp.chem.properties import PROPERTIES
from molinterp.errors import InputError, MolinterpError
from tests.batch.faulty import pool

PAIRS = pd.DataFrame(
    {
        "key": [7, 3, 9, 9],
        "start": ["CCO", "c1ccc", "CC(=O)O", None],
        "end": ["CCCCN", "CCO", "c1ccccc1", "C"],
    },
    index=[4, 2, 2, 0],
)


def test_paths_of_a_table(small_bundle):
    frame = interpolate_table(PAIRS, id="key", model=small_bundle, workers=0)
    assert frame["pair"].drop_duplicates().tolist() == [7, 3, 9]
    assert frame["pair"].dtype == PAIRS["key"].dtype
    assert {
        "step",
        "smiles",
        "t",
        "similarity",
        "similarity_to_end",
        "status",
        "error",
        "note",
        *PROPERTIES,
    } <= set(frame)
    good = frame[frame["status"] == "ok"]
    assert good["smiles"].notna().all() and good["error"].isna().all()
    ends = good[good["pair"] == 7]["smiles"]
    assert (ends.iloc[0], ends.iloc[-1]) == ("CCO", "CCCCN")
    bad = frame[frame["status"] == "failed"]
    assert (
        len(bad) == 2 and "unclosed ring 1" in bad["error"].iloc[0] and "it is empty" in bad["error"].iloc[1]
    )
    assert frame["step"].dtype == "Int64" and frame["logp"].dtype == "float64"


def test_what_is_left_out_of_an_end_stands_in_the_first_row_of_its_pair(small_bundle):
    pairs = {"start": ["CCO.Cl", "CCO", "c1ccc"], "end": ["CCCCN", "CCCCN", "CCO"]}
    frame = interpolate_table(pairs, model=small_bundle, workers=0, min_step_similarity=0.05)
    first, second, failed = (frame[frame["pair"] == i]["note"] for i in range(3))
    assert first.iloc[0] == f"start: salt or solvent left out: Cl; {second.iloc[0]}"
    assert all(note.iloc[1:].isna().all() for note in (first, second)) and failed.isna().all()


LARGE = 2**53 + 1


@pytest.mark.parametrize(
    "key",
    [
        pd.array([LARGE, None, 3, LARGE], dtype="Int64"),
        pd.Categorical(["b", "a", None, "b"], ["b", "a", "c"]),
        pd.date_range("2026-01-01", periods=4, tz="Europe/Warsaw"),
        [0.5, None, 1.5, 2.5],
        ["x", None, "y", "z"],
    ],
    ids=["nullable", "category", "date", "float", "text"],
)
def test_what_names_a_pair_keeps_its_type_and_its_value(small_bundle, key):
    pairs = PAIRS.assign(key=key)
    frame = interpolate_table(pairs, id="key", model=small_bundle, workers=0)
    own = interpolate_table(PAIRS, model=small_bundle, workers=0)["pair"]
    expected = pairs["key"].iloc[own].reset_index(drop=True)
    pd.testing.assert_series_equal(frame["pair"], expected, check_names=False)


def test_whole_numbers_of_arrow_stay_exact_beside_missing_ones(small_bundle):
    pyarrow = pytest.importorskip("pyarrow", reason="pip install 'molinterp[parquet]'")
    pairs = pyarrow.table({"id": [LARGE, None], "start": ["bad", "bad"], "end": ["C", "C"]})
    frame = interpolate_table(pairs, id="id", model=small_bundle, workers=0)
    assert frame["pair"].tolist() == [LARGE, None]


def test_a_table_without_any_path_has_the_columns_of_one_with_paths(small_bundle):
    good = interpolate_table(PAIRS.iloc[:1], model=small_bundle, workers=0)
    expected = good[[c for c in good if not c.startswith("lambda_")]].dtypes
    for pairs in (PAIRS.iloc[[1, 3]], PAIRS.iloc[:0]):
        bad = interpolate_table(pairs, model=small_bundle, workers=0)
        assert len(bad) == len(pairs) and bad["smiles"].isna().all()
        pd.testing.assert_series_equal(bad.dtypes, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 3}, "`step` is not an option. Choose from start, end"),
        ({"names": ("a", "b")}, "`names` is not an option of a batch"),
        ({"keep": "bbb"}, r"`keep` must be a list; got 'bbb'\. Write \['bbb'\]\."),
    ],
)
def test_an_option_that_no_pair_can_use_ends_it(small_bundle, options, message):
    with pytest.raises(InputError, match=message):
        interpolate_table(PAIRS, model=small_bundle, workers=0, **options)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"start": ["C"], "end": ["N", "O"]}, "`pairs` must have columns of one length: "),
        (pd.DataFrame([["C", "N", "O"]], columns=["start", "start", "end"]), "must have one column 'start'"),
    ],
)
def test_columns_that_are_no_pairs_are_named(small_bundle, pairs, message):
    with pytest.raises(InputError, match=message):
        interpolate_table(pairs, model=small_bundle, workers=0)


def test_the_accessor_gives_the_same(small_bundle):
    frame = interpolate_table(PAIRS, model=small_bundle, workers=0, n_molecules=3)
    other = PAIRS.molinterp.paths("start", "end", model=small_bundle, workers=0, n_molecules=3)
    pd.testing.assert_frame_equal(frame, other)
    assert frame["pair"].drop_duplicates().tolist() == [0, 1, 2, 3]


def test_the_same_table_whatever_the_grouping(small_bundle, monkeypatch):
    whole = interpolate_table(PAIRS, model=small_bundle, workers=0)
    monkeypatch.setattr(module, "SHARD_SIZE", 1)
    pd.testing.assert_frame_equal(whole, interpolate_table(PAIRS, model=small_bundle, workers=0))


def test_a_worker_process_gives_the_same(small_bundle, saved_bundle):
    here = interpolate_table(PAIRS, model=small_bundle, workers=0)
    there = interpolate_table(PAIRS, model=saved_bundle, workers=1)
    floats = [c for c in here if here[c].dtype == "float64"]
    pd.testing.assert_frame_equal(here.drop(columns=floats), there.drop(columns=floats))


def test_whatever_happens_every_pair_has_a_row(monkeypatch, small_bundle):
    pairs = {"start": ["C", "crash", "bad", "fault", "CC"], "end": ["N"] * 5}
    monkeypatch.setattr(module, "Pool", lambda *_: pool(2))
    frame = interpolate_table(pairs)
    assert frame.groupby("pair").size().tolist() == [3, 1, 1, 1, 3]
    assert frame.groupby("pair")["status"].first().tolist() == ["ok", "failed", "failed", "failed", "ok"]


def test_a_fault_in_this_process_costs_a_row(monkeypatch, small_bundle):
    from tests.batch.faulty import compute

    monkeypatch.setattr(module, "open_compute", lambda *_: compute)
    frame = interpolate_table({"start": ["C", "fault"], "end": ["N", "N"]}, model=small_bundle, workers=0)
    assert frame["status"].tolist() == ["ok"] * 3 + ["failed"]
    assert "ZeroDivisionError" in frame["error"].iloc[-1]


def test_a_bar_on_request(small_bundle, capsys):
    interpolate_table(PAIRS, model=small_bundle, workers=0)
    assert capsys.readouterr() == ("", "")
    interpolate_table(PAIRS, model=small_bundle, workers=0, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "4/4" in err and "pairs/s" in err and "2 failed" in err


def test_arguments_are_checked(small_bundle):
    with pytest.raises(InputError, match="must be a name or a folder for worker processes"):
        interpolate_table(PAIRS, model=small_bundle)
    with pytest.raises(InputError, match="must have a column 'a'"):
        interpolate_table(PAIRS, "a")
    with pytest.raises(MolinterpError, match="must be one that ships"):
        interpolate_table(PAIRS, model="none", workers=0)


def test_an_empty_table_gives_an_empty_table(small_bundle):
    frame = interpolate_table(PAIRS.iloc[:0], model=small_bundle, workers=0)
    assert len(frame) == 0 and {"pair", "step", "smiles", *PROPERTIES, "status", "error", "note"} <= set(
        frame
    )
