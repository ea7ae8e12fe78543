"""What one delivery of one message costs a server with 200 readers (step 15)."""

import asyncio
import subprocess
import sys
import tempfile
import time

from tornado.httpclient import HTTPRequest
from tornado.web import create_signed_value
from tornado.websocket import websocket_connect

import chat
import people

READERS, MESSAGES = 200, 100


async def read(cookie):
    headers = {"Cookie": f"username={cookie}"}
    ws = await websocket_connect(HTTPRequest("ws://127.0.0.1:5001/ws", headers=headers))
    print("ready", flush=True)
    while '"the end"' not in await ws.read_message():
        pass


async def serve():
    people.alone(5001)
    db = f"--db={tempfile.mkdtemp()}/chat.db"  # a new log each time
    options = chat.parse_options([db, "--logging=error"])
    application = chat.Application(options)
    await application.open()
    application.listen(5001, "127.0.0.1")
    secret = application.settings["cookie_secret"]
    cookie = create_signed_value(secret, "username", "reader").decode()
    command = [sys.executable, "crowd.py", cookie]
    crowd = subprocess.Popen(command, stdout=subprocess.PIPE)
    loop = asyncio.get_running_loop()
    for _ in range(READERS):
        await loop.run_in_executor(None, crowd.stdout.readline)
    begun = time.process_time()
    for _ in range(MESSAGES):
        await application.room.post("alice", "x" * 60, None)
    await application.room.post("alice", "the end", None)
    await loop.run_in_executor(None, crowd.wait)
    cost = (time.process_time() - begun) / READERS / MESSAGES
    print(f"about {cost * 1e6:.0f} us for each delivery")


async def crowd(cookie):
    await asyncio.gather(*[read(cookie) for _ in range(READERS)])


asyncio.run(crowd(sys.argv[1]) if len(sys.argv) > 1 else serve())
