"""Who may have a name, after a broken line and after a goodbye (step 12)."""

import asyncio

from tornado.httpclient import HTTPClientError

from people import Person, join


async def main():
    alice, mallory = await join("Alice"), Person()
    print("taken:", await mallory.sign_in("alice"), end=" ")
    print("own:", await alice.sign_in("alice"))
    alice.ws.protocol.stream.close()  # her train goes into a tunnel
    await asyncio.sleep(0.2)
    print("after a broken line:", await mallory.sign_in("alice"))
    await alice.connect()
    alice.ws.close(1000)
    await asyncio.sleep(0.2)
    print("after goodbye:", await mallory.sign_in("alice"))
    try:
        await alice.connect()
    except HTTPClientError as error:
        print("the old cookie:", error.code, end=" ")
    page = (await alice.ask("/")).body.decode()
    print((await alice.ask("/chat")).code, "Somebody here has that name." in page)

    await mallory.connect()
    other = Person()
    other.cookies = dict(mallory.cookies)
    await other.connect()  # a second window
    await other.ask("/logout")
    print("both windows:", await other.hear(), await mallory.hear())
    print("after signing out:", await alice.sign_in("ALICE"))
    headers = (await Person().ask("/")).headers
    print("a browser's secret lasts:", "expires" in str(headers).lower())


asyncio.run(main())
