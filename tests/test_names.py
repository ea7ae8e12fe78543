"""Names: what looks like another name, who may have one, and for how long."""

import asyncio
import collections
import unicodedata

from tornado.httpclient import HTTPClientError
from tornado.testing import gen_test

import chat
from tests.support import FormCase

# What shows nothing, in Unicode's DerivedCoreProperties.txt: Default_Ignorable.
IGNORABLE = """ad 34f 61c 115f-1160 17b4-17b5 180b-180f 200b-200f 202a-202e 2060-206f
3164 fe00-fe0f feff ffa0 fff0-fff8 1bca0-1bca3 1d173-1d17a e0000-e0fff"""
FILLER = 0x16FE4  # Khitan: a mark that Unicode does not call ignorable, yet a blank


def is_ignorable(character):
    bounds = (span.partition("-") for span in IGNORABLE.split())
    return any(
        int(low, 16) <= ord(character) <= int(high or low, 16)
        for low, _, high in bounds
    )


def accepts(name):
    try:
        return bool(chat.clean_nickname(name))
    except ValueError:
        return False


class NameTest(FormCase):
    def test_characters_one_by_one_as_the_rule_says(self):
        # All that are in use but the rarest ideographs, and one in 61 of the rest.
        points = [
            *range(0x20000),
            *range(0xE0000, 0xE1000),
            *range(0x20000, 0x110000, 61),
        ]
        for point in points:
            name = unicodedata.normalize("NFKC", chr(point)).strip()
            allowed = 0 < len(name) <= 20 and all(
                unicodedata.category(c)[0] in "LMN" or c in " -_." for c in name
            )
            hidden = (
                point == FILLER or any(map(is_ignorable, name)) if allowed else True
            )
            if accepts(chr(point)) != (allowed and not hidden):
                self.fail(f"U+{point:04X} {unicodedata.name(chr(point), '')}")

    def test_marks_of_direction_cannot_hide_in_a_name(self):
        marks = [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
        for point in marks:
            for name in (f"ann{chr(point)}", f"{chr(point)}ann", f"a{chr(point)}nn"):
                self.assertFalse(accepts(name), ascii(name))
        self.assertTrue(accepts("נועה"))
        self.assertTrue(accepts("ליאור ann"))

    def test_twins_of_a_name_become_it(self):
        for twin in ("ａｎｎ", "𝐚𝓃𝙣", "ⓐⓝⓝ", " ann\u3000", "ann\n"):
            self.assertEqual(chat.clean_nickname(twin), "ann")

    @gen_test
    async def test_login_same_name_at_one_instant_one_wins(self):
        people = []
        for number in range(50):
            port = self.get_http_port()
            people.append(await asyncio.open_connection("127.0.0.1", port))
            self.writers.append(people[-1][1])
            form = self.form("Zoë", f"{number:04x}", "close")
            people[-1][1].write(form[:-1])
        for _, writer in people:
            writer.write(form[-1:])  # only now are the forms complete, all at once
        answers = await asyncio.gather(*(reader.read() for reader, _ in people))
        codes = sorted(answer[9:12] for answer in answers)
        self.assertEqual(codes, [b"303"] + [b"400"] * 49)

    @gen_test
    async def test_login_thousand_names_each_its_own(self):
        names = [f"{letter}{n}" for letter in "añяعह字ㄱ가øπ" for n in range(100)]
        forms = [self.form(name) for name in names] + [self.form("", "00", "close")]
        codes = collections.Counter(await self.ask(*forms))
        self.assertEqual(codes, {303: 1000, 400: 1})
        # Nobody else gets one of them, whichever way it is written.
        forms = [self.form(name.upper(), "11") for name in names[::10]]
        forms.append(self.form("", "11", "close"))
        codes = collections.Counter(await self.ask(*forms))
        self.assertEqual(codes, {400: 101})

    @gen_test
    async def test_login_odd_bytes_refused(self):
        visitor = self.visitor()
        for name in (b"\xff", b"a\x00b", b"a\x01b"):
            self.assertEqual((await visitor.post("/login", name=name)).code, 400)
        self.assertEqual((await visitor.post("/login")).code, 400)

    @gen_test
    async def test_goodbye_while_the_next_window_opens(self):
        carol = self.visitor().sign_in("carol")
        holder = "carol", carol.cookies["_xsrf"]
        await carol.connect()
        (last,) = self.handlers
        # All in one turn of the loop, as when the server is busy.
        last.close_code = 1001
        last.on_connection_close()
        await self._app.room.claim(*holder)
        self._app.connections[holder].add(last)
        await asyncio.sleep(0.01)
        page = await self.visitor().post("/login", name="carol")
        self.assertEqual(page.code, 400)
        del self._app.connections[holder]

    @gen_test
    async def test_tokens_that_are_long_not_kept(self):
        carol, token = self.visitor().sign_in("carol"), "0" * 100
        carol.cookies["_xsrf"] = token + "0" * 10_000
        await carol.connect()
        self.assertEqual(self._app.room.leases["carol"][0], token)

    @gen_test
    async def test_browser_without_token_holds_no_name(self):
        nobody = self.visitor().sign_in("carol")
        del nobody.cookies["_xsrf"]
        await nobody.connect()
        self.assertEqual((await self.visitor().post("/login", name="carol")).code, 303)
        with self.assertRaises(HTTPClientError):
            await nobody.connect()
