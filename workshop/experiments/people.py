"""People without browsers: what the other experiments are made of."""

import asyncio
import json
import socket
import sys
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

CHAT = "127.0.0.1:5000"


class Person:
    """Somebody with a browser: cookies, forms, one WebSocket."""

    def __init__(self):
        self.cookies, self.lines = {}, []

    def request(self, url, **headers):
        cookies = "; ".join(f"{name}={self.cookies[name]}" for name in self.cookies)
        return HTTPRequest(url, headers={"Cookie": cookies, **headers})

    async def ask(self, path, **form):
        """Get a page, or send a form; return the answer."""
        request = self.request(f"http://{CHAT}{path}")
        request.follow_redirects = False
        if form or path == "/logout":
            request.method = "POST"
            request.body = urlencode({"_xsrf": self.cookies["_xsrf"], **form})
        try:
            answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        except ConnectionRefusedError:
            sys.exit(f"There is no chat at {CHAT}. Start it in another terminal.")
        for cookie in answer.headers.get_list("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    async def sign_in(self, name):
        """Sign in; return the status: 303 is yes, 400 is no."""
        await self.ask("/")
        return (await self.ask("/login", name=name)).code

    async def connect(self, query="", **headers):
        request = self.request(f"ws://{CHAT}/ws{query}", **headers)
        self.ws, self.lines = await websocket_connect(request), []

    async def say(self, msg, key=None):
        await self.ws.write_message(json.dumps({"msg": msg, "key": key}))

    async def hear(self):
        """Return the next line, or the code with which the other side has closed."""
        while not self.lines:
            frame = await asyncio.wait_for(self.ws.read_message(), 5)
            if frame is None:
                return self.ws.close_code
            self.lines = [json.loads(line) for line in frame.split("\n")]
        return self.lines.pop(0)


async def join(name, query=""):
    """Return a new person, signed in and connected."""
    person = Person()
    if await person.sign_in(name) != 303:
        sys.exit(f"{name} cannot sign in: somebody has the name. Start the chat anew.")
    await person.connect(query)
    return person


def alone(port):
    """Return the address of a port; end with a sentence if another chat has it."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            sys.exit(
                f"Stop your chat first: port {port} is taken, and this needs it."
                " Press Ctrl-C in the chat's terminal, and say this again."
            )
    return f"127.0.0.1:{port}"
