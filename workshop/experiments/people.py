"""People without browsers, for the other experiments. Start the chat first."""

import asyncio
import json
import os
import sys
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

CHAT = f"127.0.0.1:{os.environ.get('PORT') or 5000}"


async def ask(path, cookies, body=None, **headers):
    """Send one request; return the answer, whose cookies are kept."""
    pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
    request = HTTPRequest(
        f"http://{CHAT}{path}",
        method="POST" if body else "GET",
        body=body,
        headers={"Cookie": pairs, **headers},
        follow_redirects=False,
    )
    answer = await AsyncHTTPClient().fetch(request, raise_error=False)
    for cookie in answer.headers.get_list("Set-Cookie"):
        name, _, value = cookie.partition(";")[0].partition("=")
        cookies[name] = value
    return answer


class Person:
    """Somebody who is signed in and has one WebSocket open: made by join()."""

    async def connect(self, query=""):
        cookies = "; ".join(f"{name}={self.cookies[name]}" for name in self.cookies)
        request = HTTPRequest(f"ws://{CHAT}/ws{query}", headers={"Cookie": cookies})
        self.ws, self.lines = await websocket_connect(request), []

    async def say(self, msg, key=None):
        message = {"msg": msg, "key": key} if key else {"msg": msg}
        await self.ws.write_message(json.dumps(message))

    async def hear(self):
        """Return the next line, or the code with which the other side has closed."""
        while not self.lines:
            frame = await self.ws.read_message()
            if frame is None:
                return self.ws.close_code or sys.exit("The chat is gone.")
            self.lines = [json.loads(line) for line in frame.split("\n")]
        return self.lines.pop(0)


async def join(name, query=""):
    """Sign in, connect, and return the person."""
    person = Person()
    person.cookies = {}
    await ask("/", person.cookies)
    form = urlencode({"_xsrf": person.cookies["chat_xsrf"], "name": name})
    answer = await ask("/login", person.cookies, form)
    if answer.code != 303:
        sys.exit(f"{name} cannot sign in. Is somebody else here called so?")
    await person.connect(query)
    return person


def run(main):
    """Run an experiment; it takes 30 seconds at most."""
    try:
        asyncio.run(asyncio.wait_for(main(), 30))
    except ConnectionRefusedError:
        sys.exit(f"There is no chat at {CHAT}. Start it in another terminal.")
