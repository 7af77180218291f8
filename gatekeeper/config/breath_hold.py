"""Define the settings of breath-holds."""

from typing import Annotated

from pydantic import Field

from gatekeeper.config.strict import StrictModel


class BreathHoldConfig(StrictModel):
    """The wanted breath-hold, and whether breath-holds are recognised.

    Examples
    --------
    >>> from gatekeeper.config import BreathHoldConfig
    >>> BreathHoldConfig(seconds=20.0).is_expected
    True
    """

    recognised: bool = True
    """Whether breath-holds are recognised. If so, drift and unusual positions of a patient who holds the breath are
    those of the held positions; otherwise those of the breaths between, as of any patient."""
    seconds: Annotated[float, Field(ge=5.0, le=120.0)] | None = None
    """Wanted duration of a hold, in seconds. With this or a position, holds count from the first one on, and not only
    once the patient has been seen to breathe between holds."""
    position_mm: Annotated[float, Field(ge=-100.0, le=100.0)] | None = None
    """Wanted position of the target in a hold, in mm along the axis of the image's rows from where it was drawn; on
    sagittal and coronal images SI, superior positive."""
    tolerance_mm: Annotated[float, Field(gt=0.0, le=50.0)] = 3.0
    """A hold that is further than this from the wanted position is shown as such, in mm; it holds no beam."""

    @property
    def is_expected(self) -> bool:
        """Whether the session says that the patient holds the breath."""
        return self.seconds is not None or self.position_mm is not None
