"""What can go wrong between the chat and Twitter.

Each time the page says so in one sentence, and nobody is signed in.
"""

from unittest import mock

from tornado.testing import gen_test

import chat
from tests.fake_twitter import FakeTwitterHandler, TwitterCase


class TwitterFailureTest(TwitterCase):
    @gen_test
    async def test_twitter_callback_of_somebody_else(self):
        path = await self.callback(self.carol)
        victim = self.visitor()
        await victim.get("/login")
        await self.assert_refused(victim, path)

    @gen_test
    async def test_twitter_cookie_broken(self):
        path = await self.callback(self.carol)
        for cookie in ("x", "x|y|z", "a|b"):
            self.carol.cookies["_oauth_request_token"] = cookie
            await self.assert_refused(self.carol, path)

    @gen_test
    async def test_twitter_secret_wrong(self):
        self.twitter.consumer_secret = "another"
        await self.assert_refused(self.carol, "/login")

    @gen_test
    async def test_twitter_unreachable(self):
        name, nowhere = "_OAUTH_REQUEST_TOKEN_URL", "http://127.0.0.1:1/"
        with mock.patch.object(chat.LoginHandler, name, nowhere):
            await self.assert_refused(self.carol, "/login")

    @gen_test
    async def test_twitter_answer_without_name(self):
        path = await self.callback(self.carol)
        answer = mock.patch.object(
            FakeTwitterHandler, "access_token", lambda self: self.answer({})
        )
        with answer:
            await self.assert_refused(self.carol, path)

    @gen_test
    async def test_twitter_cookie_out_of_reach(self):
        await self.carol.get("/login")
        self.assertIn("_oauth_request_token", self.carol.set_cookies[0])
        self.assertIn("HttpOnly", self.carol.set_cookies[0])

    @gen_test
    async def test_twitter_denied(self):
        await self.carol.get("/login")
        await self.assert_refused(self.carol, "/login?denied=token+0")

    @gen_test
    async def test_twitter_callback_replayed(self):
        path = await self.callback(self.carol)
        cookie = self.carol.cookies["_oauth_request_token"]
        await self.carol.get(path)
        for thief in (self.visitor(), self.visitor()):
            await self.assert_refused(thief, path)
            thief.cookies["_oauth_request_token"] = cookie
            await self.assert_refused(thief, path)
