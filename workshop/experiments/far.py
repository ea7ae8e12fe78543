"""Somebody comes back who is far behind (step 13)."""

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
    posts = [application.room.post("bob", str(n), None) for n in range(1100)]
    await asyncio.gather(*posts)
    alice = await people.join("alice")
    for since in 0, 99, 100:
        await alice.connect(f"?since={since}")
        line = await alice.hear()
        print(since, line["msg"] if isinstance(line, dict) else line)


asyncio.run(main())
