"""The picture at the end of a live session, drawn from what it has recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.contour import center_mm
from gatekeeper.core.decision import Decision
from gatekeeper.core.track import Track
from gatekeeper.recording.frames_reader import FramesReader
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.report.overview import overview_png
from gatekeeper.report.session_data import OverviewData
from gatekeeper.session.arming import Armed


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
    decisions: Sequence[Decision],
    tracks: Sequence[Track | None],
) -> None:
    """Draw `overview.png` into the folder of a session before it is sealed; without a frame there is nothing to draw.

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
            decisions=_placed(decisions, [int(number) for number in reader.index["sequence"]]),
            tracks=tracks,
            envelope_px=armed.envelope.contour_px,
            reference_mm=center_mm(armed.target_px, setup.spacing_mm),
            margin_mm=armed.config.envelope.margin_mm,
            limit_percent=armed.config.gate.outside_percent,
        )
        write_atomically(folder / "overview.png", overview_png(seen))
    finally:
        reader.close()


def _placed(decisions: Sequence[Decision], numbers: Sequence[int]) -> list[Decision]:
    """Return decisions that say where their frame is kept instead of its number; -1 for one that was not."""
    placed, row = [], 0
    for decision in decisions:
        kept = row < len(numbers) and decision.sequence == numbers[row]
        placed.append(replace(decision, sequence=row if kept else -1))
        row += kept
    return placed
