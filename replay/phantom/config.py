"""Define the settings of a phantom: one frozen model per part of the scene, each field with its unit and limits."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gatekeeper.config import Fraction, StrictModel

Pair = Annotated[tuple[float, float], Field(strict=False)]
"""Two numbers, along rows and along columns."""

TargetKind = Literal["lesion", "liver", "kidney", "dome", "nodule", "vessel", "second_lesion", "duodenum", "stomach"]

Radius = Annotated[float, Field(ge=4.0, le=40.0)]
Seconds = Annotated[float, Field(ge=0.0, le=3600.0)]
PixelSize = Annotated[float, Field(ge=0.5, le=4.0)]
PixelCount = Annotated[int, Field(ge=32, le=1024)]

LARGEST_RECORDING_PX = 2_000_000_000


class TargetConfig(StrictModel):
    """What is labelled; the truth is its outline in the image plane, moved by the same motion as the tissue.

    A lung nodule and a vessel are drawn when they are the target; all other images are the same for every kind.
    """

    kind: TargetKind = "lesion"
    """The lesion, the whole liver, the kidney, a patch of 40 mm below the dome, a lung nodule or a vessel; with
    `organs.shown` also the second lesion, the duodenum or the stomach."""
    nodule_diameter_mm: Annotated[float, Field(ge=6.0, le=40.0)] = 18.0
    """Mean diameter of the lung nodule, in mm."""
    nodule_brightness: Annotated[float, Field(ge=0.0, le=3.0)] = 0.3
    """Brightness of the lung nodule relative to the liver; the lung's is 0.1."""
    vessel_diameter_mm: Annotated[float, Field(ge=3.0, le=20.0)] = 6.0
    """Diameter of the vessel, which crosses the plane at right angles and pulsates as portal veins do, in mm."""


class LesionConfig(StrictModel):
    """A metastasis in the liver; `breathing` gives the motion of its centre."""

    center_mm: Pair = (-8.0, 5.0)
    """Centre at end-exhale, (inferior, posterior) of the liver's middle, in mm; the lesion must lie in the liver."""
    diameter_mm: Annotated[float, Field(ge=3.0, le=70.0)] = 25.0
    """Mean diameter of the outline, in mm."""
    thickness_mm: Annotated[float, Field(ge=4.0, le=100.0)] = 26.0
    """Extent across the image plane, in mm; the lesion counts as not visible when half of it is out of plane."""
    irregularity: Annotated[float, Field(ge=0.0, le=0.15)] = 0.04
    """Deviation of the outline from a circle, as a share of the radius."""
    contrast: Annotated[float, Field(ge=-0.9, le=3.0)] = -0.3
    """Brightness relative to the liver: -0.3 is 30 % darker, 0 is invisible."""
    edge_mm: Annotated[float, Field(ge=0.0, le=10.0)] = 2.0
    """Width over which the lesion fades into the liver, in mm; the outline is the half-way line."""
    texture: Fraction = 0.06
    """Standard deviation of the lesion's inner texture, as a share of the liver's brightness."""


class OrganConfig(StrictModel):
    """A hollow organ with motion of its own."""

    center_mm: Pair
    """Its middle at end-exhale, (inferior, posterior) of the liver's middle, in mm."""
    radii_mm: Annotated[tuple[Radius, Radius], Field(strict=False)]
    """Half of its extent along (inferior, posterior), in mm."""
    breath_share: Fraction = 0.85
    """Its motion with the breath, as a share of that of the lesion."""
    breath_delay_s: Annotated[float, Field(ge=0.0, le=5.0)] = 0.2
    """Delay of that motion, in seconds."""
    lift_mm: Annotated[float, Field(ge=0.0, le=30.0)]
    """Largest superior displacement of its own, once in each period, in mm."""
    period_s: Annotated[float, Field(ge=1.0, le=120.0)]
    """Period of its own motion and of the wave of peristalsis around it, in seconds."""
    start_phase: Fraction = 0.0
    """Phase of its own motion on the first frame; 0 is at rest, 0.5 is lifted."""
    squeeze: Annotated[float, Field(ge=0.0, le=0.2)] = 0.06
    """Largest change of its radius by the wave, as a share."""
    content_brightness: Annotated[float, Field(ge=0.0, le=3.0)] = 1.8
    """Brightness of its content relative to the liver; its wall's is 0.9."""
    content_change: Annotated[float, Field(ge=0.0, le=0.9)] = 0.0
    """Largest change of that brightness as content passes, as a share; it takes 2.7 periods."""
    gas_mm: Annotated[float, Field(ge=0.0, le=40.0)] = 0.0
    """Diameter of a dark bubble of gas at the front of its lumen, which peristalsis pushes up and down; 0 for none."""


class OrgansConfig(StrictModel):
    """A second lesion in the liver, and a duodenum and a stomach that move their own way."""

    shown: bool = False
    """Whether they are drawn."""
    second_lesion: LesionConfig = LesionConfig(center_mm=(43.0, -16.0), diameter_mm=24.0, contrast=-0.4)
    """A second metastasis, which moves with the liver; its outline must lie in the liver."""
    duodenum: OrganConfig = OrganConfig(center_mm=(75.0, -16.0), radii_mm=(13.0, 12.0), lift_mm=8.0, period_s=9.0)
    """The duodenum."""
    stomach: OrganConfig = OrganConfig(
        center_mm=(104.0, -58.0),
        radii_mm=(24.0, 20.0),
        lift_mm=4.0,
        period_s=20.0,
        start_phase=0.4,
        squeeze=0.04,
        breath_share=0.75,
        content_brightness=2.6,
    )
    """The stomach."""


class TissueConfig(StrictModel):
    """Texture and vessels of the liver."""

    texture: Fraction = 0.06
    """Standard deviation of the liver's texture, as a share of its brightness."""
    vessel_contrast: Annotated[float, Field(ge=-0.9, le=3.0)] = 1.0
    """Brightness of vessels relative to the liver: 1 is twice as bright, below 0 is dark blood, 0 no vessels."""


class DeepBreath(StrictModel):
    """A sudden deep breath, on top of the breathing."""

    start_s: Seconds
    """Time at which it begins, in seconds."""
    depth_mm: Annotated[float, Field(ge=-60.0, le=60.0)] = 55.0
    """Extra displacement of the target, inferior positive, in mm."""
    duration_s: Annotated[float, Field(gt=0.0, le=60.0)] = 2.0
    """Duration including the ramps, in seconds."""
    ramp_s: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    """Duration of each ramp, in seconds; 0 is a jump between two frames."""


class Cough(StrictModel):
    """A cough: two quick jerks of the diaphragm upwards that die away within a second."""

    start_s: Seconds
    """Time at which it begins, in seconds."""
    amplitude_mm: Annotated[float, Field(gt=0.0, le=30.0)] = 12.0
    """Largest superior displacement of the target, in mm."""


class OutOfPlane(StrictModel):
    """The target leaves the image plane and comes back."""

    start_s: Seconds
    """Time at which it begins to leave, in seconds."""
    duration_s: Annotated[float, Field(gt=0.0, le=600.0)] = 2.0
    """Duration of the absence including the ramps, in seconds."""
    shift_mm: Annotated[float, Field(ge=-40.0, le=40.0)] = 25.0
    """Displacement across the plane, in mm."""
    ramp_s: Annotated[float, Field(ge=0.0, le=10.0)] = 0.3
    """Duration of each ramp, in seconds."""


class BreathingConfig(StrictModel):
    """Motion of the organs; amplitudes are those of the lesion's centre, the dome moves more, the kidney less."""

    pattern: Literal["free", "inhale_hold", "exhale_hold"] = "free"
    """Free breathing, or breath-holds at end-inhale or end-exhale with free breathing between them."""
    amplitude_mm: Annotated[float, Field(ge=0.0, le=60.0)] = 17.0
    """Mean superior-inferior displacement from end-exhale to end-inhale, in mm."""
    period_s: Annotated[float, Field(ge=1.0, le=20.0)] = 4.0
    """Mean length of a breath, in seconds."""
    sharpness: Annotated[int, Field(ge=1, le=6)] = 2
    """n of cos^2n (Lujan): the larger, the longer the rest at end-exhale."""
    amplitude_variation: Annotated[float, Field(ge=0.0, le=0.5)] = 0.12
    """Standard deviation of a breath's amplitude, as a share of the mean."""
    period_variation: Annotated[float, Field(ge=0.0, le=0.5)] = 0.10
    """Standard deviation of a breath's length, as a share of the mean."""
    start_phase: Fraction = 0.15
    """Phase of the first breath on the first frame; 0 is end-exhale, 0.5 is end-inhale."""
    ap_ratio: Annotated[float, Field(ge=-0.6, le=0.6)] = 0.25
    """Anterior displacement per inferior displacement."""
    rl_ratio: Annotated[float, Field(ge=-0.6, le=0.6)] = 0.1
    """Displacement to the left per inferior displacement, in coronal and axial images."""
    hysteresis_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.2
    """Delay of anterior motion after inferior motion, in seconds."""
    through_plane_ratio: Annotated[float, Field(ge=-0.3, le=0.3)] = 0.1
    """Displacement across the image plane per inferior displacement."""
    drift_mm_per_min: Annotated[float, Field(ge=-10.0, le=10.0)] = 0.3
    """Drift of the baseline, inferior positive, in mm per minute."""
    hold_s: Annotated[float, Field(ge=1.0, le=120.0)] = 20.0
    """Length of a breath-hold, in seconds."""
    rest_s: Annotated[float, Field(ge=1.0, le=120.0)] = 12.0
    """Free breathing between two holds, in seconds."""
    rest_share: Fraction = 1.0
    """Amplitude of the breaths between two holds, as a share of `amplitude_mm`."""
    begins: Literal["hold", "rest"] = "hold"
    """Whether a recording with holds begins in a hold, or with the breathing before it."""
    hold_drift_mm_per_s: Annotated[float, Field(ge=-2.0, le=2.0)] = -0.06
    """Drift within a hold, inferior positive, in mm per second."""
    hold_variation_mm: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
    """Standard deviation of the level from hold to hold, in mm."""
    elastic: Annotated[float, Field(ge=0.0, le=0.2)] = 0.06
    """Root mean square of the non-rigid displacement with each breath, as a share of its amplitude."""
    irregular_mm: Annotated[float, Field(ge=0.0, le=3.0)] = 0.4
    """Root mean square of slow non-rigid motion independent of the breath, in mm."""
    cardiac_mm: Annotated[float, Field(ge=0.0, le=5.0)] = 1.5
    """Amplitude of cardiac motion next to the heart, in mm."""
    deep_breaths: Annotated[tuple[DeepBreath, ...], Field(strict=False)] = ()
    """Sudden deep breaths."""
    coughs: Annotated[tuple[Cough, ...], Field(strict=False)] = ()
    """Coughs."""
    out_of_plane: Annotated[tuple[OutOfPlane, ...], Field(strict=False)] = ()
    """Times at which the target leaves the image plane."""


class MotionConfig(StrictModel):
    """Where the motion of the lesion's centre comes from."""

    kind: Literal["breathing", "trace"] = "breathing"
    """breathing: it is simulated. trace: it is read from `file`, along all three axes; of `breathing` only the part
    besides counts: `elastic`, `irregular_mm` and `cardiac_mm`."""
    file: Annotated[str, Field(max_length=1000)] = ""
    """CSV file with the columns time_s, si_mm, ap_mm and lr_mm; superior, posterior and left positive. A relative path
    is relative to the present folder."""
    begin_s: Seconds = 0.0
    """Time in the trace at which the recording begins, in seconds."""

    @model_validator(mode="after")
    def _names_its_file(self) -> Self:
        if (self.kind == "trace") != bool(self.file):
            raise ValueError('kind = "trace" and file go together; give both or neither')
        return self


class AcquisitionConfig(StrictModel):
    """Settings of the scanner."""

    plane: Literal["sagittal", "coronal", "axial"] = "sagittal"
    """Orientation of the image. All show the organs of the same section; what moves along rows and columns is SI and AP
    in a sagittal image, SI and RL in a coronal one, AP and RL in an axial one, which is the section turned."""
    matrix: Annotated[tuple[PixelCount, PixelCount], Field(strict=False)] = (176, 140)
    """Rows and columns of the image."""
    pixel_mm: Annotated[tuple[PixelSize, PixelSize], Field(strict=False)] = (1.8, 1.8)
    """Size of a reconstructed pixel along rows and columns, in mm."""
    center_mm: Pair = (0.0, 8.0)
    """Middle of the image as (inferior, posterior) of the section from the middle of the liver, in mm."""
    frame_rate_hz: Annotated[float, Field(ge=0.5, le=20.0)] = 6.0
    """Frames per second."""
    duration_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 40.0
    """Length of the recording, in seconds."""
    acquired_mm: Annotated[float, Field(ge=1.6, le=8.0)] = 3.5
    """Acquired resolution, in mm; at least the pixel size."""
    slice_mm: Annotated[float, Field(ge=1.0, le=20.0)] = 7.0
    """Slice thickness, in mm."""
    exposure_s: Annotated[float, Field(ge=0.0, le=2.0)] = 0.0
    """Time over which motion blurs a frame, centred on the frame's time, in seconds; 0 is a snapshot."""
    snr: Annotated[float, Field(ge=1.0, le=1000.0)] = 20.0
    """Mean brightness of the liver over the standard deviation of the noise in each of its two channels."""
    field_strength_t: Annotated[float, Field(ge=0.1, le=7.0)] = 0.35
    """Field strength in tesla; from 1 T on fat is in opposed phase, which causes dark lines around organs."""


class ArtefactConfig(StrictModel):
    """Disturbances of the brightness."""

    banding: Fraction = 0.15
    """Depth of the dark stripes of balanced SSFP, which stand still; 0 is none, 1 is black."""
    shading: Fraction = 0.5
    """Exponent of the surface coils' sensitivity; 0 is no shading, 1 is full shading."""
    flicker: Annotated[float, Field(ge=0.0, le=0.9)] = 0.02
    """Largest deviation of a frame's overall brightness; 0.3 is +-30 %."""
    inflow: Fraction = 0.15
    """Amplitude of the vessels' pulsation in brightness, as a share of their contrast."""
    whitening: Annotated[float, Field(ge=0.0, le=2.0)] = 0.0
    """Share by which gadoxetate has brightened the liver, not its vessels and the lesion, after `whitening_s`."""
    whitening_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 600.0
    """Duration of the brightening, linear from the first frame on, in seconds."""


class PhantomConfig(StrictModel):
    """A liver cine-MR with exact truth; equal configs give equal bytes.

    Each effect draws from a random stream of its own, so that changing one leaves all others unchanged.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "phantom"
    """Name of the case."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1
    """Seed of all random streams."""
    target: TargetConfig = TargetConfig()
    lesion: LesionConfig = LesionConfig()
    organs: OrgansConfig = OrgansConfig()
    tissue: TissueConfig = TissueConfig()
    motion: MotionConfig = MotionConfig()
    breathing: BreathingConfig = BreathingConfig()
    acquisition: AcquisitionConfig = AcquisitionConfig()
    artefacts: ArtefactConfig = ArtefactConfig()

    @property
    def frame_count(self) -> int:
        """Number of frames, at least 1."""
        return max(1, round(self.acquisition.duration_s * self.acquisition.frame_rate_hz))

    @model_validator(mode="after")
    def _shows_its_target(self) -> Self:
        if self.target.kind == "vessel" and self.tissue.vessel_contrast == 0.0:
            raise ValueError(
                'target.kind = "vessel" needs vessels, and tissue.vessel_contrast = 0 means none; '
                "give another contrast or another target"
            )
        if self.target.kind in ("second_lesion", "duodenum", "stomach") and not self.organs.shown:
            raise ValueError(f'target.kind = "{self.target.kind}" needs organs.shown = true')
        if self.target.kind in ("nodule", "vessel") and self.organs.shown:
            raise ValueError(f'target.kind = "{self.target.kind}" is drawn only alone; give organs.shown = false')
        return self

    @model_validator(mode="after")
    def _fits_in_memory(self) -> Self:
        rows, cols = self.acquisition.matrix
        pixels = self.frame_count * rows * cols
        if pixels > LARGEST_RECORDING_PX:
            raise ValueError(
                f"{self.frame_count} frames of {rows} x {cols} are {pixels:.1e} pixels, more than "
                f"{LARGEST_RECORDING_PX:.0e}; shorten duration_s or lower frame_rate_hz or matrix"
            )
        return self
