"""Names: what looks like another name, and who may have one while others want it."""

import asyncio
import unicodedata
import unittest
from unittest import mock

from tornado.testing import gen_test

import chat
from tests.support import ChatCase, heavy, until

# What shows nothing, in Unicode's DerivedCoreProperties.txt: Default_Ignorable.
IGNORABLE = """ad 34f 61c 115f-1160 17b4-17b5 180b-180f 200b-200f 202a-202e 2060-206f
3164 fe00-fe0f feff ffa0 fff0-fff8 1bca0-1bca3 1d173-1d17a e0000-e0fff"""
# Khitan and Egyptian blanks, which Unicode does not call ignorable.
BLANK = [(0x16FE4, 0x16FE4), (0x13441, 0x13442)]


def hidden_points():
    spans = (span.partition("-") for span in IGNORABLE.split())
    bounds = [(int(low, 16), int(high or low, 16)) for low, _, high in spans]
    return {point for low, high in bounds + BLANK for point in range(low, high + 1)}


def accepts(name):
    try:
        return bool(chat.clean_nickname(name))
    except ValueError:
        return False


class LettersTest(unittest.TestCase):
    def test_characters_one_by_one_as_the_rule_says(self):
        hidden = hidden_points()
        # All that are in use but the rarest ideographs, and one in 61 of the rest.
        rare = *range(0xE0000, 0xE1000), *range(0x20000, 0x110000, 61)
        for point in (*range(0x20000), *rare):
            name = unicodedata.normalize("NFKC", f"a{chr(point)}").strip()
            kinds = {unicodedata.category(c)[0] for c in name if c not in " -_."}
            seen = kinds <= set("LMN") and not hidden.intersection(map(ord, name))
            if accepts(f"a{chr(point)}") != (seen and len(name) <= 20):
                self.fail(f"U+{point:04X} {unicodedata.name(chr(point), '')}")

    def test_blanks_of_later_unicode_refused(self):
        later = "EGYPTIAN HIEROGLYPH FULL BLANK"  # a letter since Unicode 15
        with mock.patch.object(chat.unicodedata, "name", lambda *_: later):
            self.assertFalse(accepts("ann"))


class CrowdOfOneNameTest(ChatCase):
    @gen_test
    async def test_name_wanted_by_fifty_at_once_one_wins(self):
        people = [self.visitor().sign_in(name) for name in ("Zoë", "ZOË") * 25]
        codes = await asyncio.gather(*(person.knock() for person in people))
        self.assertEqual(sorted(codes), [101] + [403] * 49)
        winner = people.pop(codes.index(101))
        self.assertEqual(await winner.knock(), 101)  # a second window
        for person in people:
            self.assertIn(chat.TAKEN, (await person.get("/")).text)
        self.assertEqual((await self.visitor().post("/login", name="zoë")).code, 400)

    @gen_test
    async def test_name_of_a_line_that_is_reset_free_at_once(self):
        _, _, writer = await self.raw()
        other = self.visitor().sign_in("Alice")
        self.assertEqual(await other.knock(), 403)
        writer.transport.abort()
        await until(lambda: not self.room.connections)
        self.assertEqual(await other.knock(), 101)

    @heavy  # Tornado waits five seconds for the answer to its close frame
    @gen_test(timeout=10)
    async def test_name_of_a_line_that_died_unseen_free_after_the_heartbeat(self):
        self._app.settings["websocket_ping_interval"] = 0.1  # seconds; nobody answers
        await self.raw()
        self.assertEqual((await self.visitor().post("/login", name="alice")).code, 400)
        await until(lambda: not self.room.connections)
        self.assertEqual((await self.visitor().post("/login", name="alice")).code, 303)
