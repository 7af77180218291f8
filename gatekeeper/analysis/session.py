"""Read a session into pandas and xarray."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gatekeeper.analysis.extra import needed
from gatekeeper.analysis.figures import session_tables
from gatekeeper.analysis.journal import read_columns
from gatekeeper.core.errors import RecordingError
from gatekeeper.recording.folder_files import JOURNAL
from gatekeeper.recording.frames_reader import FramesReader

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def read_decisions(folder: str | Path) -> "pd.DataFrame":
    """Return the decisions of a session, with the columns of a cohort's `decisions` but `session`.

    Parameters
    ----------
    folder : str or Path
        Folder of the session.

    Returns
    -------
    DataFrame
        One row for each decision, up to the first line that was changed.

    Raises
    ------
    RecordingError
        When the journal cannot be read or has no decision.
    PluginError
        When the extra `analysis` is not installed.

    Examples
    --------
    >>> from gatekeeper.analysis import read_decisions
    >>> read_decisions("sessions/demo")["beam_on_s"].sum()  # doctest: +SKIP
    """
    path = Path(folder) / JOURNAL
    try:
        journal = read_columns(path.read_bytes())
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be read ({error.strerror or error}); name the folder of a session"
        ) from None
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from None
    if not journal.decisions.num_rows:
        raise RecordingError(f"{path}: has no decision")
    needed("pandas")
    return cast("pd.DataFrame", session_tables(journal).decisions.to_pandas())


def read_frames(folder: str | Path, first: int = 0, last: int | None = None) -> "xr.DataArray":
    """Return frames of a session, on the time of their acquisition and positions in mm.

    Parameters
    ----------
    folder : str or Path
        Folder of the session.
    first : int
        First frame.
    last : int, optional
        Frame after the last one; by default to the end.

    Returns
    -------
    DataArray, float32, dims (acquired_s, row_mm, col_mm)
        Positions are those of pixel centres from the centre of pixel (0, 0).

    Raises
    ------
    RecordingError
        When frames cannot be read, there are none, or they have several sizes.
    PluginError
        When the extra `analysis` is not installed.

    Examples
    --------
    >>> from gatekeeper.analysis import read_frames
    >>> read_frames("sessions/demo", last=10).mean("acquired_s").plot()  # doctest: +SKIP
    """
    arrays: Any = needed("xarray")
    reader = FramesReader(Path(folder) / "frames.h5")
    try:
        places = range(len(reader))[first:last]
        frames = [reader.frame(place)[0] for place in places]
    finally:
        reader.close()
    if not frames or len({frame.image.shape for frame in frames}) > 1:
        raise RecordingError(f"{folder}: {len(frames)} frames of one size are needed and at least one; name others")
    row_mm, col_mm = frames[0].spacing_mm
    height, width = frames[0].image.shape
    found: xr.DataArray = arrays.DataArray(
        np.stack([frame.image for frame in frames]),
        coords={
            "acquired_s": ("acquired_s", [frame.acquired_s for frame in frames], {"units": "s"}),
            "row_mm": ("row_mm", row_mm * np.arange(height), {"units": "mm"}),
            "col_mm": ("col_mm", col_mm * np.arange(width), {"units": "mm"}),
        },
        name="image",
    )
    return found
