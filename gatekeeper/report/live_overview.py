"""The picture at the end of a live session, drawn from what it has recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.contour import center_mm
from gatekeeper.core.decision import Decision
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.recording.frames_reader import FramesReader
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.report.overview import overview_png
from gatekeeper.report.session_data import OverviewData
from gatekeeper.report.structure_data import structures_in
from gatekeeper.session.arming import Armed
from gatekeeper.session.history import History


class KeptFrames:
    """The frames of a session as a stack of images, each read when it is asked for."""

    def __init__(self, reader: FramesReader) -> None:
        self._reader = reader

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W)."""
        return (len(self._reader), *self._reader.kind[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self._reader.kind[1]

    def __len__(self) -> int:
        return len(self._reader)

    def __iter__(self) -> Iterator[Any]:
        return (self._reader.image(row) for row in range(len(self)))

    def __getitem__(self, key: Any, /) -> Any:
        return self._reader.image(key)


def draw(
    folder: Path,
    setup: SessionSetup,
    armed: Armed,
    history: History,
    counts: SessionCounts,
) -> None:
    """Draw `overview.png` into the folder of a session before it is sealed; without a frame there is nothing to draw.

    Parameters
    ----------
    folder : Path
        The folder.
    setup : SessionSetup
        The session's setup.
    armed : Armed
        Its envelope and settings.
    history : History
        Its decisions, in a long session some of them.
    counts : SessionCounts
        The numbers of the whole session.

    Raises
    ------
    OutputError, RecordingError
        When the frames cannot be read again or the picture not be written.
    """
    reader = FramesReader(folder / "frames.h5")
    try:
        if not len(reader):
            return
        seen = OverviewData(
            name=setup.name,
            images=KeptFrames(reader),
            spacing_mm=setup.spacing_mm,
            decisions=_placed(history.decisions, reader.index["sequence"]),
            tracks=history.tracks,
            counts=counts,
            envelope_px=armed.envelope.contour_px,
            reference_mm=center_mm(armed.target_px, setup.spacing_mm),
            limits=armed.limits,
            orientation=orientation_of(setup.plane),
            structures=structures_in(
                setup,
                armed.config,
                armed.gate.zones,
                [one.structures for one in history.decisions],
                history.tracks,
                history.others,
            ),
        )
        write_atomically(folder / "overview.png", overview_png(seen))
    finally:
        reader.close()


def _placed(decisions: Sequence[Decision], numbers: NDArray[np.int64]) -> list[Decision]:
    """Return decisions that say where their frame is kept instead of its number; -1 for one that was not."""
    places = {int(number): row for row, number in enumerate(numbers)}
    return [replace(decision, sequence=places.get(decision.sequence, -1)) for decision in decisions]
