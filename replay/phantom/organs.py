"""Define shapes and brightness of a sagittal abdomen near the midline; the liver's brightness is 1.

Lengths are mm inferior (rows) and posterior (columns) of the middle of the liver, at end-exhale. The brightness of
fat is an argument, because in opposed phase it is negative.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]

LUNG, LUNG_VESSEL = 0.10, 1.5
HEART_BLOOD, HEART_MUSCLE = 1.5, 0.8
MUSCLE, FAT, MARROW, BONE, DISC = 0.6, 2.3, 1.1, 0.15, 0.7
CSF, CORD = 2.2, 1.0
CORTEX, MEDULLA = 1.5, 0.95
BOWEL, GAS = 0.65, 0.05

DOME_MM = (-64.0, -8.0)
HEART_MM, HEART_RADII_MM, HEART_WALL_MM = (-86.0, -58.0), (46.0, 30.0), 8.0
KIDNEY_MM, KIDNEY_RADII_MM, KIDNEY_TILT = (90.0, 30.0), (45.0, 22.0), 0.15
PERIRENAL_MM = 7.0
VERTEBRA_PERIOD_MM, DISC_MM = 33.0, 8.0
RIB_PERIOD_MM = 29.0


def over(below: Array, value: float | Array, cover: Array) -> Array:
    """Return `below` overlaid with `value`, weighted by the cover 0-1."""
    return below + cover * (value - below)


def inside(depth_mm: Array, width_mm: float = 1.2) -> Array:
    """Return the cover 0-1 of points deeper than 0 mm, softened over `width_mm`."""
    return np.asarray(expit(4.0 * depth_mm / width_mm), dtype=np.float64)


def below_dome_mm(row: Array, col: Array, across_mm: float = 0.0) -> Array:
    """Return the distance in mm of a point below the diaphragm's dome; negative in the lung."""
    off_mm = col - DOME_MM[1]
    reach_mm = np.where(off_mm < 0.0, 84.0, 66.0)
    part = np.abs(off_mm) / reach_mm
    height_mm = DOME_MM[0] + 72.0 * part**2.8 + across_mm**2 / 200.0
    steepness = 72.0 * 2.8 * part**1.8 / reach_mm
    return np.asarray((row - height_mm) / np.sqrt(1.0 + steepness**2), dtype=np.float64)


def above_liver_floor_mm(row: Array, col: Array, across_mm: float = 0.0) -> Array:
    """Return the distance in mm of a point above the liver's lower surface."""
    return np.asarray(62.0 - 0.22 * col + 4.0 * np.sin(col / 17.0) - across_mm**2 / 100.0 - row, dtype=np.float64)


def behind_belly_wall_mm(row: Array, col: Array) -> Array:
    """Return the distance in mm of a point behind the inner face of the front wall; negative in the wall."""
    return np.asarray(col + 92.0 - 0.0007 * (row - 30.0) ** 2, dtype=np.float64)


def before_spine_mm(row: Array, col: Array) -> Array:
    """Return the distance in mm of a point in front of the spine; negative in and behind it."""
    return np.asarray(51.0 + 9.0 * np.cos((row + 10.0) / 80.0) - col, dtype=np.float64)


def ellipse_mm(row: Array, col: Array, center: tuple[float, float], radii: tuple[float, float], tilt: float) -> Array:
    """Return the approximate depth in mm of a point in an ellipse; negative outside."""
    down, back = row - center[0], col - center[1]
    along = (math.cos(tilt) * down - math.sin(tilt) * back) / radii[0]
    beside = (math.sin(tilt) * down + math.cos(tilt) * back) / radii[1]
    return np.asarray((1.0 - np.hypot(along, beside)) * min(radii), dtype=np.float64)


def kidney_fat_mm(row: Array, col: Array, across_mm: float = 0.0) -> Array:
    """Return the depth in mm of a point in the kidney and its fat; negative outside."""
    shrunk_mm = min(across_mm**2 / 100.0, KIDNEY_RADII_MM[1])
    radii = (KIDNEY_RADII_MM[0] + PERIRENAL_MM - shrunk_mm, KIDNEY_RADII_MM[1] + PERIRENAL_MM - shrunk_mm)
    return ellipse_mm(row, col, KIDNEY_MM, radii, KIDNEY_TILT)


def kidney_depth_mm(row: Array, col: Array, across_mm: float = 0.0) -> Array:
    """Return the depth in mm of a point in the kidney; negative outside."""
    return kidney_fat_mm(row, col, across_mm) - PERIRENAL_MM


def liver_depth_mm(row: Array, col: Array, across_mm: float = 0.0) -> Array:
    """Return the depth in mm of a point in the liver; negative outside."""
    faces = (
        below_dome_mm(row, col, across_mm),
        above_liver_floor_mm(row, col, across_mm),
        behind_belly_wall_mm(row, col),
        before_spine_mm(row, col),
        -kidney_fat_mm(row, col, across_mm),
    )
    return np.asarray(np.minimum.reduce(faces), dtype=np.float64)


def kidney(below: Array, row: Array, col: Array, across_mm: float, fat: float) -> Array:
    """Return `below` overlaid with fat, cortex, pyramids and sinus of the kidney."""
    fat_mm, kidney_mm = kidney_fat_mm(row, col, across_mm), kidney_depth_mm(row, col, across_mm)
    turn = np.arctan2(row - KIDNEY_MM[0], 2.0 * (col - KIDNEY_MM[1]))
    image = over(below, fat, inside(fat_mm))
    image = over(image, CORTEX, inside(kidney_mm))
    pyramids = inside(kidney_mm - 6.0, 2.0) * (0.5 + 0.5 * np.tanh(3.0 * np.cos(9.0 * turn)))
    image = over(image, MEDULLA, pyramids)
    return over(image, fat, inside(kidney_mm - 15.0, 3.0))


def bowel(loops: Array, gas: Array, fat: float) -> Array:
    """Return bowel loops in mesenteric fat with some gas, from two smooth random fields."""
    image = over(np.full_like(loops, BOWEL), 0.8 * fat, expit(5.0 * (np.abs(loops) - 1.0)))
    image = over(image, 0.3 * BOWEL, np.exp(-(((np.abs(loops) - 0.85) / 0.15) ** 2)))
    return over(image, GAS, expit(9.0 * (gas - 1.5)))


def chest(row: Array, col: Array, vessels: Array, swirl: Array) -> Array:
    """Return the lung with vessels and the heart, whose blood is textured by `swirl`."""
    image = over(np.full(vessels.shape, LUNG), LUNG_VESSEL, vessels)
    heart_mm = ellipse_mm(row, col, HEART_MM, HEART_RADII_MM, -0.35) + 2.0 * swirl
    image = over(image, HEART_MUSCLE, inside(heart_mm, 2.0))
    return over(image, HEART_BLOOD * (1.0 + 0.15 * swirl), inside(heart_mm - HEART_WALL_MM - 2.0 * swirl, 4.0))


def back_wall(row: Array, col: Array, marrow: Array, fat: float) -> Array:
    """Return spine, canal, muscle and fat by the depth behind the cavity, and air behind the skin."""
    depth_mm = -before_spine_mm(row, col)
    along_mm = np.mod(row + 6.0, VERTEBRA_PERIOD_MM) + 0.0 * col
    disc_mm = 0.5 * DISC_MM - np.abs(along_mm - 0.5 * DISC_MM)
    body = over(np.full(depth_mm.shape, MARROW) * (1.0 + 0.1 * marrow), BONE, inside(1.0 - np.abs(disc_mm)))
    body = over(body, DISC, inside(disc_mm - 1.0))
    image = over(body, BONE, inside(1.2 - np.abs(depth_mm)))
    image = over(image, CSF, inside(depth_mm - 28.0))
    image = over(image, CORD, inside(4.0 - np.abs(depth_mm - 35.5), 2.0) * inside(40.0 - row, 10.0))
    image = over(image, MUSCLE, inside(depth_mm - 43.0))
    process_mm = 9.0 - np.hypot(along_mm - 20.0, (depth_mm - 50.0) * 1.2)
    image = over(image, MARROW, inside(process_mm))
    image = over(image, fat, inside(depth_mm - 58.0, 2.0))
    return over(image, 0.0, inside(depth_mm - 72.0))


def front_wall(row: Array, col: Array, fat: float) -> Array:
    """Return ribs above, abdominal muscle below, fat over both, and air in front of the skin."""
    depth_mm = -behind_belly_wall_mm(row, col)
    image = np.full(depth_mm.shape, MUSCLE)
    rib_mm = 6.5 - np.hypot((np.mod(row, RIB_PERIOD_MM) - 0.5 * RIB_PERIOD_MM) * 0.9, depth_mm - 5.0)
    rib = np.where(rib_mm > 1.8, MARROW, BONE)
    image = over(image, rib, inside(rib_mm) * inside(20.0 - row, 4.0))
    image = over(image, fat, inside(depth_mm - 10.0, 2.0))
    return over(image, 0.0, inside(depth_mm - 21.0))
