"""Who is let in, and under which name of the server (step 8)?"""

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from people import CHAT, ask, join, run


async def main():
    alice = await join("alice")
    page = await ask("/", {})
    print("the page:", page.code, page.headers.get("Content-Security-Policy"))
    page = await ask("/", {}, Host="evil.example")
    print("the page, called evil.example:", page.code)
    for origin in (f"http://{CHAT}", "http://evil.example"):
        cookie = f"chat_user={alice.cookies['chat_user']}"
        headers = {"Cookie": cookie, "Origin": origin}
        try:
            await websocket_connect(HTTPRequest(f"ws://{CHAT}/ws", headers=headers))
            print("alice's socket, opened by a page of", origin, "is let in")
        except HTTPClientError as error:
            print("alice's socket, opened by a page of", origin, "gets", error.code)
    for name in ("alice", "bob"):
        try:
            await alice.connect(f"?name={name}")
            print(f"alice's cookie, in a page made for {name}, is let in")
        except HTTPClientError as error:
            print(f"alice's cookie, in a page made for {name}, gets", error.code)


run(main)
