"""What does the chat send to somebody who comes late (step 7)?"""

import asyncio

from people import join, run

PEOPLE, MESSAGES = 20, 100


async def talk(person):
    """Say a lot, and hear what all others say."""
    for number in range(MESSAGES):
        await person.say(f"{number} " + "x" * 1000)
    for _ in range(PEOPLE * MESSAGES):
        await person.hear()


async def main():
    people = [await join(f"p{number}") for number in range(PEOPLE)]
    await asyncio.gather(*map(talk, people))
    for query, who in (("", "a newcomer"), ("?since=1", "who has message 1 only")):
        late = await join("late", query)
        frame = await late.ws.read_message()
        if frame is None:
            print(f"{who}: closed with {late.ws.close_code}")
        else:
            lines = frame.count("\n") + 1
            print(f"{who}: {lines} messages, {len(frame) // 1000} kB in one frame")
        late.ws.close()


run(main)
