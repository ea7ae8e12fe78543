"""A server is stopped in the middle of a conversation (step 14)."""

import asyncio
import os
import signal
import subprocess
import sys

from people import alone, join


async def stop(server):
    if not server.stdout.readline():
        sys.exit(server.stderr.read().decode())
    alice = await join("alice")
    await alice.ask("/%1b[2J" + "x" * 6000)
    server.send_signal(signal.SIGTERM)
    print("closed with", await alice.hear(), "status", server.wait(10))
    errors = server.stderr.read().decode()
    longest = max(map(len, errors.split("\n")))
    print("a traceback:", "Traceback" in errors, "longest line: about", longest)
    print("leave.db-wal is still there:", os.path.exists("leave.db-wal"))


async def main():
    alone(5000)
    command = [sys.executable, "chat.py", "--port=5000", "--db=leave.db"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        await stop(server)
    finally:
        server.kill()


asyncio.run(main())
