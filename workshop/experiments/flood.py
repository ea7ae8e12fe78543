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
    print("about", round((time.monotonic() - begun) * 100), "hundredths of a second")
    print([line["msg"] for line in lines] == [str(n) for n in range(40)])
    for _ in range(100):
        await alice.say("and on")
    alice.ws.close()
    await asyncio.sleep(1.5)
    await bob.say("Is it over?")
    after = 0
    while (await bob.hear())["msg"] == "and on":
        after += 1
    print("less than fifty more:", after < 50)


asyncio.run(main())
