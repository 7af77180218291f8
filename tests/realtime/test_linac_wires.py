"""What is particular to Modbus, serial lines and OpenIGTLink at the linac, over real wires."""

import random
import socket
import socketserver
import threading
import time
from contextlib import closing

import pytest

from gatekeeper.config import ModbusLinacConfig, OpenIGTLinkLinacConfig
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.open import open_linac, probe_linac
from tests.realtime.linac_ports import SILENCE_S, SLACK_S, driven, far_end, lost_after_s, switched_on
from tests.support.far_ends import SerialFarEnd
from tests.support.far_ends_modbus import ModbusFarEnd
from tests.support.far_ends_openigtlink import CxxFarEnd, ReceiverFarEnd
from tests.support.steps import ON, decision
from tests.support.waiting import until


def test_modbus_heartbeat_that_another_changes_is_noticed(tmp_path):
    with far_end(ModbusFarEnd, {}, tmp_path, retry_ms=60_000) as far, driven(far) as linac:
        far.forgets = True
        until(lambda: linac.link.lost == 1)
        assert "does another client write there" in linac.link.fault


def test_modbus_order_is_coil_first_then_heartbeat_then_both_read_back(tmp_path):
    with far_end(ModbusFarEnd, {}, tmp_path, refresh_ms=1000, failure_detect_ms=4000) as far, driven(far) as linac:
        far.requests.clear()
        linac.send(decision(ON))
        until(lambda: len(far.requests) == 4)
        assert far.requests == [(5, 3, True), (6, 7, 2), (1, 3, None), (3, 7, None)]


def test_modbus_request_is_never_repeated(tmp_path):
    with far_end(ModbusFarEnd, {}, tmp_path, retry_ms=60_000) as far:
        sent = []
        far.trace = lambda sending, raw: (sent.append(raw), raw)[1] if not sending else raw
        with driven(far) as linac:
            far.mute = True
            until(lambda: linac.link.lost == 1)
            numbers = [raw[:2] for raw in sent]
            assert len(numbers) == len(set(numbers)) > 3


def test_modbus_server_that_refuses_is_no_link(tmp_path):
    with far_end(ModbusFarEnd, {}, tmp_path) as far:
        far.refuses = True
        with closing(open_linac(far.config, SILENCE_S)) as linac:
            until(lambda: linac.link.lost > 1)
            assert not linac.alive
            assert "refuses to write coil" in linac.link.fault


def test_modbus_addresses_that_the_server_does_not_have_are_told(tmp_path):
    with far_end(ModbusFarEnd, {"heartbeat_register": 7}, tmp_path) as far:
        with pytest.raises(LinkError, match="refuses to read register"):
            probe_linac(far.config.model_copy(update={"heartbeat_register": 400}))
        with pytest.raises(LinkError, match=r"unit 9 refuses|No response"):
            probe_linac(far.config.model_copy(update={"unit": 9}))


def test_receiver_that_says_more_than_it_must_is_understood(tmp_path):
    with far_end(ReceiverFarEnd, {}, tmp_path) as far:
        far.chats = True
        with driven(far) as linac:
            switched_on(linac, far)
            assert linac.link.lost == 0


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\x00\x09" + bytes(56), "version 9"),
        (b"\x00\x01STATUS" + bytes(26 + 8) + (2**30).to_bytes(8, "big") + bytes(8), "at most 4096 are read"),
        (b"\x00\x01STATUS" + bytes(26 + 8) + (40).to_bytes(8, "big") + bytes(8) + bytes(range(40)), "checksum"),
    ],
    ids=["no header", "1 GB announced", "damaged"],
)
def test_receiver_whose_answer_is_none_is_given_up(raw, said, tmp_path):
    with far_end(ReceiverFarEnd, {}, tmp_path, retry_ms=60_000) as far:
        far.raw = raw
        with closing(open_linac(far.config, SILENCE_S)) as linac:
            until(lambda: linac.link.lost == 1)
            assert said in linac.link.fault
            assert not linac.alive


def test_receiver_that_reads_no_more_is_noticed_without_answers_when_its_machine_takes_no_more(tmp_path):
    settings = {"acknowledge": False, "buffer_bytes": 1024, "refresh_ms": 5, "retry_ms": 60_000}
    with far_end(ReceiverFarEnd, settings, tmp_path) as far, driven(far) as linac:
        far.mute = True
        until(lambda: linac.link.lost == 1)
        assert "bytes were not accepted within deadline_ms = 100" in linac.link.fault
        assert not linac.alive
        sent = linac._beat - 1
        far.mute = False
        time.sleep(0.3)
        assert len(far.messages) < sent, "what still waited here has not arrived after all"


@pytest.mark.parametrize("message", ["status", "string"])
def test_cxx_receiver_that_hangs_is_noticed_in_the_stated_time(message, tmp_path):
    with (
        far_end(CxxFarEnd, {"message": message, "mute": True, "retry_ms": 60_000}, tmp_path) as far,
        driven(far) as linac,
    ):
        assert lost_after_s(linac, far, time.monotonic()) < far.config.failure_detect_s + SLACK_S
        until(lambda: linac.link.lost == 1)
        assert "no answer within deadline_ms = 100" in linac.link.fault


def test_cut_connection_is_noticed_and_set_up_again(tmp_path):
    with far_end(ReceiverFarEnd, {"acknowledge": False}, tmp_path) as far, driven(far) as linac:
        switched_on(linac, far)
        began_s = time.monotonic()
        far.cut()
        until(lambda: linac.link.lost == 1)
        assert time.monotonic() - began_s < far.config.failure_detect_s + SLACK_S
        assert "the receiver has closed the connection" in linac.link.fault
        until(lambda: linac.alive)
        assert linac.link.sessions == 2


def test_serial_port_is_not_shared(tmp_path):
    with (
        far_end(SerialFarEnd, {}, tmp_path) as far,
        driven(far),
        pytest.raises(LinkError, match="cannot be opened"),
    ):
        probe_linac(far.config)


@pytest.mark.parametrize("line", ["rts", "dtr"])
def test_control_line_that_is_not_there_is_refused(line, tmp_path):
    with far_end(SerialFarEnd, {"enable_line": line}, tmp_path) as far:
        with pytest.raises(LinkError, match=f"has no {line.upper()} line; set enable_line to 'none'"):
            probe_linac(far.config)
        with closing(open_linac(far.config, SILENCE_S)) as linac:
            until(lambda: linac.link.lost > 0)
            assert f"has no {line.upper()} line" in linac.link.fault
            assert not linac.alive


@pytest.mark.parametrize("config", [ModbusLinacConfig, OpenIGTLinkLinacConfig])
def test_far_end_that_answers_noise_never_is_a_link_and_is_tried_again(config):
    noise = random.Random(5)  # noqa: S311

    class Noisy(socketserver.BaseRequestHandler):
        def handle(self):
            while asked := self.request.recv(4096):
                # Some of it begins as an answer would.
                begin = asked[: noise.randrange(9)]
                self.request.sendall(begin + noise.randbytes(noise.randrange(300)))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Noisy) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        times = {"retry_ms": 1, "deadline_ms": 10, "refresh_ms": 5, "failure_detect_ms": 20}
        with closing(open_linac(config(port=server.server_address[1], **times), SILENCE_S)) as linac:
            until(lambda: linac.link.lost > 100, 30.0)
            assert linac.link.sessions == 0
            lost = linac.link.lost
            until(lambda: linac.link.lost > lost)
        server.shutdown()
        serving.join()


def test_port_without_a_listener_is_reported_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with ReceiverFarEnd() as far:
        config = far.config.model_copy(update={"port": port})
    with pytest.raises(LinkError, match=r"cannot connect to a receiver.*refused.*is it running"):
        probe_linac(config)
