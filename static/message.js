// How a message looks: its text becomes nodes, and never HTML. chat.js is the rest.
"use strict";

const GROUP_TIME = 300; // seconds for which messages of one author share a heading

const [days, clock, exact] = [
  { weekday: "long", day: "numeric", month: "long" },
  { hour: "2-digit", minute: "2-digit" },
  { dateStyle: "full", timeStyle: "medium" },
].map((style) => new Intl.DateTimeFormat([], style));

// Strings go in as text, for a message may contain anything.
function build(kind, parts) {
  const item = document.getElementById(kind).content.firstElementChild.cloneNode(true);
  for (const part in parts) {
    item.querySelector(`.${part}`).replaceChildren(...[parts[part]].flat());
  }
  return item;
}

// The item above decides whether the day and the author are told again.
function messageItem({ id, at, name, msg }, above) {
  const date = new Date(at * 1000), day = days.format(date), time = clock.format(date);
  const [avatar] = name.replace("@", "").toUpperCase();
  const item = build("message", { day, avatar, name, time, msg: format(msg) });
  const last = above ? above.dataset : {};
  const today = last.day === day;
  const group = today && last.name === name && at - last.at < GROUP_TIME;
  const when = { dateTime: date.toISOString(), title: exact.format(date) };
  Object.assign(item.querySelector("time"), when);
  Object.assign(item.dataset, { id, at, name, day });
  item.style.setProperty("--hue", hue(name));
  item.classList.toggle("own", name === me);
  item.classList.toggle("today", today);
  item.classList.toggle("continued", group);
  return item;
}

// `code`, ```a block of it``` and addresses become elements, all else stays text.
const SPECIAL = /(```[^]+?```\n?|`[^`\n]+`|https?:\/\/[^\s<>"`]*[^\s<>"`.,:;!?'()\]])/;

function format(msg) {
  return msg.split(SPECIAL).map((part, n) => n % 2 ? toElement(part) : part);
}

function toElement(part) {
  const rel = "noopener noreferrer", target = "_blank";
  const link = { href: part, textContent: part, rel, target };
  if (part[0] === "h") return Object.assign(document.createElement("a"), link);
  const textContent = part.replace(/^`+(\w*\n)?|\n?`+\n?$/g, "");
  const className = part.startsWith("```") ? "block" : "";
  return Object.assign(document.createElement("code"), { textContent, className });
}

// Steps of 137 degrees, the golden angle, keep the colours of similar names apart.
function hue(name) {
  return [...name].reduce((sum, c) => ((sum + c.codePointAt(0)) * 137) % 360, 0);
}
