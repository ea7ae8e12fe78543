"""Somebody answers no pings (step 11). A ping is due every half second here."""

import asyncio
import tempfile
import time

import chat
import people

people.CHAT = people.alone(5001)


async def listen(reader):
    """Read until a frame says goodbye; return how many pings and {} came."""
    data = b""
    while b"\x88" not in data:
        data += await asyncio.wait_for(reader.read(9999), 5)
    return data.count(b"\x89\x00"), data.count(b"{}")


async def hear_all(person, lines):
    """Read on, for a Tornado client answers pings only while it reads."""
    while isinstance(line := await person.hear(), dict):
        lines.append(line)


async def connect(name):
    """Open a WebSocket by hand, which answers nothing; return reader and writer."""
    person = people.Person()
    await person.sign_in(name)
    reader, writer = await asyncio.open_connection("127.0.0.1", 5001)
    head = {**person.request("http://-").headers, "Host": people.CHAT}
    head |= {"Upgrade": "websocket", "Connection": "Upgrade"}
    head |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x" * 22 + "=="}
    lines = "".join(f"{name}: {head[name]}\r\n" for name in head)
    writer.write(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())
    return reader, writer


async def main():
    chat.PING = 0.5
    db = f"--db={tempfile.mkdtemp()}/chat.db"  # a new log each time
    options = chat.parse_options([db, "--logging=error"])
    application = chat.Application(options)
    await application.open()
    application.listen(5001, "127.0.0.1")
    alice, lines = await people.join("alice"), []
    hearing = asyncio.create_task(hear_all(alice, lines))
    reader, writer = await connect("bob")
    begun = time.monotonic()
    print("bob: pings and signs of life", await listen(reader))
    print("about", round((time.monotonic() - begun) * 10), "tenths of a second")
    writer.close()
    reader, writer = await connect("carol")
    for _ in range(5):
        writer.write(b"\x81\x82\0\0\0\0hi")  # she answers no ping, but she speaks
        await asyncio.sleep(0.3)
    hers = await reader.read(9999)
    print("carol:", hers.count(b'"hi"'), "times hi, hung up:", b"\x88" in hers)
    writer.close()
    await alice.say("still here")
    await asyncio.sleep(0.2)
    print("alice:", lines.count({}) > 3, lines[-1]["msg"])
    print(len(application.room.readers), "reads")
    alice.ws.close()
    await asyncio.sleep(0.2)
    print(len(application.room.readers), "read")
    hearing.cancel()


asyncio.run(main())
