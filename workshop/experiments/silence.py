"""Somebody answers no pings (step 11). A ping is due every half second here."""

import asyncio
import time

import chat
import people

people.CHAT = "127.0.0.1:5001"


async def listen(reader):
    """Read until a frame says goodbye; return how many pings and {} came."""
    data = b""
    while b"\x88" not in data:
        data += await asyncio.wait_for(reader.read(9999), 5)
    return data.count(b"\x89\x00"), data.count(b"{}")


async def main():
    chat.PING = 0.5
    options = chat.parse_options(["--db=silence.db", "--logging=error"])
    application = chat.Application(options)
    await application.open()
    application.listen(5001, "127.0.0.1")
    alice, bob = await people.join("alice"), people.Person()
    await bob.sign_in("bob")
    reader, writer = await asyncio.open_connection("127.0.0.1", 5001)
    head = {**bob.request("http://-").headers, "Host": people.CHAT}
    head |= {"Upgrade": "websocket", "Connection": "Upgrade"}
    head |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x" * 22 + "=="}
    lines = "".join(f"{name}: {head[name]}\r\n" for name in head)
    writer.write(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())
    begun = time.monotonic()
    print("bob: pings and signs of life", await listen(reader))
    print("about", round((time.monotonic() - begun) * 10), "tenths of a second")
    writer.close()
    await alice.say("still here")
    while "msg" not in (line := await alice.hear()):
        print("alice:", line)
    print("alice:", line["msg"], "and", len(application.room.readers), "reads")
    alice.ws.close()
    await asyncio.sleep(0.2)
    print(len(application.room.readers), "read")


asyncio.run(main())
