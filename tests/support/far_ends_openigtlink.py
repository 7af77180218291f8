"""Provide OpenIGTLink receivers at the far end of the linac port: one that can be made to fail, and two in C++."""

import queue
import re
import socket
import subprocess
import threading
import time
from contextlib import suppress

from gatekeeper.config import OpenIGTLinkLinacConfig
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.ascii_protocol import Answer, answer_line, read_order
from gatekeeper.wire.openigtlink.contents import Status, decode_status, decode_string, encode_status, encode_string
from gatekeeper.wire.openigtlink.header import HEADER_BYTES, decode_header
from gatekeeper.wire.openigtlink.message import Message, decode_message, encode_message
from tests.support.far_ends import Record
from tests.support.openigtlink_programs import example, program


class ReceiverFarEnd:
    """A receiver in a thread, one connection at a time.

    `mute`, `lies`, `slow_s` and `chats` make it fail, or say more than it must: it does not read on, answers with the
    other state, answers late, or sends other messages before each answer. `raw` is sent in place of an answer.
    """

    def __init__(self, _folder=None, acknowledge=True, message="status", buffer_bytes=None, **settings):
        self.record, self.messages = Record(), []
        self.mute = self.lies = self.chats = False
        self.slow_s, self.raw = 0.0, None
        self._settings = {"acknowledge": acknowledge, "message": message, **settings}
        self._buffer_bytes, self._link = buffer_bytes, None
        self._stopping = threading.Event()

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        if self._buffer_bytes:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer_bytes)
        self._listener.settimeout(0.02)
        self.config = OpenIGTLinkLinacConfig(port=self._listener.getsockname()[1], **self._settings)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def _serve(self):
        while not self._stopping.is_set():
            try:
                self._link, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # closed
                return
            with self._link:
                self._link.settimeout(10.0)
                with suppress(OSError, LinkError):
                    while not self._stopping.is_set():
                        self._take()

    def _take(self):
        while self.mute:
            if self._stopping.wait(0.005):
                return
        header = decode_header(self._read(HEADER_BYTES))
        message = decode_message(header, self._read(header.body_size))
        self.messages.append(message)
        if message.type_name == "STATUS":
            status = decode_status(message.content)
            beam_on, beat = status.code == 1, status.subcode
        else:
            beam_on, beat, _ = read_order(decode_string(message.content))
        self.record.put(beam_on, beat)
        if self._settings["acknowledge"]:
            time.sleep(self.slow_s)
            self._say(message.type_name, beam_on != self.lies, beat)

    def _say(self, type_name, beam_on, beat):
        if self.chats:
            self._link.sendall(encode_message(Message("TRANSFORM", "R", bytes(48))))
        if type_name == "STATUS":
            content = encode_status(Status(1 if beam_on else 15, beat))
        else:
            content = encode_string(answer_line(Answer(beam_on, beat)))
        self._link.sendall(encode_message(Message(type_name, "R", content)) if self.raw is None else self.raw)

    def _read(self, count):
        raw = b""
        while len(raw) < count:
            chunk = self._link.recv(count - len(raw))
            if not chunk:
                raise OSError("gone")
            raw += chunk
        return raw

    def cut(self):
        """Cut the connection, and go on listening."""
        self._link.shutdown(socket.SHUT_RDWR)

    def stop(self):
        """Be gone."""
        self._stopping.set()
        self._listener.close()
        if self._link is not None:
            with suppress(OSError):  # it is closed already, or the other side has gone
                self._link.shutdown(socket.SHUT_RDWR)
        self._thread.join(10.0)

    def __exit__(self, *error):
        if not self._stopping.is_set():
            self.stop()
        assert not self._thread.is_alive()


class CxxFarEnd:
    """The receiver of tests/interop/openigtlink/receiver.cxx as a process of its own."""

    def __init__(self, _folder=None, acknowledge=True, message="status", mute=False, **settings):
        self.record, self.lines = Record(), []
        self._command = [program("receiver"), "0", "answer" if acknowledge else "listen", *["mute"] * mute]
        self._settings = {"acknowledge": acknowledge, "message": message, **settings}

    def __enter__(self):
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        port = int(self.process.stdout.readline().split()[1])
        self.config = OpenIGTLinkLinacConfig(port=port, **self._settings)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if found := re.match(r"STATUS \S+ (\d+) (\d+)", line):
                self.record.put(found[1] == "1", int(found[2]))
            if found := re.match(r"STRING \S+ (\S+)", line):
                order = read_order(found[1])
                self.record.put(order.beam_on, order.beat)

    def stop(self):
        """Be gone without a word."""
        self.process.kill()
        self.process.wait(10.0)

    def __exit__(self, *error):
        self.stop()
        self._thread.join(10.0)
        self.process.stdout.close()


class ReceiveServerFarEnd:
    """ReceiveServer of Debian's openigtlink-examples: it listens, never answers, and hangs up after 100 messages."""

    def __init__(self, _folder=None, **settings):
        self.record = Record()
        self._program = example("Receiver/ReceiveServer")
        self._settings = settings

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.process = subprocess.Popen([self._program, str(port)], stderr=subprocess.PIPE, text=True)
        self.config = OpenIGTLinkLinacConfig(port=port, acknowledge=False, **self._settings)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def _read(self):
        codes = queue.SimpleQueue()
        for line in self.process.stderr:
            if found := re.match(r" Code\s*: (\d+)", line):
                codes.put(found[1] == "1")
            if found := re.match(r" SubCode\s*: (\d+)", line):
                self.record.put(codes.get(), int(found[1]))

    def stop(self):
        """Be gone without a word."""
        self.process.kill()
        self.process.wait(10.0)

    def __exit__(self, *error):
        self.stop()
        self._thread.join(10.0)
        self.process.stderr.close()
