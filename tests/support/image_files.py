"""Write image files with other libraries, and state the position of their images."""

import json
from dataclasses import replace

import numpy as np
import SimpleITK

from gatekeeper.core.frame import Plane
from tests.support.recordings import recording

SAGITTAL = Plane((12.5, -80.25, 61.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
"""A canonical plane that is told apart from one that nothing tells of."""


def oblique(angle_deg=4.0, about=(0.0, 0.0, 1.0)):
    """The sagittal plane turned by an angle about an axis."""
    axis = np.array(about) / np.linalg.norm(about)
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.radians(angle_deg)
    turn = np.eye(3) + np.sin(angle) * skew + (1.0 - np.cos(angle)) * skew @ skew
    return Plane(
        SAGITTAL.origin_mm, *(tuple((turn @ step).tolist()) for step in (SAGITTAL.row_step, SAGITTAL.col_step))
    )


def itk_image(case, time="last", axes=3, told=True):
    """Return the frames of a recording as an ITK image, time first (the fastest in memory) or last."""
    frames = np.asarray(case.frames)
    normal = np.cross(case.plane.col_step, case.plane.row_step)
    steps = {"time": (1.0, normal), "row": (case.spacing_mm[0], case.plane.row_step)}
    steps["col"] = (case.spacing_mm[1], case.plane.col_step)
    if axes == 4:
        image = SimpleITK.GetImageFromArray(frames[:, None], isVector=False)
        names = ("col", "row", "time")
        spacing = [steps[name][0] for name in names] + [float(np.diff(case.times_s).mean())]
        direction = np.eye(4)
        direction[:3, :3] = np.array([steps[name][1] for name in names]).T
        origin = [*case.plane.origin_mm, 0.0]
    else:
        names = ("col", "row", "time") if time == "last" else ("time", "col", "row")
        image = SimpleITK.GetImageFromArray(frames if time == "last" else np.moveaxis(frames, 0, -1).copy())
        spacing = [steps[name][0] for name in names]
        direction = np.array([steps[name][1] for name in names]).T
        origin = list(case.plane.origin_mm)
    image.SetSpacing(spacing)
    if told:
        image.SetDirection(direction.ravel().tolist())
        image.SetOrigin(origin)
    return image


def write_itk(path, case, compressed=False, beside=True, **how):
    """Write a recording with ITK; its rate goes into the side file."""
    SimpleITK.WriteImage(itk_image(case, **how), str(path), useCompression=compressed)
    if beside:
        write_side(path, rate_hz=rate_hz(case))
    return path


def write_side(path, **values):
    """Write a side file."""
    path.with_name(path.name + ".json").write_text(json.dumps(values))


def rate_hz(case):
    return float(1.0 / np.diff(case.times_s).mean())


def small(dtype=np.uint16, **fields):
    """A recording that lies somewhere, without its target."""
    whole = {"plane": SAGITTAL, "first_mask": None, "labels": None, "field_strength_t": None, "region": None}
    return replace(recording(dtype=dtype), **{**whole, **fields})


def assert_same(opened, case, geometry_mm=1e-4):
    """What was read is what was written: pixels exactly, geometry within 1e-4 mm, times within 1 ms."""
    assert opened.frames.dtype == case.frames.dtype
    assert opened.frames.shape == case.frames.shape
    for index, frame in enumerate(opened.frames):
        np.testing.assert_array_equal(frame, case.frames[index])
        assert frame.flags.c_contiguous
    rows, cols = case.frames.shape[1:]
    corners = np.array([(0, 0), (rows - 1, 0), (0, cols - 1), (rows - 1, cols - 1)], float)
    np.testing.assert_allclose(opened.spacing_mm, case.spacing_mm, rtol=0.0, atol=geometry_mm)
    np.testing.assert_allclose(
        opened.plane.to_patient_mm(corners, opened.spacing_mm),
        case.plane.to_patient_mm(corners, case.spacing_mm),
        rtol=0.0,
        atol=geometry_mm,
    )
    np.testing.assert_allclose(opened.times_s, case.times_s, rtol=0.0, atol=1e-3)
