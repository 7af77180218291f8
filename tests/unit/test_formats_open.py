"""What is at a path is found out by what it holds, whatever it is called."""

import pytest

from gatekeeper.core.errors import RecordingError
from replay.formats import session, trackrad
from replay.formats.open import format_of, formats, open_recording
from replay.formats.trackrad import write_case
from tests.support.recordings import recording
from tests.support.sessions import recorded


def refusal(path):
    with pytest.raises(RecordingError) as caught:
        open_recording(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_a_case_and_a_session_are_told_apart(tmp_path):
    case, folder = write_case(recording(), tmp_path / "decisions.jsonl"), recorded(tmp_path / "images.mha")
    assert format_of(case) is trackrad.FORMAT
    assert format_of(folder) is session.FORMAT
    assert open_recording(case).name == "decisions.jsonl"
    assert len(open_recording(folder).frames) == 24


def test_nothing_that_is_read_is_refused_with_what_is(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "noise").write_bytes(b"\x00\x01\xff\n" * 2000)
    (tmp_path / "folder").mkdir()
    assert "no such file or folder" in refusal(tmp_path / "nowhere")
    for name, says in (("empty", "is empty"), ("noise", "begins with b'"), ("folder", "holds no recording")):
        message = refusal(tmp_path / name)
        assert says in message
        assert all(one.name in message for one in formats())
