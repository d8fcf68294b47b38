import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from rdkit import Chem

from molinterp.report.formats import render
from molinterp.report.page import page
from molinterp.report.view import PathView, view_of
from tests.report.paths import HOSTILE, SMILES, molecule_path


class _Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *a) for a in attrs]

    def handle_data(self, data):
        self.text.append(data)


def _parsed(html):
    parser = _Elements()
    parser.feed(html)
    return parser


def _download(html, suffix):
    (data,) = [v for t, k, v in _parsed(html).attributes if k == "href" and ";base64," in v and suffix in v]
    return base64.b64decode(data.partition("base64,")[2]).decode()


def test_the_policy_holds_the_hashes_of_what_stands_in_the_page():
    html = page(view_of(molecule_path()))
    (policy,) = re.findall(r'Security-Policy" content="([^"]*)"', html)
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_page_asks_for_nothing_and_bears_no_inline_style_or_handler():
    parsed = _parsed(page(view_of(molecule_path())))
    for tag, key, value in parsed.attributes:
        assert not key.startswith("on") and key not in ("style", "src"), (tag, key)
        if key == "href":
            assert value.startswith("data:")
    assert not {"iframe", "img", "object", "form", "base"} & set(parsed.tags)


def test_a_figure_a_card_and_a_row_each():
    parsed = _parsed(page(view_of(molecule_path())))
    assert parsed.tags.count("figure") == 16
    cards = [
        v for t, k, v in parsed.attributes if (t, k) == ("svg", "aria-label") and v.startswith("Structure of")
    ]
    assert cards == [f"Structure of {s}" for s in SMILES]
    assert sum((t, k) == ("tr", "data-step") for t, k, _ in parsed.attributes) == len(SMILES)


def test_a_fault_stands_on_its_card_and_a_clean_molecule_bears_none():
    view = view_of(molecule_path())
    assert "fault" not in {v for t, k, v in _parsed(page(view)).attributes if k == "class"}
    view.table.loc[1, "verdict"] = "keep <bbb>"
    parsed = _parsed(page(view))
    assert [(t, v) for t, k, v in parsed.attributes if k == "class" and v == "fault"] == [("span", "fault")]
    assert "keep <bbb>" in "".join(parsed.text)
    view.table.loc[1, "verdict"] = None
    assert "fault" not in {v for t, k, v in _parsed(page(view)).attributes if k == "class"}


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_a_users_stay_text(text):
    plain = _parsed(page(view_of(molecule_path(names=("a", "b"), notes=("note",)))))
    view = view_of(molecule_path(names=(text, text), notes=(text,)))
    view.table[text] = 1.0
    other = PathView(view.table, text, text, {text: text}, {text: text}, (text,))
    parsed = _parsed(page(other))
    assert set(parsed.tags) == set(plain.tags)
    assert {(t, k) for t, k, _ in parsed.attributes} == {(t, k) for t, k, _ in plain.attributes}
    assert text in "".join(parsed.text)
    assert "49" not in page(PathView(view.table[["step", "name", "smiles"]], text, text)).split("<main>")[0]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_smiles_that_is_none_stays_text(text):
    view = view_of(molecule_path())
    view.table.loc[1, "smiles"] = text
    html = page(view)
    assert text in "".join(_parsed(html).text)
    assert _download(html, "mdl-sdfile").count("$$$$") == 3


def test_downloads_hold_the_path():
    path = molecule_path(names=("=cmd", "b"))
    html = page(view_of(path))
    assert _download(html, "text/csv") == render(path, ".csv")
    assert _download(html, "mdl-sdfile") == path.to_sdf()
    assert 'download="cmd-b.csv"' in html


def test_output_writes_the_same_page():
    assert render(molecule_path(), ".html") == page(view_of(molecule_path()))


def test_every_molecule_is_drawn_once_whatever_the_order():
    html = page(view_of(molecule_path(smiles=SMILES[::-1])))
    assert html.index(f"Structure of {SMILES[-1]}") < html.index(f"Structure of {SMILES[0]}")
    assert Chem.MolFromSmiles(SMILES[0]) is not None
