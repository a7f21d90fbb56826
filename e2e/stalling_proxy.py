"""Passes connections on to the API server; on SIGUSR1 those that it has fall silent, and stay open.

Runs alone in a pod of the cluster, from a ConfigMap: nothing but the standard library. TLS goes through it
untouched. Listens on port 6443; the API server is where a pod's environment says.
"""

import asyncio
import os
import signal

PORT = 6443
CHUNK_BYTES = 1 << 16


class Proxy:
    """`stalled` belongs to the connections that are made now; once it is set, they carry nothing more."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._stalled = asyncio.Event()
        self._open = 0

    def stall(self) -> None:
        """Silences the connections that stand; later ones are carried."""
        print(f"stalled {self._open} connections", flush=True)
        self._stalled.set()
        self._stalled = asyncio.Event()
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stalled = self._stalled
        self._open += 1
        there, there_writer = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(_carry(reader, there_writer, stalled), _carry(there, writer, stalled))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stalled: asyncio.Event) -> None:
    try:
        while data := await reader.read(CHUNK_BYTES):
            if stalled.is_set():
                # Neither carried nor closed, and nothing more is read: as behind a firewall that forgot it.
                await asyncio.Event().wait()
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    if stalled.is_set():
        await asyncio.Event().wait()
    writer.close()


async def main() -> None:
    proxy = Proxy(os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, proxy.stall)
    server = await asyncio.start_server(proxy.serve, port=PORT)
    print("serving", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
