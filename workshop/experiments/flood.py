"""Somebody says forty things at once, and some that are no messages (step 9)."""

import time

from people import join, run


async def main():
    alice, bob = await join("alice"), await join("bob")
    begun = time.monotonic()
    for number in range(40):
        await alice.say(f"flood {number}")
    while (await bob.hear()).get("msg") != "flood 39":
        pass
    print(f"40 messages in {time.monotonic() - begun:.1f} seconds")
    carol = await join("carol")
    while (await carol.hear()).get("msg") != "flood 39":
        pass
    for odd in ("", "x" * 5000, 7, "\x1b[31mred\x1b[0m"):
        await carol.say(odd)
        line = await carol.hear()
        what = line.get("error") or "stored: " + ascii(line["msg"])[:40]
        print(f"{ascii(odd)[:20]:20} -> {what}")


run(main)
