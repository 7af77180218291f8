"""What several commands take as a case: a recording by its path, or a phantom that is made on the spot."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from replay.recording import Recording

PHANTOM = "phantom"


def recording_of(case: str) -> "Recording":
    """Return the recording that is meant; a file or folder that is called phantom is one."""
    from replay.formats.open import open_recording
    from replay.phantom import PhantomConfig, make_phantom
    from replay.progress import waiting

    if case == PHANTOM and not Path(case).exists():
        with waiting("making the phantom"):
            return make_phantom(PhantomConfig(name=PHANTOM)).recording
    with waiting("reading the recording"):
        recording = open_recording(Path(case))
    for note in recording.notes:
        typer.echo(f"gatekeeper: {note}", err=True)
    return recording
