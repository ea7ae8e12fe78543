"""Somebody says forty things at once, and leaves behind a hundred more (step 11)."""

import asyncio
import time

from people import join


async def main():
    alice, bob = await join("alice"), await join("bob")
    begun = time.monotonic()
    for n in range(40):
        await alice.say(str(n))
    lines = [await bob.hear() for _ in range(40)]
    print("two seconds, about:", 1.5 < time.monotonic() - begun < 5)
    print([line["msg"] for line in lines] == [str(n) for n in range(40)])
    for _ in range(100):
        await alice.say("and on")
    alice.ws.protocol.stream.close()  # her line breaks
    await asyncio.sleep(0.3)
    await bob.say("Is it over?")
    while (await bob.hear())["msg"] == "and on":
        pass
    try:
        print((await asyncio.wait_for(bob.hear(), 1))["msg"])
    except asyncio.TimeoutError:
        print("It is over.")


asyncio.run(main())
