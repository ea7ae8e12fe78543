"""A room's leases of names; they last a fifth of a second here (step 12)."""

import asyncio

import chat


async def main():
    chat.LEASE = 0.2
    room = chat.Room("")
    await room.claim("ann", "laptop")
    await room.claim("bob", "laptop")
    for name, browser in ("Ann", "phone"), ("ann", "laptop"), ("carol", None):
        try:
            print(name, browser, await room.claim(name, browser))
        except ValueError as error:
            print(name, browser, error)
    await room.claim("carol", "phone")
    await room.release("carol", "laptop")
    await asyncio.sleep(0.15)
    await room.claim("ann", "laptop")
    await asyncio.sleep(0.1)
    await room.claim("bob", "phone")
    print(list(room.leases))
    await room.release("bob", "phone")
    print(list(room.leases))


asyncio.run(main())
