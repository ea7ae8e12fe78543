"""Twenty people say 20 things each, or as many as `many.py 300` says (step 6)."""

import asyncio
import sys
import time

from people import join, run

PEOPLE = 20
MESSAGES = int(sys.argv[1]) if sys.argv[1:] else 20


async def talk(person):
    """Say the next thing whenever the last one has come back."""
    for number in range(MESSAGES):
        msg = f"{number} of {id(person)} at {time.time()}"
        await person.say(msg)
        while (await person.hear()).get("msg") != msg:
            pass


async def main():
    people = [await join(f"p{number}") for number in range(PEOPLE)]
    begun = time.monotonic()
    await asyncio.gather(*map(talk, people))
    seconds = time.monotonic() - begun
    print(f"{PEOPLE * MESSAGES / seconds:.0f} messages a second")


run(main)
