"""pyigtl and we understand each other, in both directions."""

import signal
import socket
import threading
from contextlib import closing, contextmanager

import numpy as np
import pyigtl
import pytest

from gatekeeper.core.frame import Frame
from gatekeeper.wire.openigtlink.contents import Status, encode_status, encode_string, encode_transform
from gatekeeper.wire.openigtlink.header import decode_header
from gatekeeper.wire.openigtlink.image import SCALAR_TYPES
from gatekeeper.wire.openigtlink.message import Message, decode_whole, encode_message
from replay.feed.openigtlink_feeder import OpenIGTLinkFeeder
from tests.support.openigtlink_messages import SAGITTAL, SPACING_MM, pixels, source
from tests.support.waiting import DEADLINE_S

FIRST_MM, DOWN, RIGHT = SAGITTAL.origin_mm, SAGITTAL.row_step, SAGITTAL.col_step
LPS = np.array([(*np.multiply(RIGHT, 3.0), 0), (*np.multiply(DOWN, 2.0), 0), (-5.0, 0, 0, 0), (*FIRST_MM, 1)]).T
"""From (i, j, k) to the patient, as pyigtl takes it: its last column is the first pixel, not the middle."""
RAS = np.diag([-1.0, -1.0, 1.0, 1.0]) @ LPS


def image(stored, axes, number, version):
    made = pyigtl.ImageMessage(stored[np.newaxis], {"lps": LPS, "ras": RAS}[axes], axes, 100.0 + number, "pyigtl")
    made.header_version = version
    made.message_id = number
    return made


@contextmanager
def client(address):
    """pyigtl's client, whose socket closes with it."""
    made = pyigtl.OpenIGTLinkClient(*address)
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def server():
    """pyigtl's server on a free port; what it does to the signals of the process is undone."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    made = pyigtl.OpenIGTLinkServer(0, local_server=True)
    try:
        yield made, made.socket.getsockname()[1]
    finally:
        made.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def assert_the_frame(got, name, number):
    np.testing.assert_array_equal(got.image, pixels(number, dtype=name))
    assert (got.spacing_mm, got.plane, got.sequence) == (SPACING_MM, SAGITTAL, number - 1)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("axes", ["lps", "ras"])
def test_the_source_reads_every_kind_of_image_that_pyigtl_sends(axes, version):
    with source() as opened, client(opened.address) as sender:
        for number, name in enumerate(SCALAR_TYPES.values(), 1):
            sender.send_message(image(pixels(number, dtype=name), axes, number, version))
            assert_the_frame(opened.next_frame(DEADLINE_S), name, number)


def test_as_a_client_the_source_reads_what_a_pyigtl_server_sends():
    with server() as (sender, port), source(role="client", port=port) as opened:
        for number in (1, 2, 3):
            sender.send_message(image(pixels(number), "ras", number, 2), wait=False)
            assert_the_frame(opened.next_frame(DEADLINE_S), np.float32, number)


def test_other_messages_of_pyigtl_are_skipped_and_counted():
    others = [
        pyigtl.TransformMessage(np.eye(4), device_name="a"),
        pyigtl.StringMessage("hello", device_name="a"),
        pyigtl.PointMessage([[1, 2, 3]], device_name="a"),
    ]
    with source() as opened, client(opened.address) as sender:
        for message in [*others, image(pixels(1), "lps", 1, 2)]:
            sender.send_message(message)
        assert_the_frame(opened.next_frame(DEADLINE_S), np.float32, 1)
        assert opened.counts.ignored == {"transform": 1, "string": 1, "other": 1}


@pytest.mark.parametrize("version", [1, 2])
def test_pyigtl_reads_what_the_feeder_sends(version):
    with server() as (receiver, port):
        feeder = OpenIGTLinkFeeder("127.0.0.1", port, version=version)
        feeder.send(Frame(pixels(), SPACING_MM, 6, 2.5, 2.5, SAGITTAL))
        got = receiver.wait_for_message("gatekeeper", DEADLINE_S)
        feeder.close()
    np.testing.assert_array_equal(got.image[0], pixels())
    assert got.world_coordinate_system == "lps"
    np.testing.assert_allclose(got.ijk_to_world_matrix, LPS, atol=1e-6)
    assert (got.timestamp, got.message_id) == (3.5, 7 if version > 1 else 0)


def test_a_pyigtl_client_reads_a_feeder_that_serves(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    listens, listen, made = threading.Event(), socket.create_server, []

    def told(address):
        listening = listen(address)
        listens.set()
        return listening

    # pyigtl leaves a socket open whenever it calls a port on which nobody listens yet.
    monkeypatch.setattr(socket, "create_server", told)
    maker = threading.Thread(target=lambda: made.append(OpenIGTLinkFeeder("127.0.0.1", port, "server")))
    maker.start()
    assert listens.wait(DEADLINE_S)
    with client(("127.0.0.1", port)) as receiver:
        maker.join()
        with closing(made[0]) as feeder:
            feeder.send(Frame(pixels(), SPACING_MM, 0, 0.0, 0.0, SAGITTAL))
            got = receiver.wait_for_message("gatekeeper", DEADLINE_S)
    np.testing.assert_array_equal(got.image[0], pixels())


def their_reading(raw):
    """What pyigtl makes of the bytes of one message."""
    fields = pyigtl.messages.MessageBase.parse_header(raw[:58])
    message = pyigtl.messages.MessageBase.create_message(fields["message_type"])
    message.unpack(fields, raw[58:])
    return message


def test_small_messages_and_metadata_are_the_same_to_pyigtl():
    matrix = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [0, 0, 0, 1.0]])
    extras = {"timestamp": 5 << 31, "version": 2, "number": 8, "metadata": {"breath": "held", "größe": "µm"}}
    transform = their_reading(encode_message(Message("TRANSFORM", "us", encode_transform(matrix), **extras)))
    np.testing.assert_array_equal(transform.matrix, matrix)
    assert (transform.metadata, transform.message_id) == (extras["metadata"], 8)
    assert transform.timestamp == pytest.approx(2.5, abs=1e-8)
    assert their_reading(encode_message(Message("STRING", "us", encode_string("µm"), **extras))).string == "µm"
    header = decode_header(encode_message(Message("STATUS", "us", encode_status(Status(1)), version=1))[:58])
    assert (header.type_name, header.body_size) == ("STATUS", 31)


def test_metadata_of_pyigtl_is_read():
    message = image(pixels(), "lps", 3, 2)
    message.metadata = {"breath": "held", "gate": "7"}
    back = decode_whole(message.pack())
    assert (back.metadata, back.number, back.device) == ({"breath": "held", "gate": "7"}, 3, "pyigtl")
