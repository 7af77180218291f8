"""Define the scenes by name: description and phantom of each."""

from dataclasses import dataclass, field
from typing import Any

from benchmarks.scenes.degrade import Quality
from benchmarks.scenes.disturb import Disturbance
from gatekeeper.config import build
from replay.phantom import PhantomConfig

EVENTS = ("deep_breaths", "coughs", "out_of_plane")


@dataclass(frozen=True, slots=True)
class Scene:
    """A phantom with a difficulty.

    Attributes
    ----------
    name, what : str
        Name and description.
    settings : dict
        Parts of a `PhantomConfig` that differ from its defaults.
    disturbances : tuple of Disturbance
        Frames that are replaced or disturbed.
    can_be_followed : bool
        Whether the tracker must be confident on nearly all frames that show the target; false where images are so
        poor, or the target moves so far, that low confidence is also correct. Confident and wrong is never allowed.
    quality : Quality or None
        Image quality when the target is deep, at more than half of the largest displacement.
    transposed : bool
        Whether rows and columns are exchanged, so that breath moves the target along the columns.
    """

    name: str
    what: str
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    disturbances: tuple[Disturbance, ...] = ()
    can_be_followed: bool = True
    quality: Quality | None = None
    transposed: bool = False

    def config(self, seed: int, lead_s: float = 0.0, **acquisition: Any) -> PhantomConfig:
        """Return the phantom.

        Parameters
        ----------
        seed : int
            Seed of the phantom.
        lead_s : float
            Delay of all events and extension of the recording, in s: time for a preview.
        **acquisition
            Settings of the acquisition that replace the scene's own.

        Raises
        ------
        ConfigError
            When the settings are invalid.
        """
        settings = {"duration_s": 24.0, **self.settings.get("acquisition", {}), **acquisition}
        settings["duration_s"] += lead_s
        breathing = dict(self.settings.get("breathing", {}))
        for events in EVENTS:
            if events in breathing:
                breathing[events] = [{**one, "start_s": one["start_s"] + lead_s} for one in breathing[events]]
        parts = {**self.settings, "acquisition": settings, "breathing": breathing}
        return build(PhantomConfig, {"name": self.name, "seed": seed, **parts}, f"scene {self.name}")

    @property
    def size(self) -> str:
        """Kind of the target."""
        return str(self.settings.get("target", {}).get("kind", "lesion"))

    def befalls(self, lead_s: float = 0.0) -> tuple[Disturbance, ...]:
        """Return the disturbances of a recording that begins `lead_s` earlier."""
        return tuple(Disturbance(one.kind, one.start_s + lead_s, one.duration_s) for one in self.disturbances)


def _rate(hz: float, duration_s: float = 24.0) -> dict[str, dict[str, Any]]:
    return {"acquisition": {"frame_rate_hz": hz, "duration_s": duration_s}}


def _holds(pattern: str) -> dict[str, dict[str, Any]]:
    return {"acquisition": {"duration_s": 40.0}, "breathing": {"pattern": pattern, "hold_s": 12.0, "rest_s": 6.0}}


def _lesion(**fields: Any) -> dict[str, dict[str, Any]]:
    return {"lesion": fields}


TEN_MINUTES = {"duration_s": 600.0, "frame_rate_hz": 1.0}
SMALL = {"matrix": (112, 96)}
FAR_AWAY = {"amplitude_mm": 3.0, "amplitude_variation": 0.0, "drift_mm_per_min": 0.0}
"""Breathing that stays within the search range together with a deep breath of 55 mm."""

DEEP_BREATHS = {**FAR_AWAY, "deep_breaths": [{"start_s": 6.0}, {"start_s": 14.0}]}

SCENES = (
    Scene("plain", "the default phantom"),
    Scene("transposed", "the default phantom with rows and columns exchanged", transposed=True),
    Scene(
        "deep-breath",
        "a breath of 55 mm from one frame to the next, twice, and back as suddenly; 2.8 mm through the plane",
        {"breathing": {**DEEP_BREATHS, "through_plane_ratio": 0.05}},
    ),
    Scene(
        "deep-breath-across",
        "the same, and 5.5 mm through the plane, so that four fifths of the slice are other tissue",
        {"breathing": DEEP_BREATHS},
        can_be_followed=False,
    ),
    Scene(
        "out-of-plane",
        "the target leaves the plane for 2 s, twice, to one side and to the other",
        {"breathing": {"out_of_plane": [{"start_s": 6.0}, {"start_s": 14.0, "shift_mm": -25.0}]}},
    ),
    Scene("snr-5", "signal-to-noise ratio 5", {"acquisition": {"snr": 5.0}}),
    Scene(
        "whitening",
        "gadoxetate brightens the liver by 40 % over 10 minutes",
        {"acquisition": TEN_MINUTES, "artefacts": {"whitening": 0.4}},
    ),
    Scene("flicker", "brightness of each frame +-30 %", {"artefacts": {"flicker": 0.3}}),
    Scene("1-hz", "1 frame per second", _rate(1.0, 60.0)),
    Scene("2-hz", "2 frames per second", _rate(2.0, 40.0)),
    Scene("4-hz", "4 frames per second", _rate(4.0)),
    Scene("8-hz", "8 frames per second", _rate(8.0)),
    Scene("large-pixels", "pixels of 3.5 mm", {"acquisition": {"matrix": (90, 72), "pixel_mm": (3.5, 3.5)}}),
    Scene(
        "edge-above", "at rest the target touches the upper edge", {"acquisition": {**SMALL, "center_mm": (79.0, 8.0)}}
    ),
    Scene(
        "edge-front",
        "the target touches the front edge, and crosses it when breathed in",
        {"acquisition": {**SMALL, "center_mm": (0.0, 78.0)}},
    ),
    Scene(
        "drift",
        "the baseline drifts by 10 mm in 10 minutes",
        {"acquisition": TEN_MINUTES, "breathing": {"drift_mm_per_min": 1.0}},
    ),
    Scene(
        "cough",
        "coughs of 12 and 20 mm",
        {"breathing": {"coughs": [{"start_s": 5.0}, {"start_s": 11.0, "amplitude_mm": 20.0}, {"start_s": 17.0}]}},
    ),
    Scene("lesion-15", "a lesion of 15 mm", _lesion(diameter_mm=15.0)),
    Scene("lesion-40", "a lesion of 40 mm", _lesion(diameter_mm=40.0)),
    Scene("lesion-60", "a lesion of 60 mm", _lesion(diameter_mm=60.0, thickness_mm=60.0)),
    Scene("low-contrast", "a lesion 10 % darker than the liver", _lesion(contrast=-0.1)),
    Scene("dark-blood", "vessels darker than the liver", {"tissue": {"vessel_contrast": -0.5}}),
    Scene("at-1_5-t", "1.5 T, fat in opposed phase", {"acquisition": {"field_strength_t": 1.5}}),
    Scene("at-3-t", "3 T, deeper bands", {"acquisition": {"field_strength_t": 3.0}, "artefacts": {"banding": 0.4}}),
    Scene(
        "inhale-hold",
        "breath-holds at end-inhale",
        _holds("inhale_hold"),
    ),
    Scene(
        "exhale-hold",
        "breath-holds at end-exhale",
        _holds("exhale_hold"),
    ),
    Scene(
        "noise-frames",
        "a second of noise, three times",
        disturbances=tuple(Disturbance("noise", at_s) for at_s in (5.0, 11.0, 17.0)),
    ),
    Scene(
        "other-anatomy",
        "a second of another person, three times",
        disturbances=tuple(Disturbance("other anatomy", at_s) for at_s in (5.0, 11.0, 17.0)),
    ),
    Scene(
        "banding-frames",
        "a second of deep dark stripes that move, three times",
        disturbances=tuple(Disturbance("banding", at_s) for at_s in (5.0, 11.0, 17.0)),
    ),
    Scene(
        "smeared-frames",
        "a second of frames smeared over 40 mm, three times",
        disturbances=tuple(Disturbance("smear", at_s) for at_s in (5.0, 11.0, 17.0)),
    ),
    Scene(
        "long-exposure",
        "exposure of half a second, blurred by the motion",
        {"acquisition": {"exposure_s": 0.5, "frame_rate_hz": 4.0}, "breathing": {"period_s": 3.0}},
        can_be_followed=False,
    ),
    Scene("snr-3", "signal-to-noise ratio 3", {"acquisition": {"snr": 3.0}}, can_be_followed=False),
    Scene("snr-2", "signal-to-noise ratio 2", {"acquisition": {"snr": 2.0}}, can_be_followed=False),
    Scene(
        "slowly-away",
        "the target goes out of the plane slowly, stays for 4 s, and comes back slowly",
        {"breathing": {"out_of_plane": [{"start_s": 5.0, "duration_s": 12.0, "ramp_s": 4.0}]}},
        can_be_followed=False,
    ),
    Scene(
        "leaves-image",
        "a breath takes the target out of the image below",
        {
            "acquisition": {**SMALL, "center_mm": (-80.0, 8.0)},
            "breathing": {"deep_breaths": [{"start_s": 6.0, "depth_mm": 45.0, "ramp_s": 0.7, "duration_s": 4.0}]},
        },
        can_be_followed=False,
    ),
    Scene(
        "beyond-range",
        "a breath of 55 mm on top of breathing, further than the target is looked for",
        {
            "breathing": {
                "amplitude_mm": 22.0,
                "deep_breaths": [{"start_s": 5.0, "duration_s": 4.0}, {"start_s": 14.0, "duration_s": 4.0}],
            }
        },
        can_be_followed=False,
    ),
)
