"""Who can open a socket without having signed in (step 2)?"""

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from people import CHAT, run


async def main():
    forged = {"Cookie": "chat_user=2|1:0|10:1764000000|9:chat_user|8:YWxpY2U=|0123"}
    for who, headers in (("without a", {}), ("with a forged", forged)):
        try:
            await websocket_connect(HTTPRequest(f"ws://{CHAT}/ws", headers=headers))
            print(f"a socket {who} cookie is let in")
        except HTTPClientError as error:
            print(f"a socket {who} cookie gets {error.code}")


run(main)
