"""Make DICOM objects for tests, single-frame and enhanced multi-frame, and send them."""

from contextlib import contextmanager
from io import BytesIO

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRBigEndian, ImplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE

from gatekeeper.config.source import DicomSourceConfig
from gatekeeper.core.clock import PacedClock
from gatekeeper.core.frame import Plane
from gatekeeper.sources.dicom.header import slices_of
from gatekeeper.sources.dicom.image import pixels_of
from gatekeeper.sources.dicom.reading import read_header
from gatekeeper.sources.dicom.source import DicomSource
from gatekeeper.sources.dicom.times import date_time
from replay.mr_object import EPOCH_S, decimal, mr_object

SERIES, REFERENCE = "2.25.11", "2.25.12"
PLANE = Plane((10.0, -60.0, 80.0))
SPACING_MM = (1.5, 2.0)


def picture(index=0, shape=(24, 20), dtype=np.uint16):
    """An image that carries its index, and no symmetry."""
    rows, cols = np.indices(shape)
    return (100 + 3 * rows + 40 * cols + 7 * index).astype(dtype)


def single(index=0, image=None, plane=PLANE, spacing_mm=SPACING_MM, series=SERIES, acquired_s=None, number=None):
    return mr_object(
        picture(index) if image is None else image,
        spacing_mm,
        plane,
        0.125 * index if acquired_s is None else acquired_s,
        index + 1 if number is None else number,
        series,
        REFERENCE,
    )


def enhanced(count=3, plane=PLANE, spacing_mm=SPACING_MM, series=SERIES, shape=(24, 20)):
    """An enhanced MR object: geometry in the shared groups, position and time in those of the frames."""
    whole = single(0, image=picture(shape=shape))
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "AcquisitionTime"):
        del whole[keyword]
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    whole.NumberOfFrames = count
    whole.SeriesInstanceUID = series
    whole.PixelData = np.stack([picture(k, shape) for k in range(count)]).tobytes()
    shared = Dataset()
    shared.PlaneOrientationSequence = _one(
        ImageOrientationPatient=[decimal(v) for v in (*plane.col_step, *plane.row_step)]
    )
    shared.PixelMeasuresSequence = _one(PixelSpacing=[decimal(v) for v in spacing_mm])
    whole.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for k in range(count):
        frame = Dataset()
        frame.PlanePositionSequence = _one(ImagePositionPatient=[decimal(v) for v in plane.origin_mm])
        frame.FrameContentSequence = _one(FrameAcquisitionDateTime=date_time(EPOCH_S + 0.125 * k))
        frames.append(frame)
    whole.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return whole


def _one(**values):
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return Sequence([item])


def as_big_endian(item):
    """The same object as a machine of the other byte order would write it."""
    bits = item.BitsAllocated
    if bits > 8:
        item.PixelData = np.frombuffer(item.PixelData, f"<u{bits // 8}").astype(f">u{bits // 8}").tobytes()
    item.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    return item


def as_implicit(item):
    item.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return item


@contextmanager
def listening(**settings):
    """A source that listens on a free port of this machine."""
    config = DicomSourceConfig(kind="dicom", **{"port": 0, "read_deadline_s": 1.0, **settings})
    source = DicomSource(config, PacedClock())
    try:
        yield source
    finally:
        source.close()


@contextmanager
def sender(source, classes=(MRImageStorage, EnhancedMRImageStorage), syntax=None, title="GATEKEEPER", calling="SENDER"):
    """An association with it."""
    entity = AE(calling)
    for image_class in classes:
        entity.add_requested_context(image_class, syntax) if syntax else entity.add_requested_context(image_class)
    entity.add_requested_context("1.2.840.10008.1.1")
    association = entity.associate("127.0.0.1", source.address[1], ae_title=title)
    link = association.dul.socket.socket
    try:
        yield association
    finally:
        if association.is_established:
            association.release()
        for thread in (association, association.dul):
            if thread.ident is not None:
                thread.join(5.0)
        if link is not None:
            link.close()  # pynetdicom leaves it open when the other side was first


@contextmanager
def next_sender(source):
    """Associate as soon as the sender before has been taken leave of, and yield the association."""
    for _ in range(500):
        with sender(source) as association:
            if association.is_established:
                yield association
                return
    raise AssertionError("no second sender was let in")


def sent(item):
    """The bytes of an object as they go over the network in its transfer syntax, and that."""
    syntax = item.file_meta.TransferSyntaxUID
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = syntax.is_implicit_VR, syntax.is_little_endian
    meta, item.file_meta = item.file_meta, FileMetaDataset()
    try:
        write_dataset(file, item)
    finally:
        item.file_meta = meta
    return file.getvalue(), syntax


def pixels_in(stored, syntax, where):
    """The headers of the images of an object, and the pixels of each."""
    header = read_header(stored, where, syntax)
    slices = slices_of(header, where)
    pixels = pixels_of(header, stored, len(slices), slices[0].shape, where)
    return slices, [pixels.image(BytesIO(stored), one, where) for one in slices]


def refuse(error):
    raise error


def taken(source, count, timeout_s=5.0):
    frames = []
    while len(frames) < count and (frame := source.next_frame(timeout_s)) is not None:
        frames.append(frame)
    return frames
