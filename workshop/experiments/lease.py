"""A room's leases of names; they last a fifth of a second here (step 12)."""

import asyncio
import tempfile

import chat
import people

people.CHAT = people.alone(5001)


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

    chat.PING = 0.1
    db = f"--db={tempfile.mkdtemp()}/chat.db"  # a new log each time
    options = chat.parse_options([db, "--logging=error"])
    application = chat.Application(options)
    await application.open()
    application.listen(5001, "127.0.0.1")
    alice = await people.join("alice")
    application.room.leases["alice"] = "another browser", 1e9
    while isinstance(line := await alice.hear(), dict):
        pass
    print("at alice's next sign of life:", line)


asyncio.run(main())
