"""Measure the time from a decision to its last byte at the far end, per linac port.

Usage: `python -m benchmarks.linac_ports [--orders N]`.

The far end is another process on the loopback, or at the other end of a pair of pseudo terminals. It records when each
change of state was complete, and answers as docs/reference/linac-ports.md requires. The beam changes every 20 ms. All
times are of the monotonic clock that the processes share. `rtt` is the time of a complete order with its confirmation;
`send` is the time for which the loop is blocked.
"""

import argparse
import asyncio
import json
import multiprocessing as mp
import os
import select
import socket
import sys
import threading
import time
import tty
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from rich.console import Console
from rich.table import Table

from benchmarks.wire import quantiles
from gatekeeper.config import (
    LeaseLinacConfig,
    LinacConfig,
    ModbusLinacConfig,
    OpenIGTLinkLinacConfig,
    SerialLinacConfig,
)
from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.linac.ascii_protocol import Answer, answer_line, read_order
from gatekeeper.linac.lease.interlock import Event, EventKind, InterlockServer
from gatekeeper.linac.lease.port import LeaseLinac
from gatekeeper.linac.lease.receiver import Rules
from gatekeeper.linac.open import open_linac
from gatekeeper.wire.openigtlink.contents import decode_status, encode_status
from gatekeeper.wire.openigtlink.header import HEADER_BYTES, decode_header
from gatekeeper.wire.openigtlink.message import Message, decode_message, encode_message

KEY = bytes(range(32))
PERIOD_S = 0.02
WARM = 20
FRESH_S = 1.0
WRITE_COIL = 5

Changes = list[int]
"""Times of the changes of state at the far end, in ns, alternately to ON and to HOLD."""


class ChangeLog:
    """Record the times of changes of state, which is HOLD at first."""

    def __init__(self) -> None:
        self.changes: Changes = []

    def __call__(self, beam_on: bool) -> None:
        if beam_on == (len(self.changes) % 2 == 0):
            self.changes.append(monotonic_ns())


def interlock(pipe: Connection, _end: int) -> None:
    """Run the reference interlock."""
    noted = ChangeLog()

    def tell(event: Event) -> None:
        if event.kind is EventKind.STATE:
            noted(event.state.beam is BeamState.ON)

    server = InterlockServer("127.0.0.1", 0, Rules(KEY), tell)
    pipe.send(server.address[1])
    _at_the_end(pipe, server.stop)
    server.run()
    pipe.send(noted.changes)


def modbus(pipe: Connection, _end: int) -> None:
    """Run a Modbus server."""
    noted = ChangeLog()

    async def act(
        function: int, _start: int, _address: int, _count: int, _registers: list[int], values: list[bool] | None
    ) -> None:
        if function == WRITE_COIL and values is not None:
            noted(bool(values[0]))

    async def serve() -> None:
        bits = [SimData(0, count=16, values=False, datatype=DataType.BITS)]
        registers = [SimData(0, count=16, values=0, datatype=DataType.REGISTERS)]
        device = SimDevice(1, simdata=(bits, bits, registers, registers), action=act)
        server = ModbusTcpServer(device, address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        pipe.send(server.transport.sockets[0].getsockname()[1])
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        _at_the_end(pipe, lambda: loop.call_soon_threadsafe(end.set))
        await end.wait()
        await server.shutdown()

    asyncio.run(serve())
    pipe.send(noted.changes)


def serial(pipe: Connection, end: int) -> None:
    """Run a device at the other end of a serial line."""
    noted, waiting = ChangeLog(), b""
    pipe.send(0)
    while True:
        ready, _, _ = select.select([end, pipe], [], [])
        if pipe in ready:
            pipe.recv()
            break
        *lines, waiting = (waiting + os.read(end, 4096)).split(b"\r\n")
        for line in lines:
            order = read_order(line.decode("ascii"))
            noted(order.beam_on)
            os.write(end, f"{answer_line(Answer(order.beam_on, order.beat))}\r\n".encode("ascii"))
    pipe.send(noted.changes)


def openigtlink(pipe: Connection, _end: int) -> None:
    """Run an OpenIGTLink receiver."""
    noted = ChangeLog()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(listener.getsockname()[1])
        link, _ = listener.accept()
    with link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while raw := link.recv(HEADER_BYTES, socket.MSG_WAITALL):
            header = decode_header(raw)
            status = decode_status(
                decode_message(header, link.recv(header.body_size, socket.MSG_WAITALL)).content,
            )
            noted(status.code == 1)
            link.sendall(encode_message(Message("STATUS", "R", encode_status(status))))
    pipe.recv()
    pipe.send(noted.changes)


def _at_the_end(pipe: Connection, do: Callable[[], object]) -> None:
    """Call a function when the measurement is over."""
    threading.Thread(target=lambda: (pipe.recv(), do()), daemon=True).start()


FAR_ENDS: dict[str, Callable[[Connection, int], None]] = {
    "lease": interlock,
    "modbus": modbus,
    "serial": serial,
    "openigtlink": openigtlink,
}


def measure(kind: str, orders: int) -> dict[str, dict[str, float]]:
    """Return quantiles of the time to the far end, of complete orders and of `send`, in ms."""
    context = mp.get_context("fork")  # a pseudo terminal's end is inherited
    near, far = os.openpty()
    tty.setraw(near)
    tty.setraw(far)
    here, there = context.Pipe()
    process = context.Process(target=FAR_ENDS[kind], args=(there, near), daemon=True)
    process.start()
    port = here.recv()
    configs: dict[str, LinacConfig] = {
        "modbus": ModbusLinacConfig(port=max(1, port)),
        "serial": SerialLinacConfig(device=os.ttyname(far)),
        "openigtlink": OpenIGTLinkLinacConfig(port=max(1, port)),
    }
    lease = LeaseLinacConfig(port=max(1, port), key_file="unused")
    linac = LeaseLinac(lease, KEY) if kind == "lease" else open_linac(configs[kind], FRESH_S)
    sent_ns, kept_ms, rtts_ms = [], [], []
    with closing(linac):
        while not linac.alive:
            time.sleep(0.01)
        due_s = time.monotonic()
        for number in range(orders):
            decision = Decision(number, 0.0, BeamState.HOLD if number % 2 else BeamState.ON, (), 0.0)
            began_ns = monotonic_ns()
            linac.send(decision)
            sent_ns.append(began_ns)
            kept_ms.append((monotonic_ns() - began_ns) * 1e-6)
            due_s += PERIOD_S
            time.sleep(max(0.0, due_s - time.monotonic()))
            rtts_ms.append(linac.link.rtt_ms)  # type: ignore[attr-defined]
        lost = linac.link.lost  # type: ignore[attr-defined]
    here.send("end")
    came_ns: Changes = here.recv()
    process.join(5.0)
    os.close(near)
    os.close(far)
    if lost or len(came_ns) != orders + orders % 2:
        print(f"{kind}: {orders} changes were ordered, {len(came_ns)} came, {lost} links lost", file=sys.stderr)
        return {}
    way_ms = [(came - sent) * 1e-6 for sent, came in zip(sent_ns, came_ns, strict=False)]
    return {
        "decision -> far end": quantiles(way_ms[WARM:]),
        "rtt": quantiles(rtts_ms[WARM:]),
        "send": quantiles(kept_ms[WARM:]),
    }


def main() -> int:
    """Measure, print, and return the exit code: 1 when an order was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {kind: measure(kind, options.orders) for kind in FAR_ENDS}
    if options.json:
        print(json.dumps(found))
    else:
        table = Table(title=f"{options.orders} changes of state, one every {PERIOD_S * 1e3:g} ms")
        for heading in ("port", "ms", "p50", "p99", "worst"):
            table.add_column(heading, justify="left" if heading in ("port", "ms") else "right")
        for kind, rows in found.items():
            for name, row in rows.items():
                table.add_row(kind, name, *(f"{row[k]:.3f}" for k in ("p50", "p99", "max")))
        Console().print(table)
    return int(not all(found.values()))


if __name__ == "__main__":
    sys.exit(main())
