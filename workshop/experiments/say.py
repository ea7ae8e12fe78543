"""Say one thing, print what only its author hears: python say.py PORT NAME TEXT KEY"""

import asyncio
import json
import sys

import people


async def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    port, name, text, key = sys.argv[1:]
    people.CHAT = f"127.0.0.1:{port}"
    person = await people.join(name, "?since=999999")
    await person.say(text, key)
    try:
        while True:
            line = await asyncio.wait_for(person.hear(), 1)
            if "msg" not in line:
                print(json.dumps(line))
    except asyncio.TimeoutError:
        person.ws.close(1000)


asyncio.run(main())
