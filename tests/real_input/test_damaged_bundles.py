"""Bundles that were damaged, or made to harm: refused with a reason, before anything large is allocated."""

import io
import json
import os
import random
import shutil
import tarfile
import time
import tracemalloc
import zipfile
from contextlib import suppress

import pytest
import torch
from safetensors.torch import load_file, save_file

from molinterp.errors import BundleError, DownloadError, VocabularyError
from molinterp.io.files import sha256
from molinterp.model.bundle import Bundle
from molinterp.model.bundle_archives import unpack
from molinterp.model.header import seal
from molinterp.model.storage import HEADER

N_DAMAGED = int(os.environ.get("MOLINTERP_FUZZ", "120"))
"""Damaged files of each kind; MOLINTERP_FUZZ=1000 is the longer run."""


def change(folder, edit):
    """Edit the header of a bundle and seal it again, as one who wants to harm would."""
    header = json.loads((folder / HEADER).read_text())
    edit(header)
    (folder / HEADER).write_text(json.dumps(seal(header)))


def into(path, value):
    *keys, last = path.split(".")

    def edit(header):
        place = header
        for key in keys:
            place = place[key]
        place[last] = value

    return edit


HARM = {
    "blocks": (into("sizes.head_blocks", 1_000_000_000), "size head_blocks must be from 0 to 64"),
    "width": (into("sizes.decoder_dim", 10**12), "size decoder_dim must be from"),
    "negative": (into("sizes.latent_dim", -1), "size latent_dim must be from"),
    "fraction": (into("sizes.latent_dim", 8.5), "size latent_dim must be a whole number"),
    "text": (into("sizes.latent_dim", "64"), "size latent_dim must be from"),
    "truth": (into("sizes.latent_dim", True), "size latent_dim must be from"),
    "unknown size": (into("sizes.evil", 1), "there is no size 'evil'"),
    "no sizes": (into("sizes", None), "sizes must be dict"),
    "null properties": (into("properties", None), "properties must be names"),
    "numbered properties": (into("properties", [1] * 12), "properties must be names"),
    "fewer properties": (into("properties", ["mw"]), "size n_properties is"),
    "no name": (into("name", ""), "its name must be text"),
    "name of lines": (into("name", "a\nb"), "its name must be text"),
    "no vocabulary": (into("vocabulary", []), "vocabulary must be dict"),
    "no symbols": (into("vocabulary.symbols", []), "from 1 to 10000 symbols"),
    "symbols of numbers": (into("vocabulary.symbols", [1, 2]), "symbols must be texts"),
    "symbols twice": (into("vocabulary.symbols", ["C", "C"]), "a symbol occurs twice"),
    "merge of nothing": (into("vocabulary.merges", [[3, 99_999]]), "pairs of earlier tokens"),
    "merge of one": (into("vocabulary.merges", [[3]]), "pairs of earlier tokens"),
    "files as a list": (into("files", []), "files must be dict"),
    "hash of nothing": (into("files", {"encoder.safetensors": None}), "files must have a SHA-256"),
    "another file": (into("files", {"../x": "0" * 64}), "names the file"),
    "figures": (into("figures", None), "figures must be dict"),
    "realism": (into("realism", 7), "realism must be dict"),
    "flow": (
        into("realism", {"density": {"kind": "flow", "sizes": {"transforms": 10**9}}}),
        "size transforms must be from 1 to 32",
    ),
}


@pytest.mark.parametrize(("edit", "message"), HARM.values(), ids=HARM)
def test_a_header_that_was_made_to_harm_is_refused_at_once(saved_bundle, edit, message):
    change(saved_bundle, edit)
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(BundleError, match=message):
        Bundle.load(saved_bundle)
    assert time.process_time() - start < 5
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()


def test_a_token_that_spells_without_end_is_refused(saved_bundle):
    def edit(header):
        n = len(header["vocabulary"]["symbols"])
        header["vocabulary"]["merges"] = [[3, 3], *([n + 3 + i] * 2 for i in range(60))]

    change(saved_bundle, edit)
    with pytest.raises(BundleError, match="a token has more than 4096 symbols"):
        Bundle.load(saved_bundle)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deep|not a JSON object"),
        ('{"a":' * 100_000, "nested too deep|Expecting"),
        ("null", "not a JSON object"),
        ("", "Expecting value"),
        ('{"schema": 4}', "does not match its checksum"),
        ('{"schema": 1e999}', "has schema"),
        ('{"schema": ' + "9" * 5000 + "}", "Exceeds the limit|has schema"),
        ("{" + " " * (1 << 24) + "}", "the limit is"),
    ],
    ids=range(8),
)
def test_what_is_no_header_is_refused(saved_bundle, text, message):
    (saved_bundle / HEADER).write_text(text)
    with pytest.raises(BundleError, match=message):
        Bundle.load(saved_bundle)


def test_a_header_is_under_a_checksum_of_its_own(saved_bundle):
    text = (saved_bundle / HEADER).read_text()
    (saved_bundle / HEADER).write_text(json.dumps(json.loads(text)))  # another layout, the same header
    Bundle.load(saved_bundle)
    (saved_bundle / HEADER).write_text(text.replace('"n_train": ', '"n_train": 1'))
    with pytest.raises(BundleError, match="bundle.json: it does not match its checksum"):
        Bundle.load(saved_bundle)


def rewrite(folder, file, edit):
    tensors = load_file(folder / file)
    edit(tensors)
    save_file(tensors, folder / file)
    change(
        folder,
        into("files", json.loads((folder / HEADER).read_text())["files"] | {file: sha256(folder / file)}),
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(saved_bundle, value):
    def edit(tensors):
        name = next(k for k, v in tensors.items() if v.is_floating_point())
        tensors[name].flatten()[0] = value

    rewrite(saved_bundle, "decoder.safetensors", edit)
    with pytest.raises(BundleError, match="has values that are not finite"):
        Bundle.load(saved_bundle)


def test_weights_of_another_shape_are_refused(saved_bundle):
    def edit(tensors):
        name = next(k for k, v in tensors.items() if v.ndim == 1)
        tensors[name] = torch.zeros(3, dtype=tensors[name].dtype)

    rewrite(saved_bundle, "encoder.safetensors", edit)
    with pytest.raises(BundleError, match="is damaged"):
        Bundle.load(saved_bundle)


def archives(folder):
    """A zip and a tar of a bundle, in memory."""
    packed, tape = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive, tarfile.open(fileobj=tape, mode="w:gz") as tar:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
            tar.add(file, file.name)
    return packed.getvalue(), tape.getvalue()


def damaged(content: bytes, source: random.Random) -> bytes:
    kind = source.randrange(4)
    if kind == 0:
        return content[: source.randrange(len(content))]
    spoilt = bytearray(content)
    places = sorted(source.randrange(len(content)) for _ in range(source.choice((1, 1, 4, 40))))
    for place in places:
        spoilt[place] ^= 1 << source.randrange(8)
    if kind == 2:
        del spoilt[places[0] : places[0] + source.randrange(1, 200)]
    if kind == 3:
        spoilt[places[0] : places[0]] = source.randbytes(source.randrange(1, 200))
    return bytes(spoilt)


def test_a_file_without_a_name_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), "x")
    (tmp_path / "into").mkdir()
    with pytest.raises(BundleError, match="without a name|cannot be read"):
        unpack(tmp_path / "a.zip", tmp_path / "into")


def test_no_damaged_file_of_a_bundle_is_accepted(saved_bundle, tmp_path):
    source = random.Random(0)
    files = sorted(saved_bundle.iterdir())
    for _ in range(N_DAMAGED):
        folder = tmp_path / "copy"
        shutil.copytree(saved_bundle, folder)
        file = folder / source.choice(files).name
        content = file.read_bytes()
        spoilt = damaged(content, source)
        file.write_bytes(spoilt)
        if spoilt != content:
            with pytest.raises(BundleError):
                Bundle.load(folder)
        shutil.rmtree(folder)


def test_no_damaged_archive_is_accepted(saved_bundle, tmp_path):
    source = random.Random(1)
    whole = {f.name: f.read_bytes() for f in saved_bundle.iterdir()}
    for content in archives(saved_bundle):
        for _ in range(N_DAMAGED // 2):
            (tmp_path / "archive").write_bytes(damaged(content, source))
            folder = tmp_path / "into"
            folder.mkdir()
            try:
                unpack(tmp_path / "archive", folder, max_bytes=1 << 26)
                Bundle.load(folder)
            except (BundleError, DownloadError):
                pass
            else:  # what was damaged is a time stamp, say: the files are whole
                assert {f.name: f.read_bytes() for f in folder.iterdir()} == whole
            shutil.rmtree(folder)


def _values(node, path=()):
    yield path, node
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node[:3]):
            yield from _values(value, (*path, key))


def test_no_sealed_header_with_a_wrong_value_is_an_internal_error(saved_bundle):
    source = random.Random(2)
    text = (saved_bundle / HEADER).read_text()
    places = [path for path, _ in _values(json.loads(text)) if path]
    values = [None, -1, 0, 10**12, 1.5, float("nan"), "", "x" * 5000, [], {}, [[]], True, [None], {"a": {}}]
    for _ in range(N_DAMAGED):
        header = json.loads(text)
        *way, last = source.choice(places)
        node = header
        for key in way:
            node = node[key]
        node[last] = source.choice(values)
        (saved_bundle / HEADER).write_text(json.dumps(seal(header)))
        try:
            found = Bundle.load(saved_bundle)
        except BundleError:
            continue
        # What is taken can be used.
        with suppress(VocabularyError):
            assert found.posterior(["CCO"])[0].isfinite().all()
