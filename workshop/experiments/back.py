"""Somebody goes through tunnels, and sends again what she is not sure of (step 8)."""

import asyncio

from people import join


async def main():
    alice, bob = await join("alice"), await join("bob")
    await bob.say("Where do we meet?", "k1")
    last = await alice.hear()
    alice.ws.close()  # her train goes into a tunnel
    await bob.say("See you there!", "k2")
    place = f"?since={last['id']}&at={last['at']}"
    await alice.connect(place)  # and comes out again
    print("alice reads:", (await alice.hear())["msg"])

    await alice.say("Where?", "k3")
    await alice.hear()
    await alice.say("Where?", "k3")  # did it arrive? To be sure, again
    print("the answer is", list(await alice.hear()))
    await bob.say("At the station.", "k4")
    print("alice reads:", (await alice.hear())["msg"])
    await alice.connect(place)
    print("and", [(await alice.hear())["msg"] for _ in range(3)])

    for query in "?since=1", "?since=9", "?since=1&at=5.5", "?since=9&at=5.5":
        await alice.connect(query)
        if "at" not in query:
            await bob.say("Hello?")
        line = await alice.hear()
        print(query, line["msg"] if isinstance(line, dict) else line)


asyncio.run(main())
