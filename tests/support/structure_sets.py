"""Make RT Structure Sets of exactly known shapes."""

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

from tests.support.dicom_objects import REFERENCE

SLICE_MM = 1.0


def ring(center, radii, z, count=180):
    """An ellipse in the axial slice at z."""
    angles = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    x = center[0] + radii[0] * np.cos(angles)
    y = center[1] + radii[1] * np.sin(angles)
    return np.stack([x, y, np.full(count, z)], axis=1)


def ellipsoid(center=(0.0, 0.0, 0.0), radii=(15.0, 12.0, 20.0), slice_mm=SLICE_MM, count=180):
    """Axial contours of an ellipsoid."""
    heights = np.arange(-radii[2] + 0.5 * slice_mm, radii[2], slice_mm)
    scale = np.sqrt(1.0 - (heights / radii[2]) ** 2)
    return [
        ring(center, (radii[0] * s, radii[1] * s), center[2] + height, count)
        for height, s in zip(heights, scale, strict=True)
    ]


def box(low=(-10.0, -8.0, -12.0), high=(10.0, 8.0, 12.0), slice_mm=SLICE_MM):
    """Axial contours of a box, one in the middle of each slice."""
    corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
    return [np.array([(x, y, z) for x, y in corners]) for z in np.arange(low[2] + 0.5 * slice_mm, high[2], slice_mm)]


def structure_set(regions, reference=REFERENCE, kind="CLOSED_PLANAR"):
    """An RT Structure Set of named contours."""
    item = Dataset()
    item.SOPClassUID, item.SOPInstanceUID, item.Modality = RTStructureSetStorage, "2.25.31", "RTSTRUCT"
    item.StructureSetLabel = "PLAN"
    rois, outlines = [], []
    for number, (name, contours) in enumerate(regions.items(), 1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, reference
        rois.append(roi)
        outline = Dataset()
        outline.ReferencedROINumber = number
        outline.ContourSequence = Sequence([_contour(points, kind) for points in contours])
        outlines.append(outline)
    item.StructureSetROISequence, item.ROIContourSequence = Sequence(rois), Sequence(outlines)
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    item.file_meta.MediaStorageSOPInstanceUID = "2.25.31"
    return item


def _contour(points, kind):
    contour = Dataset()
    contour.ContourGeometricType = kind
    contour.NumberOfContourPoints = len(points)
    contour.ContourData = [f"{value:.6f}" for value in np.asarray(points).ravel()]
    return contour


def written(path, regions, **how):
    structure_set(regions, **how).save_as(path, enforce_file_format=True)
    return path
