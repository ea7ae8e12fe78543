"""Print what is in a chat's newest messages: python hear.py PORT"""

import asyncio
import os
import sys

import people


async def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    people.CHAT = f"127.0.0.1:{sys.argv[1]}"
    person = await people.join(f"hear{os.getpid()}")
    try:
        while True:
            line = await asyncio.wait_for(person.hear(), 1)
            if isinstance(line, int):
                sys.exit(f"closed with {line}")
            print(line["id"], f"{line['name']}:", line["msg"])
    except asyncio.TimeoutError:
        person.ws.close(1000)


asyncio.run(main())
