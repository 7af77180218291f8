"""Make a recording with exact truth from a phantom config, and write it as a case."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tomli_w
from numpy.typing import NDArray

from gatekeeper.core.axes import ORIENTATIONS, SI
from gatekeeper.core.errors import ConfigError
from gatekeeper.core.frame import FrameStack, Plane
from kernels.polygon import centroid, fill
from replay.formats.trackrad import write_case
from replay.phantom import breathing, motion
from replay.phantom.acquisition import Scanner, exposure_times_s, pixel_positions_mm
from replay.phantom.anatomy import Anatomy
from replay.phantom.config import PhantomConfig, TargetKind
from replay.phantom.cover import covered_shares, share_in_view
from replay.phantom.neighbours import NAMES, Neighbour, neighbours
from replay.phantom.scene import Scene
from replay.phantom.target import DRAWN, Target
from replay.recording import LazyFrames, Recording

Array = NDArray[np.float64]

FARTHEST_MM = 90.0
"""Largest allowed displacement of the target."""


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A synthetic recording and the truth about it.

    Attributes
    ----------
    config : PhantomConfig
        Its settings.
    recording : Recording
        Frames of uint16, first mask and labels; a label is empty where the target is not visible.
    contours : tuple of ndarray of float64, shape (N, 2)
        Exact outline on each frame as (row, col) in px, also where it is not visible. Each point follows its tissue;
        an organ's outline is that in the image plane, which differs slightly from plane to plane. What the body wall
        covers on the first frame, where nobody can draw it, is not part of the target.
    displacement_mm : ndarray of float64, shape (T, 2)
        Displacement of the outline's centroid from the first frame, as (row, col) in mm.
    visible : ndarray of bool, shape (T,)
        Whether the target is in the image plane and within the image.
    signal_mm : ndarray of float64, shape (T,)
        Displacement of the lesion from end-exhale by breath, drift and events, inferior positive.
    covered : ndarray of float64, shape (T,)
        Share of the label that the body wall covers, 0-1.
    """

    config: PhantomConfig
    recording: Recording
    contours: tuple[Array, ...]
    displacement_mm: Array
    visible: NDArray[np.bool_]
    signal_mm: Array
    covered: Array


def make_phantom(config: PhantomConfig, *, on_access: bool = False) -> Phantom:
    """Make the recording that `config` describes, with its truth.

    Parameters
    ----------
    config : PhantomConfig
        Settings of the phantom.
    on_access : bool, optional
        Draw each frame anew whenever it is asked for, instead of all of them now.

    Returns
    -------
    Phantom

    Raises
    ------
    ConfigError
        When the lesion is outside the liver, the target outside the image on the first frame, or the motion has no
        inverse; a trace cannot be used.
    """
    made = _in_plane(config, None)
    if on_access:
        return made
    return replace(made, recording=replace(made.recording, frames=np.asarray(made.recording.frames)))


def with_target(phantom: Phantom, kind: TargetKind) -> Phantom:
    """Return the phantom with another target in the same images, which are not drawn anew.

    Parameters
    ----------
    phantom : Phantom
        A phantom. Its frames are shared.
    kind : str
        The lesion or an organ; see `TargetConfig`.

    Returns
    -------
    Phantom
        The same as :func:`make_phantom` makes.

    Raises
    ------
    ConfigError
        For a nodule or a vessel, which is in the images only when it is the target.
    """
    target = phantom.config.target
    for name in {kind, target.kind} & DRAWN:
        raise ConfigError(f"phantom: a {name} is drawn only as target; make a phantom with target.kind = {kind!r}")
    config = phantom.config.model_copy(update={"target": target.model_copy(update={"kind": kind})})
    return _in_plane(config, np.asarray(phantom.recording.frames))


def _in_plane(config: PhantomConfig, frames: NDArray[np.uint16] | None) -> Phantom:
    """Return the phantom, with these frames or newly drawn ones, in the plane of its config.

    The section has SI along its rows. In an axial image this axis lies along columns, so that the section is turned.
    """
    rows, cols = ORIENTATIONS[config.acquisition.plane].axes
    plane = Plane(row_step=rows.step, col_step=cols.step)
    if rows is SI:
        made = _made(config, frames)
        return replace(made, recording=replace(made.recording, plane=plane))
    acquisition = config.acquisition
    turned = {"matrix": acquisition.matrix[::-1], "pixel_mm": acquisition.pixel_mm[::-1]}
    section = config.model_copy(update={"acquisition": acquisition.model_copy(update=turned)})
    made = _made(section, None if frames is None else frames.swapaxes(1, 2))
    recording = made.recording
    assert recording.first_mask is not None  # noqa: S101  (every phantom has one)
    return replace(
        made,
        config=config,
        recording=replace(
            recording,
            frames=_turned(recording.frames),
            spacing_mm=acquisition.pixel_mm,
            first_mask=np.ascontiguousarray(recording.first_mask.T),
            labels=np.ascontiguousarray(np.asarray(recording.labels).swapaxes(1, 2)),
            plane=plane,
        ),
        contours=tuple(np.ascontiguousarray(contour[:, ::-1]) for contour in made.contours),
        displacement_mm=np.ascontiguousarray(made.displacement_mm[:, ::-1]),
    )


def _turned(frames: FrameStack) -> FrameStack:
    """Return frames with rows and columns exchanged."""
    if isinstance(frames, LazyFrames):
        count, rows, cols = frames.shape
        return LazyFrames(lambda frame: np.ascontiguousarray(frames[frame].T), count, (cols, rows), frames.dtype)
    return np.ascontiguousarray(np.asarray(frames).swapaxes(1, 2))


def _made(config: PhantomConfig, frames: NDArray[np.uint16] | None) -> Phantom:
    """Return the phantom of the section, with SI along rows."""
    acquisition, orientation = config.acquisition, ORIENTATIONS[config.acquisition.plane]
    times_s = breathing.times_of(config)
    anatomy = Anatomy(config)
    modes = motion.motion_modes(config.breathing, config.seed, config.lesion.center_mm)
    signal_mm = breathing.course(config, times_s).si_mm
    now = breathing.course(config, times_s, orientation)
    amplitude = motion.amplitudes(now, config.breathing)
    _check_motion(times_s, signal_mm)
    if config.target.kind in NAMES:
        organ = Neighbour(config.target.kind, config, orientation)
        outlines_mm = np.stack([organ.outline_mm(pose) for pose in organ.poses(times_s)])
    else:
        outlines_mm = _outlines_mm(anatomy.target, modes, amplitude, now.across_mm)
    rows_mm, cols_mm = (pixel_positions_mm(acquisition, axis) for axis in (0, 1))
    corner_mm = np.array([rows_mm[0], cols_mm[0]])
    contours = tuple((outlines_mm - corner_mm) / np.array(acquisition.pixel_mm))
    share = anatomy.target.share_in_slice(now.across_mm)
    labels = _labels(contours, share >= 0.5, acquisition.matrix)
    centers_mm = np.array([_center(contour) for contour in contours]) * np.array(acquisition.pixel_mm)
    _check_first_frame(config, centers_mm[0] / np.array(acquisition.pixel_mm), labels[0])
    recording = Recording(
        name=config.name,
        frames=_drawn(config, anatomy, modes, times_s) if frames is None else frames,
        spacing_mm=acquisition.pixel_mm,
        times_s=times_s,
        first_mask=labels[0].copy(),
        labels=labels,
        field_strength_t=acquisition.field_strength_t,
        region="abdomen",
    )
    visible = np.asarray(labels.any(axis=(1, 2)), dtype=np.bool_)
    covered = covered_shares(modes, amplitude, labels, rows_mm, cols_mm)
    return Phantom(config, recording, contours, centers_mm - centers_mm[0], visible, signal_mm, covered)


def _drawn(config: PhantomConfig, anatomy: Anatomy, modes: motion.Motion, times_s: Array) -> LazyFrames:
    """Return the frames, each of which is drawn when it is asked for."""
    acquisition, artefacts = config.acquisition, config.artefacts
    shots_s = exposure_times_s(acquisition, times_s)
    orientation = ORIENTATIONS[acquisition.plane]
    then = breathing.course(config, shots_s, orientation)
    amplitude = motion.amplitudes(then, config.breathing)
    whitening = artefacts.whitening * np.clip(shots_s / artefacts.whitening_s, 0.0, 1.0)
    blood = 1.0 + artefacts.inflow * then.flow
    scanner = Scanner(config)
    scene = Scene(anatomy, modes, scanner.view, amplitude)
    organs = neighbours(config, orientation)
    poses = [organ.poses(shots_s.ravel()) for organ in organs]

    def draw(frame: int) -> NDArray[np.uint16]:
        shots = [
            scene.draw(
                amplitude[frame, shot],
                float(then.across_mm[frame, shot]),
                (float(whitening[frame, shot]), float(blood[frame, shot, 0]), float(blood[frame, shot, 1])),
                [(organ, course[frame * shots_s.shape[1] + shot]) for organ, course in zip(organs, poses, strict=True)],
            )
            for shot in range(shots_s.shape[1])
        ]
        return scanner.acquire(np.mean(shots, axis=0, dtype=np.float32), frame)

    return LazyFrames(draw, times_s.size, acquisition.matrix, np.dtype(np.uint16))


def _outlines_mm(target: Target, modes: motion.Motion, amplitude: Array, across_mm: Array) -> Array:
    """Return the outline (T, N, 2) on each frame, in mm: its material points in the plane, displaced by the motion.

    It is that of what is in view on the first frame.
    """
    outlines_mm, share = [], share_in_view(target, modes, amplitude[0], float(across_mm[0]))[:, None]
    for now, plane_mm in zip(amplitude, across_mm.tolist(), strict=True):
        points_mm = target.outline_mm(plane_mm)
        points_mm = np.where(share < 1.0, target.middle_mm + share * (points_mm - target.middle_mm), points_mm)
        outlines_mm.append(motion.displaced(target.modes(modes, points_mm), points_mm, now))
    return np.stack(outlines_mm)


def _labels(contours: tuple[Array, ...], shown: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    labels = np.zeros((len(contours), *shape), dtype=np.bool_)
    for contour, label in zip(contours, labels, strict=True):
        fill(np.ascontiguousarray(contour), label)
    labels[~shown] = False
    return labels


def _center(contour: Array) -> Array:
    center = np.empty(2)
    centroid(np.ascontiguousarray(contour), center)
    return center


def _check_motion(times_s: Array, si_mm: Array) -> None:
    worst = int(np.abs(si_mm).argmax())
    if abs(si_mm[worst]) > FARTHEST_MM:
        raise ConfigError(
            f"phantom: breath, drift and events together move the lesion by {si_mm[worst]:.0f} mm at "
            f"{times_s[worst]:.1f} s, more than {FARTHEST_MM:.0f} mm; lower one of them in breathing"
        )


def _check_first_frame(config: PhantomConfig, center_px: Array, label: NDArray[np.bool_]) -> None:
    rows, cols = config.acquisition.matrix
    row, col = center_px.tolist()
    if not (-0.5 <= row < rows - 0.5 and -0.5 <= col < cols - 0.5 and label.any()):
        raise ConfigError(
            f"phantom: the first frame has the target's centre at pixel ({row:.0f}, {col:.0f}) of {rows} x {cols} "
            f"and {int(label.sum())} pixels in its label; change acquisition.center_mm, or let it begin in the plane"
        )


def write_phantom(config: PhantomConfig, out_dir: Path) -> Path:
    """Write the phantom as a TrackRAD2025 case and return its folder.

    The folder also holds `truth.json`, the other fields of `Phantom`, and `phantom.toml`, the config. With
    `organs.shown` it holds the mask of each structure on the first frame, `masks/NAME.mha`.

    Parameters
    ----------
    config : PhantomConfig
        Settings of the phantom.
    out_dir : Path
        The folder to make.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        As for :func:`make_phantom`.
    OutputError
        When the folder is not empty or cannot be written.
    """
    phantom = make_phantom(config)
    truth = {
        "case": config.name,
        "frame_convention": "frames from 0; (row, col), in px unless named mm; pixel centres on whole numbers",
        **_truth(phantom),
        "signal_mm": np.round(phantom.signal_mm, 4).tolist(),
    }
    masks: dict[str, NDArray[np.bool_]] = {}
    if config.organs.shown:
        kinds: tuple[TargetKind, ...] = ("lesion", "second_lesion", "duodenum", "stomach")
        shown = {kind: with_target(phantom, kind) for kind in kinds}
        truth["structures"] = {kind: _truth(one) for kind, one in shown.items()}
        masks = {kind: np.asarray(one.recording.first_mask) for kind, one in shown.items()}
    texts = {"truth.json": json.dumps(truth), "phantom.toml": tomli_w.dumps(config.model_dump())}
    return write_case(phantom.recording, out_dir, extra_files=texts, masks=masks)


def _truth(phantom: Phantom) -> dict[str, object]:
    """Return what is known of the target on each frame, as plain values for JSON."""
    return {
        "visible": phantom.visible.tolist(),
        "covered": np.round(phantom.covered, 4).tolist(),
        "displacement_mm": np.round(phantom.displacement_mm, 4).tolist(),
        "contours_rc": [np.round(contour, 4).tolist() for contour in phantom.contours],
    }
