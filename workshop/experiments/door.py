"""What the door says to bad frames and strange addresses (step 10)."""

import asyncio

from people import Person, join


async def main():
    alice = await join("alice")
    for msg in "  hello  ", "", 5, "\x1b[2J", "x" * 2001, "\ud83d":
        await alice.say(msg)
        line = await alice.hear()
        print(line.get("error", line.get("msg")))
    for frame in b"binary", "x" * 70_000:
        await alice.connect()
        await alice.ws.write_message(frame, binary=isinstance(frame, bytes))
        while isinstance(code := await alice.hear(), dict):
            pass
        print("closed with", code)
    for path in "/nothing", "/static/nothing", "/static/%00", "/ws":
        answer = await Person().ask(path)
        print(path, answer.code, b"</h1>" in answer.body)


asyncio.run(main())
