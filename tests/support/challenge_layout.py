"""Make cases in the layout of the TrackRAD2025 challenge's platform."""

import json

import numpy as np

from replay.formats.metaimage import read_metaimage
from replay.formats.metaimage_writer import write_metaimage

SERIES = "images/mri-linacs/3f0c8c7e-5a8e-4d0b-9d0e-0f8a7d1c2b3a.mha"
TARGET = "images/mri-linac-target/9a1b6f8d-21c4-4a3f-8e55-6c7d8e9f0a1b.mha"
OUTPUT = "images/mri-linac-series-targets/output.mha"


def write_input(recording, folder, **scalars):
    """Write what an algorithm gets for `recording`: images, first mask, and what is known of the scanner."""
    spacing = (*recording.spacing_mm, 1.0)
    for name, stack in ((SERIES, recording.frames), (TARGET, recording.first_mask[None].astype(np.uint8))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_metaimage(folder / name, np.moveaxis(stack, 0, -1), spacing)
    values = {"frame-rate": 4.0, "b-field-strength": 0.35, "scanned-region": "abdomen", **scalars}
    for name, value in values.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    return folder


def read_masks(output):
    """Return the masks (T, H, W) that an algorithm wrote."""
    pixels, _ = read_metaimage(output / OUTPUT)
    return np.moveaxis(pixels, -1, 0)


def write_prediction(path, masks):
    """Write masks (T, H, W) as a prediction."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_metaimage(path, np.moveaxis(np.asarray(masks).astype(np.uint8), 0, -1), (1.0, 1.0, 1.0))
    return path
