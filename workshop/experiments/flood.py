"""Somebody says forty things at once, and some that are no messages (step 9)."""

import time

from people import join, run


async def main():
    alice, bob = await join("alice"), await join("bob")
    begun = time.monotonic()
    last = f"the last one, at {begun}"
    for msg in [*map(str, range(39)), last]:
        await alice.say(msg)
    while (await bob.hear()).get("msg") != last:
        pass
    print(f"40 messages in {time.monotonic() - begun:.1f} seconds")
    carol = await join("carol")
    while (await carol.hear()).get("msg") != last:
        pass
    for odd in ("", "x" * 5000, 7, "\x1b[31mred\x1b[0m"):
        await carol.say(odd)
        line = await carol.hear()
        what = line.get("error") or "stored: " + ascii(line["msg"])[:40]
        print(f"{ascii(odd)[:20]:20} -> {what}")


run(main)
