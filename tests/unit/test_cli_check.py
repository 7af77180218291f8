"""`gatekeeper check`: every setting in words, every endpoint tried, and what is wrong said where it is wrong."""

import json
import socket
from types import SimpleNamespace

import pytest

from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper

SESSION = """
[source]
kind = "mrd"
port = {port}
frames_per_s = 5

[target]
kind = "trackrad"
case = "P_001"

[preview]
seconds = 10

[recording]
folder = "kept/here"
"""


@pytest.fixture
def folder(tmp_path):
    write_case(breathing_case(), tmp_path / "P_001")
    return tmp_path


def checked(folder, capsys, more="", port=0, **changes):
    text = SESSION.format(port=port)
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    (folder / "session.toml").write_text(text + more, encoding="utf-8")
    code = gatekeeper("check", folder / "session.toml", "--json")
    out, err = capsys.readouterr()
    return code, (json.loads(out.splitlines()[-1]) if out else None), err


def findings(told):
    return {part: row["found"] for part, row in told["parts"].items() if not row["good"]}


def test_a_good_session_has_no_finding_and_is_explained_with_its_numbers(folder, capsys):
    code, told, err = checked(folder, capsys)
    assert (code, told["findings"], findings(told)) == (0, 0, {})
    for words in (
        "MRD streaming: listens on 127.0.0.1:any free port, to 127.0.0.1, ::1 only",
        "5 frames per second: held when none has come for 240 ms",
        "first label of the case",
        "grown by 5 mm",
        "more than 5 % of the target is outside; on again at 4 % or less",
        "older than 500 ms",
        "10 s of frames are learned from",
        "decisions are only recorded",
        "can be tracked",
        "MB free",
    ):
        assert words in " ".join(err.split()), words
    assert err.rstrip().endswith(f"no findings in {folder / 'session.toml'}")


def test_it_leaves_nothing_behind(folder, capsys):
    before = sorted(path.name for path in folder.iterdir())
    assert checked(folder, capsys)[0] == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted([*before, "session.toml"])


def test_the_table_is_aligned(folder, capsys):
    _, _, err = checked(folder, capsys)
    rows = err.rstrip().splitlines()[:-2]
    assert all(len(row) <= 118 for row in rows)
    assert all((row[20] == " " and row[21] != " ") or row.startswith(" " * 21) for row in rows)


def test_a_port_that_is_taken_is_a_finding(folder, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, told, _ = checked(folder, capsys, port=taken.getsockname()[1])
    assert (code, list(findings(told))) == (1, ["source"])


def test_a_sender_that_does_not_answer_is_a_finding(folder, capsys):
    change = ('kind = "mrd"', 'kind = "openigtlink"\nrole = "client"')
    code, told, _ = checked(folder, capsys, port=1, source=change)
    assert code == 1
    assert "no answer" in findings(told)["source"]


def test_a_case_that_is_not_there_is_a_finding(folder, capsys):
    code, told, _ = checked(folder, capsys, target=("P_001", "P_002"))
    assert (code, list(findings(told))) == (1, ["target"])
    assert "no such folder" in findings(told)["target"]


def test_a_linac_that_does_not_answer_and_a_key_that_is_missing_are_findings(folder, capsys):
    linac = '\n[linac]\nport = 1\nkey_file = "lease.key"\n'
    code, told, _ = checked(folder, capsys, linac)
    assert (code, list(findings(told))) == (1, ["linac"])
    assert "lease.key" in findings(told)["linac"]
    (folder / "lease.key").write_bytes(bytes(range(32)))
    (folder / "lease.key").chmod(0o600)
    code, told, _ = checked(folder, capsys, linac)
    assert (code, list(findings(told))) == (1, ["linac"])
    assert "127.0.0.1:1" in findings(told)["linac"]


def test_permission_that_ends_before_the_next_frame_is_a_finding(folder, capsys):
    linac = '\n[linac]\nport = 1\nkey_file = "lease.key"\n[linac.lease]\nfresh_ms = 150\n'
    code, told, _ = checked(folder, capsys, linac)
    assert code == 1
    assert "fresh_ms = 150 ends before the next frame comes (200 ms)" in findings(told)["linac"]


def test_frames_that_are_too_old_before_the_next_one_comes_are_a_finding(folder, capsys):
    code, told, _ = checked(folder, capsys, rate=("frames_per_s = 5", "frames_per_s = 1"))
    assert (code, list(findings(told))) == (1, ["source"])


def test_a_folder_that_is_a_file_is_a_finding(folder, capsys):
    (folder / "kept").write_text("")
    code, told, _ = checked(folder, capsys)
    assert code == 1
    assert set(findings(told)) == {"recording", "control"}


def test_too_little_room_is_a_finding(folder, capsys, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    code, told, _ = checked(folder, capsys)
    assert (code, list(findings(told))) == (1, ["recording"])
    assert "make room" in findings(told)["recording"]


def test_what_the_machine_refuses_is_a_finding(folder, capsys):
    code, told, _ = checked(folder, capsys, "\n[loop]\npin_cpu = 4095\n")
    assert (code, list(findings(told))) == (1, ["machine"])


@pytest.mark.parametrize("text", ["", "nonsense", '[source]\nkind = "fax"\n'])
def test_a_file_that_is_no_session_is_exit_code_2(tmp_path, capsys, text):
    (tmp_path / "session.toml").write_text(text, encoding="utf-8")
    assert gatekeeper("check", tmp_path / "session.toml") == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


DRAWN = {"kind": ('kind = "trackrad"\ncase = "P_001"', 'kind = "drawn"')}


def test_a_target_that_will_be_drawn_is_said_to_be_drawn_on_the_page(folder, capsys):
    code, told, _ = checked(folder, capsys, **DRAWN)
    assert (code, findings(told)) == (0, {})
    said = " ".join(told["parts"]["target"]["says"])
    assert "drawn by an operator on a frame that the operator takes, on the console's page, before the session" in said
    assert "needs --console --control" in said
    assert told["parts"]["target"]["found"] == "nothing to read"


def test_the_image_on_which_it_will_be_drawn_is_read(folder, capsys):
    image = folder / "P_001" / "targets" / "P_001_first_label.mha"
    named = {"kind": (DRAWN["kind"][0], f'kind = "drawn"\nreference = "{image}"')}
    _, told, _ = checked(folder, capsys, **named)
    assert f"drawn by an operator on {image}" in told["parts"]["target"]["says"][0]
    assert told["parts"]["target"]["found"] == f"{image} can be read"
    image.unlink()
    code, told, _ = checked(folder, capsys, **named)
    assert (code, list(findings(told))) == (1, ["target"])


def test_further_structures_may_be_drawn_or_adjusted_beside_a_known_target(folder, capsys):
    known = 'kind = "trackrad"\ncase = "P_001"'
    label = folder / "P_001" / "targets" / "P_001_first_label.mha"
    node = '[[target]]\nname = "node"\nkind = "drawn"\n'
    bowel = f'[[oar]]\nname = "bowel"\nkind = "mask"\nfile = "{label}"\nadjust = true\n'
    several = {"target": ("[target]", "[[target]]"), "kind": (known, f"{known}\n{node}{bowel}")}
    code, told, _ = checked(folder, capsys, **several)
    assert (code, findings(told)) == (0, {})
    said = json.dumps(told["parts"])
    assert "node: drawn by an operator on the console's page, before the session begins" in said
    assert "adjusted by an operator on the console's page, before the session begins" in said


def test_a_target_that_will_be_adjusted_is_tried_and_said_to_be_adjusted(folder, capsys):
    adjusted = {"kind": ('case = "P_001"', 'case = "P_001"\nadjust = true')}
    _, told, _ = checked(folder, capsys, **adjusted)
    said = " ".join(told["parts"]["target"]["says"])
    assert "on the first frame of that case adjusted by an operator, on the console's page" in said
    assert "can be tracked" in told["parts"]["target"]["found"]


@pytest.mark.parametrize("options", [(), ("--console",)])
@pytest.mark.parametrize(
    ("new", "says"),
    [('kind = "drawn"', "kind = drawn"), ('kind = "trackrad"\ncase = "P_001"\nadjust = true', "adjust = true")],
)
def test_a_session_that_begins_with_drawing_needs_the_page_and_control(folder, capsys, options, new, says):
    (folder / "session.toml").write_text(SESSION.format(port=0).replace(DRAWN["kind"][0], new), encoding="utf-8")
    assert gatekeeper("run", folder / "session.toml", "--out", folder / "s", *options) == 2
    err = capsys.readouterr().err
    assert f"target.{says}: an operator draws on the console's page; give --console --control, too" in err
    assert err.count("\n") == 1
    assert not (folder / "s").exists()


def test_settings_beyond_their_safe_ranges_are_a_finding(folder, capsys):
    more = "\n[envelope]\nmargin_mm = 50.0\n[gate]\noutside_percent = 100.0\nmin_confidence = 1e-6\nmax_age_s = 10.0\n"
    code, told, err = checked(folder, capsys, more)
    assert code == 1
    assert findings(told) == {"safety": told["parts"]["safety"]["found"]}
    assert len([told["parts"]["safety"]["found"], *told["parts"]["safety"]["says"]]) == 4
    assert "envelope.margin_mm = 50 mm, safe is at most 8 mm" in " ".join(err.split())
