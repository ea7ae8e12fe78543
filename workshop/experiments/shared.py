"""Two processes with one log, at the ports 5001 and 5002 (step 18)."""

import asyncio

import people
from people import Person, join


async def main():
    people.CHAT = "127.0.0.1:5001"
    alice = await join("alice")
    people.CHAT = "127.0.0.1:5002"
    bob, mallory = await join("bob"), Person()
    await alice.say("hello")
    print("bob reads:", (await bob.hear())["msg"])
    await bob.say("hello to you")
    line = [await alice.hear() for _ in range(2)][1]
    print("alice reads:", line["msg"])

    window = Person()
    window.cookies = dict(alice.cookies)
    await window.connect("?since=1")
    line = await window.hear()
    print("alice at bob's process:", line["msg"])
    print("mallory wants to be ALICE:", await mallory.sign_in("ALICE"))
    people.CHAT = "127.0.0.1:5001"
    await alice.ask("/logout")
    print("both of alice's windows:", await alice.hear(), await window.hear())
    people.CHAT = "127.0.0.1:5002"
    print("mallory wants to be ALICE:", await mallory.sign_in("ALICE"))


asyncio.run(main())
