"""Somebody who has signed in already comes to the chat (step 3)."""

import asyncio
import re

from tornado.web import create_signed_value

import chat
import people

people.CHAT = people.alone(5001)


async def main():
    options = chat.parse_options(["--db=guest.db", "--logging=error"])
    application = chat.Application(options)
    application.listen(5001, "127.0.0.1")
    secret = application.settings["cookie_secret"]
    carol = people.Person()
    cookie = create_signed_value(secret, "username", "carol")
    carol.cookies["username"] = cookie.decode()
    for path in "/", "/chat":
        answer = await carol.ask(path)
        name = re.search('data-name="(.*?)"', answer.body.decode())
        print(path, answer.code, name[1] if name else answer.headers.get("Location"))


asyncio.run(main())
