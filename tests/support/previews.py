"""Make previews of anatomy that is known everywhere and moves rigidly with the breath."""

import numpy as np

from gatekeeper.config import TrackerConfig
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.grid import RIM
from gatekeeper.tracking.model import make_model
from gatekeeper.tracking.preview.motion_compensated import MotionCompensated
from gatekeeper.tracking.preview.trajectory import Trajectory
from gatekeeper.tracking.region import make_region
from gatekeeper.tracking.template_tracker import TemplateTracker
from tests.support.scenes import Scene

SCENE = Scene(shape=(80, 72))
SPACING_MM = SCENE.spacing_mm[0]


def model_of(scene=SCENE, image=None, config=None):
    """Return the model that the scene at rest, or another image of it, gives."""
    region = make_region(scene.image() if image is None else image, scene.disc(), scene.spacing_mm)
    return make_model(region, config or TrackerConfig())


def breath_mm(frames=48, si_mm=14.4, ap_mm=-3.6):
    """Return displacements (T, 2) of some breaths: a straight way from rest and back."""
    depth = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(frames) / 15.0)
    return depth[:, None] * (si_mm, ap_mm)


def breathing_frames(moves_mm, scene=SCENE, noise=0.0, seed=0):
    """Return float32 (T, H, W): the scene moved, with white noise."""
    frames = np.stack([scene.image(move) for move in moves_mm])
    return (frames + np.random.default_rng(seed).normal(scale=noise or 1e-30, size=frames.shape)).astype(np.float32)


def known(model, moves_mm, confidence=1.0):
    """Return what a template_tracker would see that knew the displacements (T, 2) in mm."""
    moves_mm = np.asarray(moves_mm, dtype=np.float64)
    params = np.zeros((len(moves_mm), model.count))
    params[:, [0, model.count // 2]] = moves_mm / TRANSLATION_SD_MM
    centers_mm = np.array(TemplateTracker(model).track(1.0).center_mm) + moves_mm
    count = len(moves_mm)
    sure = np.broadcast_to(np.asarray(confidence, np.float64), count).copy()
    return Trajectory(params, centers_mm, sure, np.full(count, 0.1))


def still(model, values, states_mm, corner_px=(0, 0)):
    """Return images (T, H, W) of the model's grid as frames on which nothing moves."""
    values = np.asarray(values, dtype=np.float64)
    positions_px = np.broadcast_to(np.indices(values.shape[1:]).astype(np.float64), (len(values), 2, *values.shape[1:]))
    return MotionCompensated(
        corner_px, values, positions_px, reference_of(model), np.asarray(states_mm, dtype=np.float64)
    )


def reference_of(model):
    """Return the reference (H, W) on the fine grid of a model."""
    return model.fine.grid.image[RIM:-RIM, RIM:-RIM].astype(np.float64)
