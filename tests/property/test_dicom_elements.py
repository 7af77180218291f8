"""Any element of any DICOM image removed, doubled, emptied or turned into nonsense: the same recording, or one line."""

import struct
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random as Chance

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, RLELossless

from gatekeeper.core.errors import InputError
from gatekeeper.sources.dicom.elements import WANTED
from replay.formats.open import open_recording
from tests.support.dicom_objects import PLANE, SPACING_MM, as_implicit, enhanced, picture, single
from tests.support.dicom_trees import Element, at, changed, file_of, places, tree

COUNT, SHAPE, STEP_S = 6, (64, 48), 0.125
WORDS = (
    *(b"ANON", b"0", b"-1", b"nan", b"inf", b"1e400", b"1_0", b"1\\2\\3", b"1\\2\\3\\4\\5\\6\\7", b"\\", b"00000000"),
    *(
        b"11/4/2019",
        b"\xff" * 8,
        b"\0" * 6,
        b"  ",
        b"0\\0",
        b"0\\0\\0\\0\\0\\0",
        b"1\\0\\0\\1\\0\\0",
        b"-1\\-1",
        b"A" * 200,
    ),
)
NUMBERS = (b"\0\0", b"\xff\xff", b"\0\x80", b"\1\0\1\0", b"\1", b"\0\0\0\0\0")
DOUBLES = tuple(struct.pack("<d", value) for value in (np.nan, np.inf, -1e300, 1e300, -1.0))
KINDS = ("UN", "OB", "UT", "DS", "FD", "US", "AT", "XX")
PIXELS, SYNTAX = 0x7FE00010, 0x00020010
RESCALING = ("RescaleSlope", "RescaleIntercept", "PixelValueTransformationSequence", "SharedFunctionalGroupsSequence")


def classic():
    found = [single(k, image=picture(k, SHAPE)) for k in range(COUNT)]
    for item in found:
        item.RescaleSlope, item.RescaleIntercept, item.MagneticFieldStrength = 2, 0, "0.35"
    return found


def whole():
    item = enhanced(COUNT, shape=SHAPE)
    for k, frame in enumerate(item.PerFrameFunctionalGroupsSequence):
        content, offset = frame.FrameContentSequence[0], Dataset()
        content.TemporalPositionIndex, content.DimensionIndexValues = k + 1, [1, k + 1]
        content.FrameReferenceDateTime = content.FrameAcquisitionDateTime
        offset.TemporalPositionTimeOffset = STEP_S * k
        frame.TemporalPositionSequence = Sequence([offset])
    rescaling = Dataset()
    rescaling.RescaleSlope, rescaling.RescaleIntercept = 2, 0
    item.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence = Sequence([rescaling])
    return [item]


def multi_frame():
    (item, *_) = classic()
    item.NumberOfFrames, item.FrameTime, item.FrameTimeVector = COUNT, 125, [0] + [125] * (COUNT - 1)
    item.PixelData = np.stack([picture(k, SHAPE) for k in range(COUNT)]).tobytes()
    return [item]


def packed(items, syntax):
    for item in items:
        item.compress(syntax, generate_instance_uid=False)
    return items


MAKERS = {
    "classic": classic,
    "enhanced": whole,
    "multi-frame": multi_frame,
    "classic, implicit": lambda: [as_implicit(item) for item in classic()],
    "enhanced, implicit": lambda: [as_implicit(item) for item in whole()],
    "classic, RLE": lambda: packed(classic(), RLELossless),
    "classic, JPEG 2000": lambda: packed(classic(), JPEG2000Lossless),
    "enhanced, RLE": lambda: packed(whole(), RLELossless),
}


@cache
def trees(name):
    return [(tree(item.file_meta), tree(item), "implicit" not in name) for item in MAKERS[name]()]


def nonsense(one, chance):
    """Return an element of which the value, the VR or the items are none."""
    how = chance.randrange(5)
    if one.items is not None:
        kept = ((), ((),), one.items[:-1], (*one.items, *one.items[-1:]))
        return replace(one, items=None, vr="UN", value=b"garbage!") if how == 4 else replace(one, items=kept[how])
    if one.tag == PIXELS:
        return replace(one, value=one.value[:-2])
    if how == 0:
        return replace(one, vr=chance.choice(KINDS))
    words = {"US": NUMBERS, "UL": NUMBERS, "FD": DOUBLES}.get(one.vr, WORDS)
    if how == 1:
        words, one = WORDS, replace(one, vr="LO")
    word = chance.choice(words)
    return replace(one, value=word + b"\0" * (len(word) % 2))


def spoilt(one, damage, chance):
    if damage == "twice differently":
        both = one, nonsense(one, chance)
        return both if chance.random() < 0.5 else both[::-1]
    if damage == "nonsense":
        return (nonsense(one, chance),)
    emptied = replace(one, value=b"", items=None if one.items is None else (), is_undefined=False)
    return {"removed": (), "emptied": (emptied,), "twice": (one, one)}[damage]


def spoil(name, damage, chance):
    """Return the files of a recording of which one element was spoilt, that element, and whether in all files."""
    files, is_all = trees(name), chance.random() < 0.5
    one = chance.randrange(len(files))
    is_meta = chance.random() < 0.05
    meta, elements, _ = files[one]
    place = chance.choice(list(places(elements)))
    if is_meta:
        place = (next(k for k, element in enumerate(meta) if element.tag == SYNTAX),)
    seed, found = chance.random(), []
    for k, (meta, elements, has_kind) in enumerate(files):
        parts = [meta, elements]
        if k == one or is_all:
            parts[not is_meta] = changed(parts[not is_meta], place, lambda e: spoilt(e, damage, Chance(seed)))  # noqa: S311
        found.append(file_of(*parts, has_kind))
    return found, at(files[one][not is_meta], place), is_all or len(files) == 1


def check(name, damage, seed):
    files, element, is_all = spoil(name, damage, Chance(seed))  # noqa: S311
    refusal = None
    with tempfile.TemporaryDirectory() as folder:
        for k, content in enumerate(files):
            (Path(folder) / f"{5 * k % 7}.dcm").write_bytes(content)
        try:
            case = open_recording(Path(folder))
            images = [np.asarray(image) for image in case.frames]
        except InputError as error:
            refusal = str(error)
    if refusal is not None:
        assert "\n" not in refusal
        assert len(refusal) < 700
        return
    keyword = WANTED.get(element.tag, ("",))[0]
    scale = 2.0
    if is_all and keyword in RESCALING and not np.array_equal(images[0], images[0] // 2 * 2):
        scale = 1.0  # all images lost it
        assert case.notes or damage == "removed"
    found = [int(image[0, 0] / scale - 100) // 7 for image in images]
    for k, image in zip(found, images, strict=True):
        np.testing.assert_array_equal(image, picture(k, SHAPE) * scale)
    assert found == sorted(set(found))
    assert len(found) == COUNT or case.notes
    np.testing.assert_allclose(case.times_s, STEP_S * (np.array(found) - found[0]), atol=1e-3)
    assert case.spacing_mm == SPACING_MM
    assert (case.plane.row_step, case.plane.col_step) == (PLANE.row_step, PLANE.col_step)
    assert case.plane == PLANE or case.notes
    assert case.notes or not damage.startswith("twice") or not keyword
    assert not any("\n" in note for note in case.notes)


DAMAGES = ("removed", "emptied", "twice", "twice differently", "nonsense")


@given(name=st.sampled_from(list(MAKERS)), damage=st.sampled_from(DAMAGES), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_a_spoilt_element_gives_the_same_recording_or_one_line(name, damage, seed):
    check(name, damage, seed)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", MAKERS)
def test_many_spoilt_elements_give_the_same_recording_or_one_line(name, damage):
    for seed in range(150):
        check(name, damage, seed)


def test_the_elements_are_those_that_pydicom_writes(tmp_path):
    """The trees of these tests are the objects they come from, but for the lengths of sequences."""
    for meta, elements, has_kind in (trees("classic")[0], trees("enhanced, implicit")[0]):
        assert isinstance(elements[0], Element)
        (tmp_path / "x.dcm").write_bytes(file_of(meta, elements, has_kind))
        case = open_recording(tmp_path / "x.dcm")
        np.testing.assert_array_equal(case.frames[0], picture(0, SHAPE) * 2)
        assert case.notes == ()
