"""What is left of somebody who has gone (step 7)."""

import asyncio
import tempfile

import chat
import people

people.CHAT = people.alone(5001)


async def main():
    db = f"--db={tempfile.mkdtemp()}/chat.db"  # a new log each time
    options = chat.parse_options([db, "--logging=error"])
    application = chat.Application(options)
    await application.open()
    application.listen(5001, "127.0.0.1")
    alice, bob = await people.join("alice"), await people.join("bob")
    print(len(application.room.readers), "wait for more")
    alice.ws.close()
    await asyncio.sleep(0.2)
    print(len(application.room.readers), "waits for more")
    await application.room.post("carol", "Is anybody here?", None)
    print("bob reads:", (await bob.hear())["msg"])


asyncio.run(main())
