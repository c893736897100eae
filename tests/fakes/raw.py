"""A server that sends exactly the bytes a test says, when it says: what HTTP allows and no API should do.

with raw_server([head(200), 0.1, COMPLETION, CLOSE]) as server:   # a pause in seconds, then the end of the connection
    ...                                                           # base_url=server.url
"""

import asyncio
import json
import socket
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from fakes.servers import Answer, FakeServer, _completion, _read

CLOSE: Literal["close"] = "close"
RESET: Literal["reset"] = "reset"
Step = bytes | float | Literal["close", "reset"]
COMPLETION = json.dumps(_completion("messages", {"content": "Verdict: A"}, {"model": "m", "messages": []})).encode()


def head(status: int = 200, length: int | None = None, **headers: str) -> bytes:
    """Return a response's head. Underscores in names stand for hyphens; no content type unless it is given."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    lines += [] if length is None else [f"content-length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


def whole(body: bytes = COMPLETION, **headers: str) -> bytes:
    """Return a whole response with its length."""
    return head(length=len(body), **headers) + body


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body; an empty one ends it."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class RawServer(FakeServer):
    """Plays one script per request, the last one for all that follow. A client that hangs up is none of its worry."""

    def __init__(self, *scripts: Sequence[Step]) -> None:
        super().__init__(lambda _received: Answer(), "/v1")
        self.scripts = deque(scripts)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(await _read(reader))
        script = self.scripts.popleft() if len(self.scripts) > 1 else self.scripts[0]
        for step in script:
            if step in (CLOSE, RESET):
                if step == RESET:
                    _reset(writer.get_extra_info("socket"))
                return False
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                writer.write(step)
                await writer.drain()
        return True


def _reset(connection: Any) -> None:
    """Make the close that follows an abortive one: the peer reads a reset instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def raw_server(*scripts: Sequence[Step]) -> Iterator[RawServer]:
    """Run a server that plays these scripts."""
    server = RawServer(*scripts)
    server.start()
    try:
        yield server
    finally:
        server.stop()
