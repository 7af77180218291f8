"""Provide a Modbus server at the far end of the linac port, which records every write of coil and heartbeat."""

import asyncio
import threading

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gatekeeper.config import ModbusLinacConfig
from tests.support.far_ends import Record

READ_COILS, READ_REGISTERS, WRITE_COIL, WRITE_REGISTER = 1, 3, 5, 6


class ModbusFarEnd:
    """A pymodbus server in a thread.

    A state counts with the heartbeat that vouches for it. `mute`, `lies`, `forgets`, `refuses` and `slow_s` make it
    fail: it does not answer, sets the other state, lets the heartbeat stand still, answers with an exception, or
    answers late.
    """

    def __init__(self, _folder=None, port=0, coil=3, heartbeat_register=7, unit=2, **settings):
        self.record, self.requests = Record(), []
        self.mute = self.lies = self.forgets = self.refuses = False
        self.slow_s, self.trace = 0.0, lambda _sending, raw: raw
        self._port, self._settings = port, settings
        self._addresses = {"coil": coil, "heartbeat_register": heartbeat_register, "unit": unit}
        self._coil = False
        self._ready, self._loop = threading.Event(), None

    def __enter__(self):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10.0)
        self.config = ModbusLinacConfig(port=self._port, **self._addresses, **self._settings)
        return self

    async def _serve(self):
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        bits = [SimData(0, count=16, values=False, datatype=DataType.BITS)]
        registers = [SimData(0, count=16, values=0, datatype=DataType.REGISTERS)]
        blocks = (bits, bits, registers, registers)
        device = SimDevice(self._addresses["unit"], simdata=blocks, action=self._act)
        server = ModbusTcpServer(
            device, address=("127.0.0.1", self._port), trace_packet=lambda sending, raw: self.trace(sending, raw)
        )
        await server.serve_forever(background=True)
        self._port = server.transport.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        await server.shutdown()

    async def _act(self, function, _start, address, _count, _registers, values):
        if function in (WRITE_COIL, WRITE_REGISTER) and values is None:
            return None  # the server looks at what it has written
        self.requests.append((function, address, None if values is None else values[0]))
        if self.mute:
            await self._stopping.wait()
        if self.refuses:
            return ExcCodes.DEVICE_BUSY
        await asyncio.sleep(self.slow_s)
        if function == WRITE_COIL and address == self._addresses["coil"]:
            self._coil = bool(values[0])
            values[0] = self._coil != self.lies
        if function == WRITE_REGISTER and address == self._addresses["heartbeat_register"]:
            self.record.put(self._coil, values[0])
            values[0] = 0 if self.forgets else values[0]
        return None

    def stop(self):
        """Be gone, with every connection."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10.0)
        assert not self._thread.is_alive()

    def __exit__(self, *error):
        if self._thread.is_alive():
            self.stop()
