// The chat's page: a WebSocket that comes back by itself and goes on where it stopped.
// A message is pending until the server has sent it back; then it is in the log.
"use strict";

const MAX_MESSAGE = 2000; // characters, as on the server
const MAX_SHOWN = 500; // messages in the document: more would slow the page down
const GROUP_TIME = 300; // seconds for which messages of one author share a heading
const PATIENCE = 10000; // ms without a line while a message waits for its answer
const SILENCE = 45000; // ms without a line: the server sends one every 30 s at least
const LASTING = 10000; // ms after which a connection counts as a good one
const RETRY_TIME = 5000; // ms until a message that could not be stored is sent again
const MAX_DELAY = 10000; // ms between two attempts to connect
const ANEW_TIME = 5000; // ms within which all pages begin anew, each at its own moment

const me = document.body.dataset.name;
const drawer = me; // in sessionStorage; the next one at this browser is somebody else
const [state, scroller, log, messages, unsentList, composer, newer, problem, text] = [
  "status", "scroller", "log", "messages", "pending", "composer", "newer", "problem", "text",
].map((id) => document.getElementById(id));
const days = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });

let ws; // try ws.send("hello") in the browser's console
let cursor = null; // the last message received: { since: its id, at: its time }
const pending = new Map(); // idempotency key -> { msg }
const refused = new Map(); // idempotency key -> { msg, note }: the note says why
let attempts = 0, unread = 0;
const timers = {};

function later(name, action, delay) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(action, delay);
}

// ------------------------------------------------------------------ The connection

function connect() {
  if (ws?.readyState <= WebSocket.OPEN) return;
  const query = new URLSearchParams({ name: me, ...cursor });
  ws = new WebSocket(`${location.origin.replace("http", "ws")}/ws?${query}`);
  Object.assign(ws, { onopen: opened, onmessage: receive, onclose: turnedAway });
  later("watch", hangUp, PATIENCE); // for the opening, too
}

function opened() {
  ws.onclose = closed;
  state.className = "online";
  say(state, "Connected");
  // Not at once: a server that lets us in and then fails is to be left in peace, too.
  later("lasting", () => { attempts = 0; }, LASTING);
  if (!cursor) begin();
  sendPending();
}

// The newest messages come. They are history: only what follows is read aloud and counted.
function begin() {
  messages.replaceChildren();
  log.setAttribute("aria-live", "off");
  later("news", () => log.setAttribute("aria-live", "polite"), 1000);
}

// 1008: signed out. 1012: the log is not the one shown here, or is far ahead of it.
function closed({ code }) {
  clearTimeout(timers.watch);
  clearTimeout(timers.lasting);
  state.className = "offline";
  say(state, "Offline. Messages are kept and sent later.");
  if (code === 1008) askWhy();
  if (code === 1012) cursor = null;
  // With a random part, or all would come back at once.
  const delay = Math.min(MAX_DELAY, 500 * 2 ** attempts++) * (0.5 + Math.random() / 2);
  later("connect", connect, code === 1012 ? ANEW_TIME * Math.random() : delay);
}

function turnedAway(event) {
  closed(event);
  askWhy();
}

// A refused handshake looks like a broken connection. The chat page tells which it was.
async function askWhy() {
  const answer = await fetch("/chat", { redirect: "manual" }).catch(() => ({}));
  if (answer.type === "opaqueredirect") return location.assign("/");
  const page = answer.ok ? await answer.text() : "";
  const { name = me } = new DOMParser().parseFromString(page, "text/html").body.dataset;
  if (name !== me) location.reload(); // somebody else has signed in here meanwhile
}

// Without waiting for the closing handshake, which nobody answers on a dead connection.
function hangUp() {
  ws.onopen = ws.onmessage = ws.onclose = null;
  ws.close();
  closed({});
}

// A line that dies silently is noticed: soon, if a message waits for its answer.
function watch() {
  if (ws.readyState > WebSocket.OPEN) return;
  later("watch", hangUp, pending.size ? PATIENCE : SILENCE);
}

// ---------------------------------------------------------------- Pending messages

function submit(event) {
  event.preventDefault();
  const msg = text.value.trim();
  const length = [...msg].length; // as the server counts: an emoji is one
  const limits = `Messages are limited to ${MAX_MESSAGE} characters; this has ${length}.`;
  if (length > MAX_MESSAGE) say(problem, limits);
  else if (msg) send({ msg }, crypto.getRandomValues(new Uint32Array(4)).join("-"));
}

function send(message, key) {
  pending.set(key, message);
  setText("");
  update();
  toBottom();
  transmit({ ...message, key });
  if (pending.size === 1) watch();
}

function transmit(object) {
  if (ws.readyState === WebSocket.OPEN) ws.send(JSON.stringify(object));
}

function sendPending() {
  pending.forEach(({ msg }, key) => transmit({ msg, key }));
  watch();
}

function update() {
  unsentList.replaceChildren(...[...refused, ...pending].map(unsentItem));
  save();
}

// sessionStorage survives a reload. Where it is full or forbidden, all else works.
function save() {
  const kept = { unsent: [...refused, ...pending], draft: text.value };
  try { sessionStorage.setItem(drawer, JSON.stringify(kept)); } catch {}
}

// What was sent before the reload may be in the log by now: the server knows its key.
function restore() {
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem(drawer)); } catch {}
  if (!kept) return;
  for (const [key, message] of kept.unsent) pending.set(key, message);
  setText(kept.draft || "");
  update();
}

// Back into the composer, in front of what is being written there.
function edit(key) {
  setText(`${refused.get(key).msg}\n${text.value}`.trim());
  refused.delete(key);
  update();
}

// ------------------------------------------------------------ What the server says

// What a line means: the first of these keys that it has decides. Others are ignored.
const kinds = {
  error: refuse,
  msg: accept,
  key: settle,
};

function receive(event) {
  const follow = atBottom();
  for (const line of event.data.split("\n")) {
    const object = JSON.parse(line);
    const kind = Object.keys(kinds).find((key) => key in object);
    if (kind) kinds[kind](object);
  }
  trim();
  watch();
  if (follow) toBottom();
}

function accept(message) {
  cursor = { since: message.id, at: message.at };
  if (message.name === me) settle(message);
  show(message);
  if (log.getAttribute("aria-live") === "off") return;
  newer.hidden = false;
  if (document.hidden && message.name !== me) count(unread + 1);
}

// A resend is answered by its key alone if it was stored before all that the server sent.
function settle({ key, msg }) {
  if (!pending.delete(key)) return;
  update();
  if (!msg) say(problem, "Your message is stored, further up than this page reaches.");
  else if (!pending.size) say(problem, "");
}

function refuse({ error, key, retry }) {
  say(problem, error);
  if (retry) return later("retry", sendPending, RETRY_TIME);
  if (!pending.has(key)) return;
  refused.set(key, { ...pending.get(key), note: `Not sent. ${error}` });
  pending.delete(key);
  update();
}

// -------------------------------------------------------------- What the page shows

// The same words again would be read aloud again.
function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

// Strings go in as text, never as HTML: a message may contain anything.
function build(kind, parts) {
  const item = document.getElementById(kind).content.firstElementChild.cloneNode(true);
  for (const part in parts) item.querySelector(`.${part}`).textContent = parts[part];
  return item;
}

function show(message) {
  messages.append(messageItem(message, messages.lastElementChild));
}

// The item above decides whether the day and the author are told again.
function messageItem({ id, at, name, msg }, above) {
  const day = days.format(at * 1000), time = clock.format(at * 1000);
  const [avatar] = name.replace("@", "").toUpperCase();
  const item = build("message", { day, avatar, name, time, msg });
  const last = above ? above.dataset : {};
  const today = last.day === day;
  const group = today && last.name === name && at - last.at < GROUP_TIME;
  Object.assign(item.dataset, { id, at, name, day });
  item.style.setProperty("--hue", hue(name));
  item.classList.toggle("own", name === me);
  item.classList.toggle("today", today);
  item.classList.toggle("continued", group);
  return item;
}

function trim() {
  while (messages.childElementCount > MAX_SHOWN) messages.firstChild.remove();
}

function unsentItem([key, message]) {
  const item = build("unsent", message);
  item.classList.toggle("refused", refused.has(key));
  item.querySelector("button").onclick = () => edit(key);
  return item;
}

// Steps of 137 degrees, the golden angle, keep the colours of similar names apart.
function hue(name) {
  return [...name].reduce((sum, letter) => ((sum + letter.codePointAt(0)) * 137) % 360, 0);
}

function count(number) {
  unread = number;
  document.title = unread ? `(${unread}) Chat` : "Chat";
}

function atBottom() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
}

function toBottom() {
  scroller.scrollTop = scroller.scrollHeight;
  newer.hidden = true;
}

function setText(msg) {
  text.value = msg;
  changed();
  text.focus();
}

function changed() {
  grow();
  save();
  say(problem, "");
}

// As high as the text and its two borders; the style sheet stops it at five lines.
function grow() {
  const follow = atBottom();
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
  if (follow) toBottom();
}

// ------------------------------------------------------------------ What people do

// In the middle of an IME composition Enter picks a word; 229 is Safari's sign of one.
function press(event) {
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key === "Enter" && !event.shiftKey && !composing) submit(event);
}

composer.onsubmit = submit;
text.onkeydown = press;
text.oninput = changed;
newer.onclick = toBottom;
scroller.onscroll = () => { if (atBottom()) newer.hidden = true; };
// A hidden tab's timers are slow.
document.onvisibilitychange = () => { count(0); connect(); };
window.ononline = connect;
window.onoffline = hangUp;
restore();
connect();
