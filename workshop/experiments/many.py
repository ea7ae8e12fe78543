"""Twenty people say twenty things each, as fast as they are stored (step 6)."""

import asyncio
import time

from people import join, run

PEOPLE, MESSAGES = 20, 20


async def talk(person):
    """Say something, wait until it comes back, and say the next thing."""
    for number in range(MESSAGES):
        msg = f"{person.name} {number}"
        await person.say(msg)
        while (await person.hear()).get("msg") != msg:
            pass


async def main():
    people = []
    for number in range(PEOPLE):
        people.append(await join(f"p{number}"))
        people[-1].name = f"p{number} {time.time()}"
    begun = time.monotonic()
    await asyncio.gather(*map(talk, people))
    seconds = time.monotonic() - begun
    print(f"{PEOPLE * MESSAGES / seconds:.0f} messages a second")


run(main)
