"""List every tracking method that is measured, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2

from gatekeeper.core.contour import mask_to_contour
from gatekeeper.tracking.tracker import Tracker
from replay.peers import boxes, flow
from replay.peers.boxes import Box
from replay.peers.flow import AlignedFlow, Flow, WholeImageFlow
from replay.peers.image import Image, LearningTracker, Mask, Outline, PeerTracker, Spacing
from replay.peers.points import Points
from replay.peers.template import FAR_SEARCH_MM, SEARCH_MM, Template

OURS = "gatekeeper"
PREVIEWED = "gatekeeper, preview"
NONE = "no tracking"

WITHOUT_BOXES = (
    "KCF and CSRT are left out: this OpenCV has no contrib modules. To have them, run .venv/bin/python -m pip install "
    "--no-deps --target FOLDER opencv-contrib-python-headless, then PYTHONPATH=FOLDER make bench-peers"
)


Start = Callable[[Image, Mask, Spacing], PeerTracker]
"""Makes a peer from the reference (H, W), the mask on it and the pixel spacing in mm."""


@dataclass(frozen=True, slots=True)
class Method:
    """One tracking method.

    Attributes
    ----------
    name : str
        Name in the table.
    start : callable
        From the reference (H, W), the mask on it and the pixel spacing in mm to a new :class:`PeerTracker`.
    every_frame : bool
        False for a slow method that is run on labelled frames only; it must not learn from frame to frame.
    """

    name: str
    start: Callable[[Image, Mask, Spacing], PeerTracker]
    every_frame: bool = True


@dataclass(frozen=True, slots=True)
class Previewed:
    """A method that learns from the beginning of a case, without labels, before it tracks.

    Attributes
    ----------
    name, every_frame : str, bool
        As in :class:`Method`.
    start : callable
        As in :class:`Method`, but returns a :class:`LearningTracker`.
    preview_s : float
        Length of the beginning that it learns from, in seconds.
    """

    name: str
    start: Callable[[Image, Mask, Spacing], LearningTracker]
    preview_s: float
    every_frame: bool = True


def one_thread_each() -> None:
    """Let OpenCV and SimpleITK use one thread, as gatekeeper does."""
    cv2.setNumThreads(1)
    flow.simpleitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)


def available_methods(preview_s: float = 0.0) -> tuple[list[Method | Previewed], str | None]:
    """Return the available methods, gatekeeper last, and a note on unavailable ones, if any.

    Parameters
    ----------
    preview_s : float
        If above 0, gatekeeper is listed twice: from the first frame alone, and after a preview of this many seconds.

    Returns
    -------
    methods : list of Method or Previewed
        The available methods.
    note : str or None
        Which methods are left out and how to get them.
    """
    ultrafast, fast, medium = (
        cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
        cv2.DISOPTICAL_FLOW_PRESET_FAST,
        cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
    )
    methods: list[Method | Previewed] = [
        Method(NONE, lambda _reference, mask, _spacing_mm: _Still(mask)),
        Method("NCC template", Template),
        _whole("DIS ultrafast", lambda: flow.dis(ultrafast)),
        _whole("DIS fast", lambda: flow.dis(fast)),
        _whole("DIS medium", lambda: flow.dis(medium)),
        _aligned("NCC then DIS-fast", lambda: flow.dis(fast)),
        _aligned("NCC then DIS-medium", lambda: flow.dis(medium)),
        _aligned("NCC then DIS-medium, 70 mm", lambda: flow.dis(medium), search_mm=FAR_SEARCH_MM),
        Method("Lucas-Kanade", Points),
        _whole("Farneback", flow.farneback),
        _aligned("NCC then demons", flow.demons, every_frame=False),
    ]
    if boxes.have_boxes():
        methods += [_boxed("KCF", boxes.kcf, boxes.KCF_ENLARGED), _boxed("CSRT", boxes.csrt, boxes.CSRT_ENLARGED)]
    methods.append(Method(OURS, _Ours))
    if preview_s > 0.0:
        methods.append(Previewed(PREVIEWED, _Ours, preview_s))
    return methods, None if boxes.have_boxes() else WITHOUT_BOXES


def _whole(name: str, new_flow: Callable[[], Flow]) -> Method:
    return Method(name, lambda reference, mask, _spacing_mm: WholeImageFlow(reference, mask, new_flow()))


def _aligned(name: str, new_flow: Callable[[], Flow], every_frame: bool = True, search_mm: float = SEARCH_MM) -> Method:
    return Method(
        name,
        lambda reference, mask, spacing_mm: AlignedFlow(reference, mask, spacing_mm, new_flow(), search_mm),
        every_frame,
    )


def _boxed(name: str, new_tracker: Callable[[], Any], enlarged: int) -> Method:
    return Method(name, lambda reference, mask, spacing_mm: Box(reference, mask, spacing_mm, new_tracker(), enlarged))


class _Still:
    """The target at its position on the reference."""

    def __init__(self, mask: Mask) -> None:
        self._contour_px = mask_to_contour(mask)

    def __call__(self, _image: Image) -> Outline:
        return self._contour_px


class _Ours:
    """Gatekeeper with default settings: from the first frame alone, unless `learn` is called."""

    def __init__(self, reference: Image, mask: Mask, spacing_mm: Spacing) -> None:
        self._tracker = Tracker(reference, mask, spacing_mm)

    def learn(self, images: Image) -> object:
        return self._tracker.learn(images)

    def __call__(self, image: Image) -> Outline:
        return self._tracker.track(image).contour_px
