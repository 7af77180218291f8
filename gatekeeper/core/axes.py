"""Axes of the patient, and the three orientations of images with the axes along their rows and columns.

This is the only place that knows which axis runs along rows and columns, which way, and which sign a person sees:
superior, posterior and left are positive everywhere.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    # Settings are read by programs that must be small, without NumPy.
    from gatekeeper.core.frame import Plane, Vector


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of the patient along rows or columns of canonical images.

    Attributes
    ----------
    name : str
        "SI", "AP" or "RL".
    positive, negative : str
        The two directions in words; the first is the positive one.
    step : tuple of 3 floats
        Direction in which the index of a canonical image grows; DICOM LPS.
    sign : float
        1 when that is the positive direction, otherwise -1.
    inhaling : float
        1 when abdominal organs move in that direction as the patient breathes in, otherwise -1.
    """

    name: str
    positive: str
    negative: str
    step: "Vector"
    sign: float
    inhaling: float

    @property
    def ends(self) -> tuple[str, str]:
        """Letters of the first and the last row or column, such as "S" and "I"."""
        letters = self.negative[0].upper(), self.positive[0].upper()
        return letters if self.sign > 0.0 else letters[::-1]

    def shown(self, low_mm: float, high_mm: float) -> tuple[float, float]:
        """Return the ends of a range along rows or columns with the sign that a person sees, the lower one first."""
        return (low_mm, high_mm) if self.sign > 0.0 else (-high_mm, -low_mm)

    def word(self, value_mm: float) -> str:
        """Return the direction of a displacement in words.

        Parameters
        ----------
        value_mm : float
            Displacement along rows or columns as their index grows, in mm.
        """
        return self.positive if (value_mm >= 0.0) == (self.sign > 0.0) else self.negative


SI = Axis("SI", "superior", "inferior", (0.0, 0.0, -1.0), -1.0, 1.0)
AP = Axis("AP", "posterior", "anterior", (0.0, 1.0, 0.0), 1.0, -1.0)
RL = Axis("RL", "left", "right", (1.0, 0.0, 0.0), 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Orientation:
    """An orientation of canonical images.

    Attributes
    ----------
    name : str
        "sagittal", "coronal" or "axial".
    rows, cols : Axis
        Axis along which the index of rows and of columns grows.
    across : Axis
        Axis at right angles to the image.
    """

    name: str
    rows: Axis
    cols: Axis
    across: Axis

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """Axis along rows, axis along columns."""
        return self.rows, self.cols

    @property
    def names(self) -> tuple[str, str]:
        """Names of the axes along rows and columns, such as ("SI", "AP")."""
        return self.rows.name, self.cols.name

    @property
    def positive(self) -> str:
        """The positive directions in words, such as "superior and posterior"."""
        return f"{self.rows.positive} and {self.cols.positive}"

    def signed(self, moved_px_or_mm: tuple[float, float]) -> tuple[float, float]:
        """Return a displacement along rows and columns with the signs that a person sees, or the other way round.

        Examples
        --------
        >>> from gatekeeper.core.axes import CORONAL
        >>> CORONAL.signed((2.5, 1.0))
        (-2.5, 1.0)
        """
        # Adding 0 removes negative zeros.
        return self.rows.sign * moved_px_or_mm[0] + 0.0, self.cols.sign * moved_px_or_mm[1] + 0.0

    def between(self, from_mm: tuple[float, float], to_mm: tuple[float, float]) -> tuple[float, float]:
        """Return the displacement from one position (row, col) to another, with the signs that a person sees."""
        return self.rows.sign * (to_mm[0] - from_mm[0]), self.cols.sign * (to_mm[1] - from_mm[1])

    def in_words(self, moved_mm: tuple[float, float]) -> str:
        """Return a displacement along rows and columns in words.

        Parameters
        ----------
        moved_mm : tuple of float
            Displacement along rows and columns, in mm.

        Examples
        --------
        >>> from gatekeeper.core.axes import AXIAL, SAGITTAL
        >>> SAGITTAL.in_words((2.5, -0.25))
        '2.5 mm inferior, 0.2 mm anterior'
        >>> AXIAL.in_words((2.5, -0.25))
        '2.5 mm posterior, 0.2 mm right'
        """
        return ", ".join(
            f"{abs(value):.1f} mm {axis.word(value)}" for axis, value in zip(self.axes, moved_mm, strict=True)
        )


UNKNOWN = "unknown"
"""Stands for the name of an axis where nothing is known of the position of an image."""
_NAMED = {axis.name: axis for axis in (SI, AP, RL)}
_ROWS = Axis("rows", "down", "up", (0.0, 0.0, -1.0), 1.0, 1.0)
_COLS = Axis("columns", "right", "left", (0.0, 1.0, 0.0), 1.0, 1.0)

SAGITTAL = Orientation("sagittal", SI, AP, RL)
CORONAL = Orientation("coronal", SI, RL, AP)
AXIAL = Orientation("axial", AP, RL, SI)
ORIENTATIONS = {one.name: one for one in (SAGITTAL, CORONAL, AXIAL)}
"""All orientations by name. A plane between two counts as the first of them."""


def axes_named(names: "Sequence[str]") -> tuple[Axis, Axis]:
    """Return the axes of two names along rows and columns; unknown ones are called after rows and columns.

    Examples
    --------
    >>> from gatekeeper.core.axes import axes_named
    >>> [axis.name for axis in axes_named(("SI", "unknown"))]
    ['SI', 'columns']
    """
    rows, cols = names
    return _NAMED.get(rows, _ROWS), _NAMED.get(cols, _COLS)


def orientation_of(plane: "Plane") -> Orientation:
    """Return the orientation that is nearest to a plane.

    Parameters
    ----------
    plane : Plane
        A plane of any orientation.

    Examples
    --------
    >>> from gatekeeper import Plane
    >>> from gatekeeper.core.axes import orientation_of
    >>> orientation_of(Plane(row_step=(0.0, 0.0, -1.0), col_step=(1.0, 0.0, 0.0))).name
    'coronal'
    """
    normal = cross(plane.row_step, plane.col_step)
    return max(ORIENTATIONS.values(), key=lambda one: abs(_along(normal, one.across)))


def tilt_deg(plane: "Plane") -> float:
    """Return the angle between a plane's normal and the axis across its orientation, in degrees."""
    return _angle_deg(cross(plane.row_step, plane.col_step), orientation_of(plane).across)


def turned_deg(plane: "Plane") -> float:
    """Return the largest angle between normal, rows and columns of a canonical image and their axes, in degrees."""
    of = orientation_of(plane)
    return max(tilt_deg(plane), _angle_deg(plane.row_step, of.rows), _angle_deg(plane.col_step, of.cols))


def _angle_deg(vector: "Vector", axis: Axis) -> float:
    return math.degrees(math.atan2(math.hypot(*cross(vector, axis.step)), abs(_along(vector, axis))))


def _along(vector: "Vector", axis: Axis) -> float:
    return vector[0] * axis.step[0] + vector[1] * axis.step[1] + vector[2] * axis.step[2]


def cross(a: "Vector", b: "Vector") -> "Vector":
    """Return the vector product of two vectors."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
