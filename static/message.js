// How a message looks: its text becomes nodes, and never HTML. chat.js is the rest.

const GROUP_TIME = 300; // seconds after a group's first message in which others join it

const DAY = { weekday: "long", day: "numeric", month: "long" };
const day = new Intl.DateTimeFormat([], DAY);
const dayAndYear = new Intl.DateTimeFormat([], { ...DAY, year: "numeric" });
const clock = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });
const exact = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "medium" });
const hues = new Map(); // name -> degrees, in order of appearance

// Strings go in as text, for a message may contain anything.
export function build(kind, parts) {
  const item = document.getElementById(kind).content.firstElementChild.cloneNode(true);
  for (const [part, nodes] of Object.entries(parts)) {
    item.querySelector(`.${part}`).replaceChildren(...[nodes].flat());
  }
  return item;
}

// The first message of the group above decides what of day, author and time is repeated.
export function messageItem(message, first) {
  const { id, at, name, msg } = message;
  const date = new Date(at * 1000);
  const [avatar] = name.replace("@", "").toUpperCase();
  const parts = { date: dayOf(date), avatar, name, time: clock.format(date) };
  const item = build("message", { ...parts, msg: format(msg) });
  const time = { dateTime: date.toISOString(), title: exact.format(date) };
  Object.assign(item.querySelector("time"), time);
  item.dataset.id = id;
  item.style.setProperty("--hue", hue(name));
  item.classList.toggle("same-day", sameDay(message, first));
  item.classList.toggle("continued", joins(message, first));
  return item;
}

// Whether a message stands in the group that another one began.
export function joins(message, first) {
  const near = sameDay(message, first) && message.at - first.at < GROUP_TIME;
  return near && message.name === first.name;
}

function sameDay(message, first) {
  const [one, other] = [message, first ?? { at: 0 }].map(({ at }) => new Date(at * 1000));
  return one.toDateString() === other.toDateString();
}

function dayOf(date) {
  const thisYear = date.getFullYear() === new Date().getFullYear();
  return (thisYear ? day : dayAndYear).format(date);
}

// Steps of the golden angle: no two of the first 13 people are nearer than 20 degrees.
function hue(name) {
  if (!hues.has(name)) hues.set(name, hues.size * 137.508 % 360);
  return hues.get(name);
}

// ------------------------------------------------------------------ Links and code

const SPECIAL = /(```[^]*?```\n?|``[^`\n].*?``|`[^`\n]+`|https?:\/\/[^\s<>"`]+)/i;
// A language stands on a line of its own, with more lines after it.
const FENCE = /^```(?:[ \t]*(?:\w[\w+#.-]*[ \t]*)?\n(?=[^]*[^\s`]))?([^]*?)\n?```\n?$/;
const CLOSING = /[\p{Po}\p{Ps}\p{Pe}\p{Pi}\p{Pf}]/u; // quotes, brackets, stops; and these:
const BELONGS = "/#%&@\\";
const PAIRS = { "(": ")", "[": "]", "{": "}" };

// What stands between two matches is text; String.split() returns both in turn.
export function format(msg) {
  return msg.split(SPECIAL).flatMap((part, n) => n % 2 ? special(part) : part);
}

function special(part) {
  if (/^h/i.test(part)) return link(part);
  if (!part.startsWith("```")) return code(part.replace(/^(``?)( ?)(.*)\2\1$/, "$3"), "");
  return /^[\s`]*$/.test(part) ? part : code(part.replace(FENCE, "$1"), "block");
}

function code(textContent, className) {
  return Object.assign(document.createElement("code"), { textContent, className });
}

function link(text) {
  const href = text.slice(0, addressLength(text));
  if (!/\/\/./.test(href)) return text;
  const a = { href, textContent: href, rel: "noopener noreferrer", target: "_blank" };
  return [Object.assign(document.createElement("a"), a), text.slice(href.length)];
}

// A closing mark at the end is no part of it, unless it closes what the address opened.
function addressLength(text) {
  const opened = [];
  let place = 0, end = 0;
  for (const mark of text) {
    place += mark.length;
    const closes = opened.length && mark === opened.at(-1);
    if (closes) opened.pop();
    else if (PAIRS[mark]) opened.push(PAIRS[mark]);
    if (closes || BELONGS.includes(mark) || !CLOSING.test(mark)) end = place;
  }
  return end;
}
