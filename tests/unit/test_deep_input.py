"""Input that is nested to any depth, or has parts without number, is refused in one line and in little time."""

import gzip
import hashlib
import threading

import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian

from gatekeeper.config.strict import read_toml
from gatekeeper.core.errors import ConfigError, InputError, RecordingError
from gatekeeper.core.json_values import parsed
from gatekeeper.recording.hash_chain import START, read_chain
from gatekeeper.sources.dicom import reading
from gatekeeper.wire import listener as listening
from gatekeeper.wire.caller import Caller
from gatekeeper.wire.listener import Listener
from gatekeeper.wire.mrd_attributes import DEEPEST, LARGEST, read_attributes
from replay.formats.nifti import read_header
from replay.formats.open import open_recording
from tests.support.command_line import gatekeeper
from tests.support.dicom_objects import single
from tests.support.waiting import until
from tests.unit.test_nifti_headers import overwritten, write

DEEP = 100_000
SEQUENCE, ITEM = b"\x00\x52\x29\x92SQ\0\0\xff\xff\xff\xff", b"\xfe\xff\x00\xe0"
"""The beginning of the shared functional groups, and of an item, whose length follows."""


def meta(inner=b""):
    return b"<ismrmrdMeta><meta><name>A</name><value>1</value>%b</meta></ismrmrdMeta>" % inner


def test_only_direct_children_of_a_meta_count():
    nested = b"<other><name>B</name><value>2</value><meta><name>C</name><value>3</value></meta></other>"
    assert read_attributes(meta(nested)) == {"A": ("1",)}


@pytest.mark.parametrize("tag", [b"a", b"meta", b"value"])
def test_deep_attributes_are_refused(tag):
    depth = DEEPEST - 2
    assert read_attributes(meta(b"<%b>" % tag * depth + b"</%b>" % tag * depth))["A"][0] == "1"
    with pytest.raises(ValueError, match="nested more than 8 deep"):
        read_attributes(meta(b"<%b>" % tag * 10_000 + b"</%b>" % tag * 10_000))


def test_large_attributes_are_refused():
    with pytest.raises(ValueError, match="the limit is"):
        read_attributes(meta(b" " * LARGEST))


@pytest.mark.parametrize("doctype", [b'<!DOCTYPE a [<!ENTITY b "c">]>', b"<!DOCTYPE a>"])
def test_a_document_type_is_refused(doctype):
    with pytest.raises(ValueError, match="document type"):
        read_attributes(doctype + meta())


@pytest.mark.parametrize("text", ["[" * DEEP, '{"a":' * DEEP])
def test_deep_json_is_refused(text):
    with pytest.raises(ValueError, match="nested too deeply"):
        parsed(text)


def test_deep_line_of_a_journal_is_a_finding():
    body = b'{"a":' + b"[" * DEEP
    digest = hashlib.sha256(body).hexdigest()
    found = read_chain(b'%b,"hash":"%b"}\n' % (body, digest.encode()))
    assert found.finding == "line 0: is not JSON"
    assert found.head == START


@pytest.mark.parametrize("text", ["x = " + "[" * DEEP, ".".join("a" * 2000) + " = 1", "x = " + "[" * 40 + "]" * 40])
def test_deep_settings_are_one_line(tmp_path, capsys, text):
    file = tmp_path / "session.toml"
    file.write_text(text)
    assert gatekeeper("check", file) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"gatekeeper: {file}: has tables or lists nested more than 16 deep; name a file of settings\n"


def test_large_settings_are_refused(tmp_path):
    file = tmp_path / "session.toml"
    with file.open("wb") as opened:
        opened.truncate(2**40)
    with pytest.raises(ConfigError, match="is larger than"):
        read_toml(file)


@pytest.mark.parametrize("count", [200, DEEP])
def test_deep_dicom_sequences_are_refused(count):
    deep = (SEQUENCE + ITEM + b"\xff\xff\xff\xff") * count
    with pytest.raises(InputError, match="too many levels"):
        reading.read_header(deep, "an image", ExplicitVRLittleEndian)


def as_stored(item):
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, False
    write_dataset(file, item)
    return file.getvalue()


def test_dicom_objects_of_many_empty_items_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "MOST_ELEMENTS", 2000)
    stored = as_stored(single())
    assert reading.read_header(stored, "an image", ExplicitVRLittleEndian).elements["Rows"] == 24
    with pytest.raises(InputError, match="too many elements"):
        reading.read_header(SEQUENCE + (ITEM + bytes(4)) * 2000 + stored, "an image", ExplicitVRLittleEndian)


def test_compressed_pixels_that_begin_far_behind_their_end_are_cut_short(tmp_path):
    path = write(tmp_path)
    overwritten(path, 108, "<f", 2.0**52)
    packed = tmp_path / "a.nii.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(RecordingError, match="is cut short"):
        read_header(packed).pixels.frames(0)


@pytest.mark.parametrize("depth", [40, 400, 900, 980, 5000])
@pytest.mark.parametrize("name", ["a.nii.json", "a.nii.toml"])
def test_deep_sidecar_is_refused(tmp_path, name, depth):
    path = write(tmp_path)
    deep = "[" * depth + "]" * depth
    (tmp_path / name).write_text(f"spacing_mm = {deep}" if name.endswith("toml") else f'{{"spacing_mm": {deep}}}')
    with pytest.raises(RecordingError) as refused:
        open_recording(path)
    assert "\n" not in str(refused.value)


def test_large_sidecar_is_refused_unread(tmp_path):
    path = write(tmp_path)
    with (tmp_path / "a.nii.toml").open("wb") as opened:
        opened.truncate(2**40)
    with pytest.raises(RecordingError, match="too long for a sidecar file"):
        open_recording(path)


@pytest.mark.parametrize("side", [Listener, Caller])
def test_a_busy_connection_does_not_delay_the_end(monkeypatch, side):
    monkeypatch.setattr(listening, "CLOSING_S", 0.05)
    monkeypatch.setattr("gatekeeper.wire.caller.CLOSING_S", 0.05)
    busy, free = threading.Event(), threading.Event()

    def serve(link, peer):
        busy.set()
        assert free.wait(60.0)

    far = Listener("127.0.0.1", 0, ["127.0.0.1"], serve if side is Listener else lambda *_: None, lambda *_: None, "a")
    greet = serve if side is Caller else lambda link, _: link.sendall(b"x") or link.recv(1)
    near = Caller(*far.address, greet, lambda *_: None, "b")
    try:
        assert busy.wait(60.0)
        near.close()
        far.close()
        assert any(thread.name in ("a sender", "b caller") for thread in threading.enumerate())
    finally:
        free.set()
    until(lambda: not any(thread.name in ("a sender", "b caller") for thread in threading.enumerate()))
