"""A Twitter of the tests' own, as far as signing in (OAuth 1.0a) needs it."""

import base64
import hashlib
import hmac
import time
import urllib.parse
from unittest import mock

from tornado.httputil import url_concat
from tornado.testing import ExpectLog
from tornado.web import RequestHandler

import chat
from tests.support import ChatCase


class FakeTwitter:
    """What Twitter keeps: consumers, tokens, nonces; and RFC 5849's arithmetic."""

    consumer_key, consumer_secret = "a key", "a secret & more"

    def __init__(self):
        self.tokens, self.nonces, self.screen_name = {}, set(), "alice"

    def verify(self, request, token_secret=""):
        """Check one request: RFC 5849 sections 3.2 (times and nonces) and 3.4."""
        given = {name: values[0].decode() for name, values in request.arguments.items()}
        signature = given.pop("oauth_signature")
        pairs = sorted((quote(name), quote(value)) for name, value in given.items())
        parameters = "&".join(f"{name}={value}" for name, value in pairs)
        uri = f"{request.protocol}://{request.host.lower()}{request.path}"
        base = "&".join([request.method, quote(uri), quote(parameters)])
        key = f"{quote(self.consumer_secret)}&{quote(token_secret)}"
        digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
        assert hmac.compare_digest(base64.b64encode(digest).decode(), signature), base
        assert given["oauth_consumer_key"] == self.consumer_key
        assert given["oauth_signature_method"] == "HMAC-SHA1"
        assert abs(time.time() - int(given["oauth_timestamp"])) < 300
        assert given["oauth_nonce"] not in self.nonces
        self.nonces.add(given["oauth_nonce"])
        return given


def quote(text):
    return urllib.parse.quote(text, safe="-._~")


class FakeTwitterHandler(RequestHandler):
    def initialize(self, twitter):
        self.twitter = twitter

    def get(self, step):
        try:
            getattr(self, step)()
        except (AssertionError, LookupError) as error:
            self.set_status(401)
            self.finish(str(error))

    def answer(self, fields):
        self.finish(urllib.parse.urlencode(fields))

    def request_token(self):
        given = self.twitter.verify(self.request)
        token = f"token {len(self.twitter.tokens)}"
        self.twitter.tokens[token] = {
            "secret": f"secret of {token} &",
            "callback": given["oauth_callback"],
        }
        secret = self.twitter.tokens[token]["secret"]
        answer = {"oauth_token": token, "oauth_token_secret": secret}
        self.answer({**answer, "oauth_callback_confirmed": "true"})

    def authenticate(self):
        """The user says yes."""
        token = self.get_argument("oauth_token")
        self.twitter.tokens[token]["verifier"] = f"verifier of {token}"
        answer = {"oauth_token": token, "oauth_verifier": f"verifier of {token}"}
        self.redirect(url_concat(self.twitter.tokens[token]["callback"], answer))

    def access_token(self):
        token = self.twitter.tokens.pop(self.get_argument("oauth_token"))
        given = self.twitter.verify(self.request, token["secret"])
        assert given["oauth_verifier"] == token["verifier"]
        answer = {"oauth_token": "access", "oauth_token_secret": "access secret"}
        self.answer({**answer, "screen_name": self.twitter.screen_name})


class TwitterCase(ChatCase):
    """A chat where one signs in through this Twitter; carol is about to do so."""

    environment = {
        "TWITTER_CONSUMER_KEY": FakeTwitter.consumer_key,
        "TWITTER_CONSUMER_SECRET": FakeTwitter.consumer_secret,
    }

    def setUp(self):
        self.twitter = FakeTwitter()
        super().setUp()
        self.carol = self.visitor()
        for name in ("REQUEST_TOKEN", "ACCESS_TOKEN", "AUTHENTICATE"):
            url = self.get_url("/twitter/" + name.lower())
            patch = mock.patch.object(chat.LoginHandler, f"_OAUTH_{name}_URL", url)
            patch.start()
            self.addCleanup(patch.stop)

    def get_app(self):
        application = super().get_app()
        arguments = {"twitter": self.twitter}
        routes = [(r"/twitter/(\w+)", FakeTwitterHandler, arguments)]
        application.add_handlers(".*", routes)
        return application

    async def callback(self, visitor):
        """Go to Twitter and say yes; return the address that leads back."""
        there = (await visitor.get("/login")).headers["Location"]
        return (await visitor.get(there)).headers["Location"]

    async def assert_refused(self, visitor, path):
        with ExpectLog("", "Twitter sign-in failed", required=True):
            page = await visitor.get(path)
        self.assertEqual(page.code, 400)
        self.assertIn("Twitter did not sign you in.", page.text)
        self.assertEqual((await visitor.get("/chat")).code, 302)
