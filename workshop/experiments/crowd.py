"""What one delivery costs the chat's processor with 500 readers (step 13)."""

import asyncio
import subprocess
import sys
import tempfile
import time

from tornado import httpserver, netutil
from tornado.httpclient import HTTPRequest
from tornado.web import create_signed_value
from tornado.websocket import websocket_connect

sys.path.insert(0, "")  # the folder you stand in
import chat

READERS, MESSAGES = 500, 60


async def read(url, cookie):
    headers = {"Cookie": f"chat_user={cookie}"}
    ws = await websocket_connect(HTTPRequest(url, headers=headers))
    print("ready", flush=True)
    while '"the end"' not in await ws.read_message():
        pass


async def crowd(url, cookie):
    await asyncio.gather(*[read(url, cookie) for _ in range(READERS)])


async def serve():
    room = chat.Room(tempfile.mkdtemp() + "/chat.db")
    await room.open()
    application = chat.Application(chat.option_parser().parse_args([]), room)
    [listening] = netutil.bind_sockets(0, "127.0.0.1")
    httpserver.HTTPServer(application).add_sockets([listening])
    url = f"ws://127.0.0.1:{listening.getsockname()[1]}/ws"
    cookie = create_signed_value(room.secret, "chat_user", "0 reader").decode()
    command = [sys.executable, __file__, url, cookie]
    readers = subprocess.Popen(command, stdout=subprocess.PIPE)
    loop = asyncio.get_running_loop()
    for _ in range(READERS):
        await loop.run_in_executor(None, readers.stdout.readline)
    begun = time.process_time()
    for _ in range(MESSAGES):
        await room.post("alice", "x" * 60, None)
        await asyncio.sleep(0.02)
    await room.post("alice", "the end", None)
    await loop.run_in_executor(None, readers.wait)
    cost = (time.process_time() - begun) / READERS / MESSAGES
    print(f"{cost * 1e6:.0f} microseconds for each delivery")


asyncio.run(crowd(*sys.argv[1:]) if len(sys.argv) > 1 else serve())
