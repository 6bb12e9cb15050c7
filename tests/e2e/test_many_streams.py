"""The simulator holds ten thousand streams at once; the gateway's bench and every load test stand on that."""

import asyncio
import json
import resource
import urllib.parse

import pytest
from harness.secrets import PROMPT, UPSTREAM_KEY
from harness.simulator import Simulator

STREAMS = 10_000
AT_ONCE = 500  # connects in flight
RESERVE = 500

BODY = json.dumps({"model": "openai/gpt-4.1", "stream": True, "max_tokens": 50,
                   "messages": [{"role": "user", "content": PROMPT}]}).encode()  # fmt: skip
REQUEST = (
    b"POST /api/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer " + UPSTREAM_KEY.encode() + b"\r\nx-sim-fault: tps=0.01\r\n"
    b"Content-Length: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)


@pytest.fixture
def descriptors():
    """The client's half; the simulator raises its own limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < STREAMS + RESERVE:
        pytest.skip(f"{STREAMS} connections need more descriptors than the hard limit of {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (STREAMS + RESERVE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def open_stream(port: int, gate: asyncio.Semaphore):
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        first = await reader.readuntil(b"\n\n")
    return head, first, writer


async def hold_all(port: int, look) -> tuple[int, object]:
    gate = asyncio.Semaphore(AT_ONCE)
    streams = await asyncio.gather(*(open_stream(port, gate) for _ in range(STREAMS)))
    begun = sum(head.startswith(b"HTTP/1.1 200") and b"data: {" in first for head, first, _ in streams)
    seen = await asyncio.get_running_loop().run_in_executor(None, look)
    for _, _, writer in streams:
        writer.close()
    return begun, seen


def test_ten_thousand_streams_are_held_at_once(descriptors, tmp_path):
    with Simulator(tmp_path) as simulator:
        port = urllib.parse.urlsplit(simulator.url).port
        begun, journal = asyncio.run(hold_all(port, simulator.journal))
        assert begun == STREAMS
        assert sum(attempt["ended_ms"] is None for attempt in journal["attempts"]) == STREAMS
