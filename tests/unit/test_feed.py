"""Feeding: addresses are understood or refused in one line, laps go on where the last one ended."""

import json
import signal
from contextlib import closing
from itertools import pairwise
from types import SimpleNamespace

import pytest

from gatekeeper.cli.feed import HALF_A_DAY_S
from gatekeeper.config import MrdSourceConfig, OpenIGTLinkSourceConfig
from gatekeeper.config.source import DicomSourceConfig
from gatekeeper.core.clock import PacedClock, VirtualClock, monotonic_ns, utc_s
from gatekeeper.core.errors import InputError, LinkError
from gatekeeper.sources.open import open_source
from replay.feed.address import Address, open_feeder, parse
from replay.feed.laps import feed
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.image_files import small, write_itk

FRAMES = 24


class Kept:
    """A feeder that keeps what it is given, and fails after some frames if told so."""

    def __init__(self, last=None):
        self.frames, self.last, self.closed = [], last, False

    def send(self, frame):
        if len(self.frames) == self.last:
            raise LinkError("mrd://there:1: the server accepts no more data (Broken pipe); see the messages")
        self.frames.append(frame)

    def close(self):
        self.closed = True


def fed(seconds=None, *, again=False, clock=None, progress=lambda done, total: None, feeder=None):
    feeder = Kept() if feeder is None else feeder
    feed(breathing_case(frames=FRAMES), feeder, clock or VirtualClock(), progress, seconds, again=again)
    return feeder.frames


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mrd://localhost", Address("mrd", "localhost", 9002)),
        ("mrd://127.0.0.1:9003/", Address("mrd", "127.0.0.1", 9003)),
        ("igtl://host", Address("igtl", "host", 18944)),
        ("igtl://Cine@host:1?listen", Address("igtl", "host", 1, "cine", True)._replace(user="Cine")),
        ("igtl://host?version=1", Address("igtl", "host", 18944, version=1)),
        ("igtl://host?version=1&listen", Address("igtl", "host", 18944, listens=True, version=1)),
        ("dicom://GATE@host", Address("dicom", "host", 11112, "GATE")),
        ("MRD://[::1]:9002", Address("mrd", "::1", 9002)),
    ],
)
def test_an_address_is_understood_and_written_again(text, address):
    assert parse(text) == address
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("localhost:9002", "its protocol is 'localhost'"),
        ("http://localhost", "its protocol is 'http'"),
        ("", "its protocol is ''"),
        ("mrd://", "names no host"),
        ("mrd://host:0", "must be PROTOCOL://HOST:PORT"),
        ("mrd://host:99999", "out of range"),
        ("mrd://host:port", "could not be cast"),
        ("mrd://host/path", "must be PROTOCOL://HOST:PORT"),
        ("mrd://me@host", "at most 0 characters"),
        ("mrd://host?listen", "igtl alone may have ?listen"),
        ("igtl://host?speak", "igtl alone may have ?listen"),
        ("igtl://host?version=3", "igtl alone may have ?listen"),
        ("mrd://host?version=1", "igtl alone may have ?listen"),
        ("dicom://SEVENTEENLETTERSX@host", "at most 16 characters"),
        ("dicom://a:b@host", "must be PROTOCOL://HOST:PORT"),
        ("mrd://[::1", "Invalid IPv6"),
    ],
)
def test_a_bad_address_is_one_line_that_shows_a_good_one(text, why):
    with pytest.raises(InputError) as refused:
        parse(text)
    assert why in str(refused.value)
    assert "for example mrd://127.0.0.1:9002" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_frame_is_fed_once_when_it_is_due():
    clock = VirtualClock()
    frames = fed(clock=clock)
    assert [frame.sequence for frame in frames] == list(range(FRAMES))
    assert [frame.acquired_s for frame in frames] == pytest.approx(list(breathing_case(frames=FRAMES).times_s))


def test_laps_go_on_where_the_last_one_ended():
    period_s = float(breathing_case(frames=FRAMES).times_s[1])
    frames = fed(2.5 * FRAMES * period_s, again=True)
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    assert len(frames) == pytest.approx(2.5 * FRAMES, abs=1)
    steps = [b.acquired_s - a.acquired_s for a, b in pairwise(frames)]
    assert steps == pytest.approx([period_s] * len(steps))


def test_every_frame_is_new_with_noise(tmp_path, capsys, fed_into):
    feeder = fed_into(Kept(last=10))
    case = write_case(breathing_case(frames=4), tmp_path / "P_001")
    options = ("--loop", "--noise", "0.1", "--speed", "100")
    assert gatekeeper("feed", case, "--to", "mrd://there:1", *options) == 2
    assert len({frame.image.tobytes() for frame in feeder.frames}) == 10
    capsys.readouterr()


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("laps", [0.0, 0.3, 1.0, 1.7, 2.0])
def test_how_much_there_will_be_is_told_right(laps, again):
    told = []
    period_s = float(breathing_case(frames=FRAMES).times_s[1])
    frames = fed(laps * FRAMES * period_s, again=again, progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == len(frames)
    assert told[-1][1] == pytest.approx(len(frames), abs=1)
    assert len(frames) <= FRAMES or again


def test_endless_feed_has_no_total():
    told, feeder = [], Kept(last=3 * FRAMES)
    with pytest.raises(LinkError):
        fed(again=True, progress=lambda *numbers: told.append(numbers), feeder=feeder)
    assert told[-1] == (3 * FRAMES, None)


SOURCES = {
    "mrd": MrdSourceConfig(kind="mrd", port=0),
    "igtl": OpenIGTLinkSourceConfig(kind="openigtlink", port=0),
    "dicom": DicomSourceConfig(kind="dicom", port=0),
}


@pytest.mark.parametrize("protocol", list(SOURCES))
def test_every_source_takes_what_is_fed_to_it(protocol):
    clock = PacedClock()
    with closing(open_source(SOURCES[protocol], clock)) as source:
        host, port = source.address
        case = breathing_case(frames=6)
        with closing(open_feeder(parse(f"{protocol}://{host}:{port}"))) as feeder:
            feed(case, feeder, PacedClock(20.0), lambda done, total: None)
            frames = [source.next_frame(5.0) for _ in range(6)]
        assert all(frame is not None for frame in frames)
        assert [(frame.image == case.frames[k]).all() for k, frame in enumerate(frames)] == [True] * 6
        assert [frame.sequence - frames[0].sequence for frame in frames] == list(range(6))


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # pynetdicom leaves a socket that was refused
@pytest.mark.parametrize("protocol", list(SOURCES))
def test_missing_receiver_is_one_line_and_exit_code_2(protocol, tmp_path, capsys):
    case = write_case(breathing_case(frames=4), tmp_path / "P_001")
    assert gatekeeper("feed", case, "--to", f"{protocol}://127.0.0.1:1") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("gatekeeper: ")
    assert "127.0.0.1:1" in said[0]


def test_a_bad_case_and_a_bad_address_are_exit_code_2(tmp_path, capsys):
    assert gatekeeper("feed", tmp_path / "none", "--to", "mrd://127.0.0.1:1") == 2
    assert "no such file or folder" in capsys.readouterr().err
    assert gatekeeper("feed", "phantom", "--to", "file:///etc") == 2
    assert "its protocol is 'file'" in capsys.readouterr().err


@pytest.fixture
def fed_into(monkeypatch):
    """Put a feeder in the place of those that connect."""

    def put(feeder):
        monkeypatch.setattr("replay.feed.address.open_feeder", lambda address: feeder)
        return feeder

    return put


def test_what_was_fed_is_told(tmp_path, capsys, fed_into):
    feeder = fed_into(Kept())
    case = write_case(breathing_case(frames=4), tmp_path / "P_001")
    assert gatekeeper("feed", case, "--to", "mrd://there:1", "--speed", "50", "--json") == 0
    out, err = capsys.readouterr()
    told = json.loads(out.splitlines()[-1])
    assert (told["case"], told["to"], told["frames"]) == ("P_001", "mrd://there:1", 4)
    assert "feeding P_001 to mrd://there:1" in err
    assert feeder.closed


def test_frames_are_stamped_earlier_by_the_imaging_latency(tmp_path, fed_into):
    ages_s = []

    def send(frame):
        ages_s.append((utc_s() - frame.acquired_s) % HALF_A_DAY_S)

    fed_into(SimpleNamespace(send=send, close=lambda: None))
    case = write_case(breathing_case(frames=4), tmp_path / "P_001")
    began_ns = monotonic_ns()
    assert gatekeeper("feed", case, "--to", "mrd://there:1", "--speed", "50", "--imaging-latency-ms", "9000") == 0
    took_s = (monotonic_ns() - began_ns) * 1e-9
    assert len(ages_s) == 4
    assert all(8.99 <= age_s <= 9.01 + took_s for age_s in ages_s)


def test_what_the_user_tells_is_fed(tmp_path, capsys, fed_into):
    feeder = fed_into(Kept())
    path = write_itk(tmp_path / "a.mha", small(), beside=False, told=False)
    told = ("--rate-hz", "40", "--spacing-mm", "2,3", "--plane", "SP", "--time-axis", "last")
    assert gatekeeper("feed", path, "--to", "mrd://there:1", *told) == 0
    assert "spacing_mm is 2 x 3 as you tell" in capsys.readouterr().err
    assert {frame.spacing_mm for frame in feeder.frames} == {(2.0, 3.0)}
    steps = [after.acquired_s - before.acquired_s for before, after in pairwise(feeder.frames)]
    assert steps == pytest.approx([1 / 40] * len(steps))
    assert gatekeeper("feed", "phantom", "--to", "mrd://there:1", *told) == 2
    assert "leave out options for recordings" in capsys.readouterr().err


def test_a_peer_that_goes_in_the_middle_is_told_with_what_was_fed(tmp_path, capsys, fed_into):
    feeder = fed_into(Kept(last=3))
    case = write_case(breathing_case(frames=5), tmp_path / "P_001")
    assert gatekeeper("feed", case, "--to", "mrd://there:1", "--speed", "50") == 2
    out, err = capsys.readouterr()
    assert "3 frames in" in out
    assert err.splitlines()[-1].startswith("gatekeeper: mrd://there:1: the server accepts no more data")
    assert err.rstrip().endswith("(after 3 frames)")
    assert feeder.closed


@pytest.mark.parametrize(("options", "code"), [([], 130), (["--loop"], 0)])
def test_ctrl_c_ends_it_and_is_how_a_loop_ends(tmp_path, capsys, fed_into, options, code):
    def send(frame):
        raise KeyboardInterrupt

    feeder = fed_into(SimpleNamespace(send=send, close=lambda: None))
    case = write_case(breathing_case(frames=4), tmp_path / "P_001")
    assert gatekeeper("feed", case, "--to", "mrd://there:1", *options) == code
    assert "0 frames in" in capsys.readouterr().out
    assert feeder


@pytest.mark.parametrize("options", [[], ["--loop"]])
def test_sigterm_ends_it_with_its_summary(tmp_path, capsys, fed_into, options):
    def send(frame):
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    fed_into(SimpleNamespace(send=send, close=lambda: None))
    case = write_case(breathing_case(frames=4), tmp_path / "P_001")
    assert gatekeeper("feed", case, "--to", "mrd://there:1", *options) == 128 + signal.SIGTERM
    assert "0 frames in" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) is before
