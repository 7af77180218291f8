"""Whatever a stranger sends to the DICOM source, the next good sender is heard, and soon."""

import gc
import socket
import struct
import threading

import numpy as np
import pytest
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE

from gatekeeper.core.clock import pause
from tests.support.dicom_objects import listening, picture, sender, single, taken
from tests.support.dicom_wire import associate_request, data_pdu, echo_command, store_pdus
from tests.support.matrices import mostly_slow
from tests.support.waiting import until


def connected(source):
    return socket.create_connection(source.address, timeout=5.0)


def is_ended(link):
    """Whether the other side ends the connection within a few seconds."""
    link.settimeout(5.0)
    try:
        while link.recv(4096):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def is_cut_off(link, message, times, between_s=0.0):
    """Whether sending ends before it is done."""
    for _ in range(times):
        try:
            link.sendall(message)
        except OSError:
            return True
        if between_s:
            pause(between_s)
    return False


def assert_good_sender_is_heard(source):
    with sender(source) as association:
        assert association.send_c_store(single(5)).Status == 0x0000
        np.testing.assert_array_equal(taken(source, 1)[0].image, picture(5))


def accepted(link):
    """Ask for an association and return whether it was accepted."""
    link.sendall(associate_request())
    return link.recv(1) == b"\x02" and len(link.recv(65536)) > 8


def test_what_the_wire_helper_sends_is_an_image():
    with listening() as source, connected(source) as link:
        assert accepted(link)
        link.sendall(b"".join(store_pdus(single(1))))
        np.testing.assert_array_equal(taken(source, 1)[0].image, picture(1))


def test_one_byte_at_a_time_is_understood():
    with listening(read_deadline_s=20.0) as source, connected(source) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert accepted(link)
        for byte in b"".join(store_pdus(single(1))):
            link.sendall(bytes([byte]))
        np.testing.assert_array_equal(taken(source, 1)[0].image, picture(1))


@pytest.mark.parametrize("kind", mostly_slow([1, 4, 7]))
@pytest.mark.parametrize("length", mostly_slow([2**32 - 1, 2**30]))
def test_announced_gigabytes_are_never_waited_for(kind, length):
    with listening(read_deadline_s=30.0) as source:
        with connected(source) as link:
            link.sendall(struct.pack(">BBL", kind, 0, length) + b"x" * 1000)
            assert is_ended(link)
        until(lambda: source.counts.broken == {"too_large": 1})
        assert_good_sender_is_heard(source)


def test_announced_gigabytes_within_an_association_end_it():
    with listening() as source:
        with connected(source) as link:
            assert accepted(link)
            link.sendall(struct.pack(">BBL", 4, 0, 2**30) + b"x" * 1000)
            assert is_ended(link)
        assert_good_sender_is_heard(source)


@pytest.mark.parametrize("cut", mostly_slow([50, 0, 3, 6]))
def test_a_slow_request_ends_at_the_deadline(cut):
    with listening(read_deadline_s=0.3, greeting_s=0.3) as source:
        with connected(source) as link:
            link.sendall(associate_request()[:cut])
            assert is_ended(link)
        assert_good_sender_is_heard(source)


def test_a_slow_message_ends_at_the_deadline_though_bytes_keep_coming():
    with listening(read_deadline_s=0.3) as source:
        with connected(source) as link:
            assert accepted(link)
            begun = store_pdus(single(1))
            link.sendall(begun[0])
            assert is_cut_off(link, data_pdu(1, 0, b"\0\0"), 200, 0.02)
        until(lambda: source.counts.broken == {"late": 1})
        assert_good_sender_is_heard(source)


def test_fragments_without_end_are_not_gathered():
    with listening(largest_message_mb=1.0) as source:
        with connected(source) as link:
            assert accepted(link)
            link.sendall(store_pdus(single(1))[0])
            assert is_cut_off(link, data_pdu(1, 0, bytes(100_000)), 100)
        until(lambda: source.counts.broken == {"too_large": 1})
        assert_good_sender_is_heard(source)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes(1000),
        b"\xff" * 1000,
        struct.pack(">BBL", 1, 0, 4) + b"abcd",
        struct.pack(">BBL", 4, 0, 6) + struct.pack(">LBB", 2, 1, 3),
        struct.pack(">BBL", 5, 0, 4) + bytes(4),
        struct.pack(">BBL", 7, 0, 4) + bytes(4),
        struct.pack(">BBL", 2, 0, 68) + bytes(68),
    ],
)
@pytest.mark.parametrize("within", mostly_slow([True, False]))
def test_garbage_ends_the_connection(garbage, within, capfd):
    with listening(read_deadline_s=0.5) as source:
        with connected(source) as link:
            if within:
                assert accepted(link)
            link.sendall(garbage)
            link.shutdown(socket.SHUT_WR)
            assert is_ended(link)
        assert_good_sender_is_heard(source)
    assert capfd.readouterr().err == ""


def test_unread_echoes_do_not_pile_up():
    from pynetdicom.dimse_messages import C_ECHO_RQ
    from pynetdicom.dimse_primitives import C_ECHO

    echo = C_ECHO()
    echo.MessageID, echo.AffectedSOPClassUID = 1, "1.2.840.10008.1.1"
    message = C_ECHO_RQ()
    message.primitive_to_message(echo)
    with listening(read_deadline_s=0.5) as source:
        with connected(source) as link:
            link.settimeout(0.2)
            assert accepted(link)
            assert is_cut_off(link, data_pdu(3, 3, echo_command()) * 50, 5_000)
        assert_good_sender_is_heard(source)


@pytest.mark.slow
def test_a_storm_of_connections_leaves_no_thread_behind():
    before = threading.active_count()
    with listening(read_deadline_s=0.5) as source:
        for k in range(20):
            with connected(source) as link:
                if k % 3:
                    link.sendall(associate_request()[: 10 * k])
        for _ in range(100):
            with sender(source) as association:
                if association.is_established:
                    break
            pause(0.05)
        assert_good_sender_is_heard(source)
        until(lambda: threading.active_count() <= before + 6)
    until(lambda: threading.active_count() == before)


def test_an_association_request_of_the_library_is_what_the_helper_sends():
    request = A_ASSOCIATE_RQ()
    request.decode(associate_request())
    assert isinstance(request.to_primitive(), A_ASSOCIATE)


def test_a_message_that_is_begun_and_not_ended_ends_at_the_deadline():
    with listening(read_deadline_s=0.3) as source:
        with connected(source) as link:
            assert accepted(link)
            link.sendall(store_pdus(single(1))[0])
            assert is_ended(link)
        until(lambda: source.counts.broken == {"late": 1})
        assert_good_sender_is_heard(source)


def test_no_more_than_a_few_messages_wait_to_be_answered(monkeypatch):
    waiting = []
    whole = DIMSEServiceProvider.receive_primitive

    def counted(provider, primitive):
        whole(provider, primitive)
        waiting.append(provider.msg_queue.qsize())

    monkeypatch.setattr(DIMSEServiceProvider, "receive_primitive", counted)
    with listening(read_deadline_s=5.0) as source:
        with connected(source) as link:
            assert accepted(link)
            link.sendall(data_pdu(3, 3, echo_command()) * 1000)
            link.shutdown(socket.SHUT_WR)
            assert is_ended(link)
        assert len(waiting) == 1000
        assert max(waiting) <= 4


@pytest.mark.slow
def test_nothing_of_an_association_remains_though_the_collector_rests():
    gc.collect()
    gc.disable()
    try:
        with listening() as source:
            for _ in range(5):
                with sender(source) as association:
                    assert association.send_c_store(single(1)).Status == 0x0000
            assert len(taken(source, 5)) == 5
        acceptors = [one for one in gc.get_objects() if issubclass(type(one), Association) and one.is_acceptor]
        assert acceptors == []
    finally:
        gc.enable()
