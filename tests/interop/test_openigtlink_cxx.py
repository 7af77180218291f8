"""The C++ library of OpenIGTLink and we understand each other, in both directions."""

import dataclasses
import json
import socket
import subprocess
import threading
from contextlib import contextmanager
from itertools import takewhile

import numpy as np
import pytest

from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Frame
from gatekeeper.wire.openigtlink.contents import (
    Status,
    decode_status,
    decode_string,
    decode_transform,
    encode_status,
    encode_string,
    encode_transform,
)
from gatekeeper.wire.openigtlink.geometry import image_on
from gatekeeper.wire.openigtlink.header import HEADER_BYTES, decode_header, to_seconds, to_timestamp
from gatekeeper.wire.openigtlink.image import SCALAR_TYPES, decode_image, encode_image
from gatekeeper.wire.openigtlink.message import Message, decode_message, encode_message
from replay.feed.address import open_feeder, parse
from replay.feed.openigtlink_feeder import OpenIGTLinkFeeder
from tests.support.openigtlink_messages import SAGITTAL, SPACING_MM, source
from tests.support.openigtlink_programs import EXAMPLES, example, program
from tests.support.waiting import DEADLINE_S, until

pytestmark = pytest.mark.slow

COUNTED = np.arange(20.0).reshape(5, 4)
"""The pixels that `speaker` sends."""
SENT_IMAGES = 8 * 2 * 2


def run(command, *arguments):
    subprocess.run([command, *map(str, arguments)], capture_output=True, timeout=60, check=True)


def messages(raw):
    """All messages in some bytes, each checked."""
    found = []
    while raw:
        header = decode_header(raw[:HEADER_BYTES])
        end = HEADER_BYTES + header.body_size
        found.append(decode_message(header, raw[HEADER_BYTES:end]))
        raw = raw[end:]
    return found


@pytest.fixture(scope="module", params=[1, 2], ids=["header version 1", "header version 2"])
def said(request):
    """Header version, and what `speaker` says with it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [program("speaker"), "127.0.0.1", str(server.getsockname()[1]), str(request.param)]
        with subprocess.Popen(command) as speaker:
            server.settimeout(DEADLINE_S)
            link, _ = server.accept()
            with link, link.makefile("rb") as stream:
                raw = stream.read()
        assert speaker.returncode == 0
    return request.param, messages(raw)


def test_every_image_that_the_library_writes_is_read_as_it_was_meant(said):
    version, heard = said
    seen = set()
    for number, message in enumerate(heard[:SENT_IMAGES], 1):
        image = decode_image(message.content)
        np.testing.assert_array_equal(image.pixels[0], COUNTED)
        assert (message.version, message.number) == (version, number if version > 1 else 0)
        assert to_seconds(message.timestamp) == pytest.approx(100.5 + number, abs=1e-9)
        assert (message.type_name, message.device) == ("IMAGE", "speaker")
        assert message.metadata == ({"made by": "speaker"} if version > 1 else {})
        seen.add((image.pixels.dtype.newbyteorder("=").str[1:], image.pixels.dtype.byteorder == ">", image.coordinates))
    # Bytes have no order, so that both of theirs look the same.
    assert len(seen) == 6 * 4 + 2 * 2
    assert {kind for kind, *_ in seen} == set(SCALAR_TYPES.values())


def test_the_small_messages_of_the_library_are_read_as_they_were_meant(said):
    _, (*_, transform, status, string) = said
    expected = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [0, 0, 0, 1]]
    np.testing.assert_array_equal(decode_transform(transform.content), expected)
    assert decode_status(status.content) == Status(13, -7, "warming up", "in a minute")
    assert decode_string(string.content) == "hold your breath"


@pytest.mark.parametrize("version", [1, 2])
def test_the_source_makes_the_right_frames_of_what_the_library_sends(version):
    with source() as opened:
        run(program("speaker"), *opened.address, version)
        got = [opened.next_frame(DEADLINE_S) for _ in range(SENT_IMAGES)]
        assert opened.next_frame(0.2) is None
        assert opened.counts.ignored == {"transform": 1, "status": 1, "string": 1}
    for number, frame in enumerate(got):
        np.testing.assert_array_equal(frame.image, COUNTED)
        assert (frame.spacing_mm, frame.plane, frame.sequence) == (SPACING_MM, SAGITTAL, number)


@pytest.fixture
def hearer():
    """Returns a function that sends bytes to `hearer` and returns what it says of them."""
    with subprocess.Popen([program("hearer")], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield ("127.0.0.1", int(process.stdout.readline())), process.stdout
            assert process.wait(DEADLINE_S) == 0
        finally:
            process.kill()


def heard(hearer, *sent):
    """What the library says of some messages."""
    address, said = hearer
    with socket.create_connection(address, DEADLINE_S) as link:
        link.sendall(b"".join(sent))
    return [json.loads(line) for line in said]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", "<>")
def test_the_library_reads_our_images_as_we_meant_them(hearer, version, order):
    stored = [COUNTED.astype(order + name) for name in SCALAR_TYPES.values()]
    sent = [
        Message("IMAGE", "gatekeeper", encode_image(image_on(SAGITTAL, SPACING_MM, pixels, 5.0)), to_timestamp(7.25))
        for pixels in stored
    ]
    extras = {"version": version} | ({"number": 9, "metadata": {"key": "value"}} if version > 1 else {})
    told = heard(hearer, *[encode_message(dataclasses.replace(message, **extras)) for message in sent])
    assert [one["scalar"] for one in told] == list(SCALAR_TYPES)
    weighted = float(np.sum(np.arange(1, 21) * np.arange(20)))
    for one, pixels in zip(told, stored, strict=True):
        assert one["sound"]
        assert (one["version"], one["device"], one["time"]) == (version, "gatekeeper", 7.25)
        assert one["number"] == (9 if version > 1 else 0)
        assert one["endian"] == (1 if pixels.dtype.byteorder == ">" else 2)
        assert (one["axes"], one["components"]) == (2, 1)
        assert one["size"] == one["part"] == [4, 5, 1]
        assert one["offset"] == [0, 0, 0]
        assert one["spacing"] == [3, 2, 5]
        # Unit vectors along i, j and k, and the middle of the image.
        assert one["matrix"] == [[0, 0, -1, 10], [1, 0, 0, -15.5], [0, -1, 0, 26]]
        assert one["sum"] == weighted


@pytest.mark.parametrize("version", [1, 2])
def test_the_library_reads_our_small_messages_as_we_meant_them(hearer, version):
    matrix = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [0, 0, 0, 1.0]])
    contents = {
        "TRANSFORM": encode_transform(matrix),
        "STATUS": encode_status(Status(1, -5, "OK", "beam on")),
        "STRING": encode_string("HOLD"),
    }
    sent = [encode_message(Message(kind, "us", content, version=version)) for kind, content in contents.items()]
    transform, status, string = heard(hearer, *sent)
    assert all(one["sound"] for one in (transform, status, string))
    assert transform["matrix"] == matrix[:3].tolist()
    assert (status["code"], status["subcode"], status["name"], status["text"]) == (1, -5, "OK", "beam on")
    assert (string["encoding"], string["text"]) == (3, "HOLD")


@pytest.mark.parametrize("version", [1, 2])
def test_the_library_finds_a_damaged_message_of_ours(hearer, version):
    content = encode_image(image_on(SAGITTAL, SPACING_MM, COUNTED, 5.0))
    whole = encode_message(Message("IMAGE", "us", content, version=version))
    assert [one["sound"] for one in heard(hearer, whole, whole[:-1] + b"\1")] == [True, False]


def test_the_feeder_is_understood_by_the_library(hearer):
    address, said = hearer
    feeder = OpenIGTLinkFeeder(*address)
    feeder.send(Frame(COUNTED.astype(np.float32), SPACING_MM, 3, 2.5, 2.5, SAGITTAL))
    feeder.close()
    (one,) = [json.loads(line) for line in said]
    assert one["sound"]
    assert (one["number"], one["time"], one["scalar"]) == (4, 3.5, 10)
    assert one["matrix"] == [[0, 0, -1, 10], [1, 0, 0, -15.5], [0, -1, 0, 26]]


def test_the_examples_imager_is_read_and_found_to_be_axial():
    """It sends 100 axial images without a time stamp; each is sound, and none of them is sagittal."""
    with source(plane="sagittal") as opened:
        run(example("Imager/ImagerClient"), *opened.address, 1000, EXAMPLES / "Imager" / "img")
        until(lambda: opened.counts.unfit == {"plane": 100})
        assert opened.counts.frames == 0
        assert "is axial, and sagittal images are wanted" in opened.counts.notes["unfit"]
        assert opened.counts.broken == {}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_as_a_client_the_source_reads_the_examples_image_server():
    port = free_port()
    command = [example("Imager/ImagerServer"), str(port), "1000", str(EXAMPLES / "Imager" / "img")]
    with started(command), source(role="client", port=port, plane="sagittal") as opened:
        until(lambda: opened.counts.unfit == {"plane": 100})
        assert opened.counts.frames == 0
        assert opened.counts.broken == {}


@contextmanager
def started(command, **options):
    """A program that runs until the test is over."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **(quiet | options)) as process:
        # Whoever reads what it says waits no longer than this.
        end = threading.Timer(DEADLINE_S, process.kill)
        end.start()
        try:
            yield process
        finally:
            end.cancel()
            process.kill()


@pytest.mark.parametrize(
    ("name", "rate", "kind"), [("Status/StatusClient", (), "status"), ("Tracker/TrackerClient", ("1000",), "transform")]
)
def test_other_examples_are_skipped_and_counted(name, rate, kind):
    with source() as opened, started([example(name), *map(str, opened.address), *rate]):
        until(lambda: opened.counts.ignored.get(kind, 0) >= 1)
        assert opened.counts.frames == 0
        assert opened.counts.broken == {}


def test_the_examples_receiver_takes_what_the_feeder_sends():
    """It says what it has received once it has found the checksum right."""
    port = free_port()
    with started([example("Receiver/ReceiveServer"), str(port)], stderr=subprocess.PIPE, text=True) as receiver:
        feeder = called(port)
        feeder.send(Frame(COUNTED.astype(np.float32), SPACING_MM, 0, 0.0, 0.0, SAGITTAL))
        lines = [line for line in takewhile(lambda line: "offset" not in line, receiver.stderr) if ":" in line]
        feeder.close()
    facts = {key.strip(): value.strip() for key, value in (line.split(":", 1) for line in lines)}
    assert facts["Device Name"] == "gatekeeper"
    assert facts["Scalar Type"] == "10"
    assert facts["Dimensions"] == facts["Sub-Volume dimensions"] == "(4, 5, 1)"
    assert facts["Spacing"] == "(3, 2, 5)"


def called(port):
    """Return the feeder of an address whose server is just about to listen."""

    def feeder():
        try:
            return open_feeder(parse(f"igtl://127.0.0.1:{port}?version=1"))
        except InputError:
            return None

    return until(feeder)
