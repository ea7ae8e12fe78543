"""Seventy connections come to a server that may have sixty files (step 14)."""

import asyncio
import sys
from contextlib import suppress

from people import alone, join

COMMAND = "ulimit -n 60; exec python chat.py --port=5000 --db=few.db --logging=error"


async def crowd(server):
    if not await server.stdout.readline():
        sys.exit("chat.py has not started: see its words above.")
    alice = await join("alice")
    lines = [await asyncio.open_connection("127.0.0.1", 5000) for _ in range(70)]
    refused = 0
    for reader, _ in lines:
        with suppress(asyncio.TimeoutError, ConnectionError):
            refused += await asyncio.wait_for(reader.read(), 0.05) == b""
    await alice.say("still here")
    print((await alice.hear())["msg"], refused > 30)


async def main():
    alone(5000)
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_shell(COMMAND, stdout=pipe)
    try:
        await crowd(server)
    finally:
        server.kill()
        await server.wait()


asyncio.run(main())
