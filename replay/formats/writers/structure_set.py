"""Write outlines of structures as an RT Structure Set, without any person's name."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, RTStructureSetStorage

from replay.mr_object import decimal, new_uid


def structure_set(
    outlines_mm: Mapping[str, NDArray[np.float64]], study: str, frame_of_reference: str, image: str
) -> Dataset:
    """Return an RT Structure Set of one closed outline for each structure, all on one image.

    Parameters
    ----------
    outlines_mm : mapping of str to ndarray of float64, shape (N, 3)
        Outlines in DICOM LPS mm by the names of the structures.
    study, frame_of_reference, image : str
        UIDs of the study, of the frame of reference and of the MR image.

    Returns
    -------
    pydicom.dataset.Dataset
        The object, with file meta information.
    """
    item = Dataset()
    item.SOPClassUID, item.SOPInstanceUID, item.Modality = RTStructureSetStorage, new_uid(), "RTSTRUCT"
    item.StudyInstanceUID, item.SeriesInstanceUID, item.SeriesNumber = study, new_uid(), 2
    item.FrameOfReferenceUID = frame_of_reference
    for absent in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
        setattr(item, absent, "")
    for absent in ("AccessionNumber", "ReferringPhysicianName", "Manufacturer", "OperatorsName"):
        setattr(item, absent, "")
    item.StructureSetLabel, item.StructureSetDate, item.StructureSetTime = "STRUCTURES", "", ""
    # Names of structures may be in any language.
    item.SpecificCharacterSet = "ISO_IR 192"
    rois, contours, observations = [], [], []
    for number, (name, outline_mm) in enumerate(outlines_mm.items(), 1):
        rois.append(
            _dataset(
                ROINumber=number,
                ReferencedFrameOfReferenceUID=frame_of_reference,
                ROIName=name,
                ROIGenerationAlgorithm="",
            )
        )
        contours.append(_dataset(ReferencedROINumber=number, ContourSequence=[_contour(outline_mm, image)]))
        observations.append(
            _dataset(ObservationNumber=number, ReferencedROINumber=number, RTROIInterpretedType="", ROIInterpreter="")
        )
    item.StructureSetROISequence, item.ROIContourSequence = rois, contours
    item.RTROIObservationsSequence = observations
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
    return item


def _contour(outline_mm: NDArray[np.float64], image: str) -> Dataset:
    points: Sequence[float] = np.asarray(outline_mm, np.float64).ravel().tolist()
    return _dataset(
        ContourImageSequence=[_dataset(ReferencedSOPClassUID=MRImageStorage, ReferencedSOPInstanceUID=image)],
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(outline_mm),
        ContourData=[decimal(value) for value in points],
    )


def _dataset(**elements: object) -> Dataset:
    found = Dataset()
    for name, value in elements.items():
        setattr(found, name, value)
    return found
