"""Two people talk, a third one comes late (step 7)."""

import asyncio

from tornado.httpclient import HTTPClientError

from people import Person, join


async def main():
    alice, bob = await join("alice"), await join("bob")
    await alice.say("hello")
    for person in alice, bob:
        line = await person.hear()
        print(line["id"], line["name"], "says", line["msg"])
    await bob.ws.write_message("hi")
    print((await alice.hear())["msg"], (await bob.hear())["msg"])
    for n in range(60):
        await bob.say(str(n))
        await alice.hear()
    carol = await join("carol")
    print("carol reads from", (await carol.hear())["msg"])
    await alice.ws.write_message("[" * 100)
    while (line := await carol.hear())["name"] != "alice":
        pass
    print("carol reads", line["msg"][:5])
    await carol.say(["no text"])
    while "error" not in (line := await carol.hear()):
        pass
    print(line["error"])
    for person, query in (Person(), ""), (alice, "?name=mallory"):
        try:
            await person.connect(query)
        except HTTPClientError as error:
            print(error.code)


asyncio.run(main())
