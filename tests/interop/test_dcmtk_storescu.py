"""dcmtk's storescu stores into our DICOM source, in many transfer syntaxes, and finds its peer in order."""

import shutil
import subprocess

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from tests.support.dicom_objects import PLANE, SPACING_MM, enhanced, listening, picture, single, taken
from tests.support.matrices import mostly_slow

TOOLS = ("storescu", "dcmcjpeg", "dcmcrle", "dcmcjpls", "dcmconv", "echoscu")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason="dcmtk's tools are not installed"),
]
COUNT = 3


def run(tool, *arguments):
    return subprocess.run(
        [shutil.which(tool), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def written(folder, objects):
    paths = []
    for k, item in enumerate(objects):
        paths.append(folder / f"image{k}.dcm")
        item.save_as(paths[-1], enforce_file_format=True)
    return paths


def converted(tool, paths, *options):
    for path in paths:
        done = run(tool, *options, path, path.with_suffix(".out"))
        assert done.returncode == 0, done.stderr
        path.with_suffix(".out").replace(path)
    return paths


def storing(source, paths, *options):
    host, port = source.address
    return run("storescu", "-aec", "GATEKEEPER", *options, host, port, *paths)


def check(frames):
    for k, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.image, picture(k))
        assert frame.plane == PLANE
        assert frame.spacing_mm == SPACING_MM
    np.testing.assert_array_equal(np.diff([frame.sequence for frame in frames]), 1)


@pytest.mark.parametrize(
    ("conversion", "options"),
    mostly_slow(
        [
            ((), ("-xe",)),
            ((), ("-xi",)),
            ((), ("-pdu", "4096")),
            ((), ("-pdu", "131072")),
            (("dcmconv", "+ti"), ("-xi",)),
            (("dcmconv", "+tb"), ("-xb",)),
            (("dcmcjpeg", "+e1"), ("-xs",)),
            (("dcmcrle",), ("-xr",)),
            (("dcmcjpls",), ("-xt",)),
        ],
        2,
    ),
)
def test_single_frames_arrive_whatever_the_transfer_syntax(tmp_path, conversion, options):
    paths = written(tmp_path, (single(k) for k in range(COUNT)))
    if conversion:
        converted(conversion[0], paths, *conversion[1:])
    with listening() as source:
        done = storing(source, paths, *options)
        assert done.returncode == 0, done.stderr
        check(taken(source, COUNT))
        assert source.counts.unfit == {}


@pytest.mark.parametrize("conversion", [(), ("dcmcjpls",), ("dcmcrle",)])
def test_enhanced_objects_arrive_frame_by_frame(tmp_path, conversion):
    paths = written(tmp_path, [enhanced(COUNT)])
    if conversion:
        converted(conversion[0], paths)
    options = {(): (), ("dcmcjpls",): ("-xt",), ("dcmcrle",): ("-xr",)}[conversion]
    with listening() as source:
        done = storing(source, paths, *options)
        assert done.returncode == 0, done.stderr
        check(taken(source, COUNT))


def test_an_image_of_another_kind_has_no_context(tmp_path):
    with listening() as source:
        done = storing(source, [get_testdata_file("CT_small.dcm")])
        assert done.returncode != 0
        assert taken(source, 1, timeout_s=0.1) == []


def test_echo_is_answered_and_another_title_is_turned_away(tmp_path):
    with listening() as source:
        host, port = source.address
        assert run("echoscu", "-aec", "GATEKEEPER", host, port).returncode == 0
        refused = run("echoscu", "-aec", "SOMEBODY", host, port)
        assert refused.returncode != 0
        assert "Called AE Title" in refused.stderr + refused.stdout


@pytest.mark.slow
def test_a_storm_of_short_associations_leaves_the_source_as_it_was(tmp_path):
    paths = written(tmp_path, (single(k) for k in range(COUNT)))
    with listening() as source:
        for _ in range(5):
            assert storing(source, paths, "-xe").returncode == 0
        frames = taken(source, 5 * COUNT)
        assert len(frames) == 5 * COUNT
        check(frames[-COUNT:])
