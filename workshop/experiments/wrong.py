"""The file goes away and comes back (step 13)."""

import asyncio
import os
from pathlib import Path

from people import join


async def main():
    alice = await join("alice")
    await alice.say("hello")
    place = await alice.hear()
    os.rename("chat.db", "away.db")
    Path("chat.db").touch()
    await alice.say("lost?", "k1")
    print(await alice.hear())
    os.replace("away.db", "chat.db")
    await alice.say("lost?", "k1")
    print((await alice.hear())["msg"])
    await alice.connect(f"?since={place['id']}&at={place['at']}")
    print((await alice.hear())["msg"])


asyncio.run(main())
