// How a message looks: its text becomes nodes, and never HTML. chat.js is the rest.

const GROUP_TIME = 300; // seconds after a group's first message in which others join it

const day = new Intl.DateTimeFormat([], { dateStyle: "full" });
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
  const [avatar] = name.replace("@", "").toUpperCase();
  const date = day.format(at * 1000), time = clock.format(at * 1000);
  const item = build("message", { date, avatar, name, time, msg: format(msg) });
  const dateTime = new Date(at * 1000).toISOString(), title = exact.format(at * 1000);
  Object.assign(item.querySelector("time"), { dateTime, title });
  item.dataset.id = id;
  item.style.setProperty("--hue", hue(name));
  item.classList.toggle("same-day", isSameDay(message, first));
  item.classList.toggle("continued", joins(message, first));
  return item;
}

function isSameDay({ at }, first) {
  return first !== null && day.format(at * 1000) === day.format(first.at * 1000);
}

// Whether a message belongs to the group that another one began.
export function joins(message, first) {
  const near = message.name === first?.name && message.at - first.at < GROUP_TIME;
  return near && isSameDay(message, first);
}

// Steps of the golden angle: no two of the first 13 people are nearer than 20 degrees.
function hue(name) {
  if (!hues.has(name)) hues.set(name, hues.size * 137.508 % 360);
  return hues.get(name);
}

const SPECIAL = /(```[^]*?```\n?|``[^`\n].*?``|`[^`\n]+`|https?:\/\/[^\s<>"`]+)/i;
// A language stands on a line of its own, with more lines after it.
const FENCE = /^```(?:[ \t]*(?:\w[\w+#.-]*[ \t]*)?\n(?=[^]*[^\s`]))?(?<code>[^]*?)\n?```\n?$/;
const TICKS = /^(``?)( ?)(?<code>.*)\2\1$/; // a space at both ends is for the eye
const CLOSING = /(?![/#%&@\\])[\p{Po}\p{Ps}\p{Pe}\p{Pi}\p{Pf}]/u; // marks of any script
const PAIRS = { "(": ")", "[": "]", "{": "}" };

// What stands between two matches is text; String.split() returns both in turn.
export function format(msg) {
  return msg.split(SPECIAL).flatMap((part, n) => n % 2 ? special(part) : part);
}

function special(part) {
  if (/^h/i.test(part)) return link(part);
  const className = part.startsWith("```") ? "block" : "";
  if (className && /^[\s`]*$/.test(part)) return part;
  const textContent = part.replace(className ? FENCE : TICKS, "$<code>");
  return Object.assign(document.createElement("code"), { className, textContent });
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
    if (PAIRS[mark]) opened.push(PAIRS[mark]);
    const closes = opened[opened.length - 1] === mark && opened.pop();
    if (closes || !CLOSING.test(mark)) end = place;
  }
  return end;
}
