// The chat's page: one WebSocket that comes back by itself and goes on where it stopped.
// A message is pending until the server has sent it back; then it is in the log.
"use strict";

const HISTORY = 50; // messages before the first pending one, after a reload
const MAX_MESSAGE = 2000; // characters, as on the server
const MAX_SHOWN = 500; // messages in the document: more would slow the page down
const GROUP_TIME = 300; // seconds for which messages of one author share a heading
const PATIENCE = 10000; // ms without an answer that make a connection a dead one
const RETRY_TIME = 5000; // ms until a message that could not be stored is sent again
const MAX_DELAY = 10000; // ms between two attempts to connect

const me = document.body.dataset.name;
const [scroller, log, messages, unsentList, newer, composer, text, status] =
  ["scroller", "log", "messages", "pending", "newer", "composer", "text", "status"]
    .map((id) => document.getElementById(id));
const days = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });

let ws; // try ws.send("hello") in the browser's console
let cursor = null; // the id of the last message received
let previous = {}; // the last message shown
const pending = new Map(); // idempotency key -> { msg }
const refused = new Map(); // idempotency key -> { msg, note }: the note says why
let attempts = 0, unread = 0;
const timers = {};

function later(name, action, delay) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(action, delay);
}

// ------------------------------------------------------------------ The connection

// Somebody else may have signed in here meanwhile, and must not send my messages.
function connect() {
  if (localStorage.name !== me) return location.reload();
  if (ws?.readyState <= WebSocket.OPEN) return;
  const since = cursor === null ? "" : `?since=${cursor}`;
  ws = new WebSocket(`${location.origin.replace("http", "ws")}/ws${since}`);
  Object.assign(ws, { onopen: open, onmessage: receive, onclose: close });
  later("watch", hangUp, PATIENCE); // for the opening, too
}

function open() {
  attempts = 0;
  say("Connected");
  sendPending();
  // History is not news: only what comes after it is read aloud and counted.
  later("news", () => { log.ariaLive = "polite"; }, 1000);
}

function close(event) {
  if (event?.code === 1012) return startAnew();
  say("Offline. Your messages wait.");
  watch();
  leaveIfSignedOut();
  // With a random part, or all would come back at once.
  later("connect", connect, Math.min(MAX_DELAY, 500 * 2 ** attempts++) * (0.5 + Math.random() / 2));
}

// A refused handshake looks like a broken connection. The chat page tells which it was.
async function leaveIfSignedOut() {
  const answer = await fetch("/chat", { redirect: "manual" }).catch(() => ({}));
  if (answer.type === "opaqueredirect") location.assign("/");
}

// Without waiting for the closing handshake, which nobody answers on a dead connection.
function hangUp() {
  ws.onopen = ws.onmessage = ws.onclose = null;
  ws.close();
  close();
}

// A connection is dead if nothing comes for PATIENCE while a message waits for its answer.
function watch() {
  clearTimeout(timers.watch);
  if (pending.size && ws.readyState <= WebSocket.OPEN) later("watch", hangUp, PATIENCE);
}

// ---------------------------------------------------------------- Pending messages

function submit(event) {
  event.preventDefault();
  const msg = text.value.trim();
  if ([...msg].length > MAX_MESSAGE) say(`Messages are limited to ${MAX_MESSAGE} characters.`);
  else if (msg) send({ msg }, crypto.getRandomValues(new Uint32Array(4)).join("-"));
}

function send(message, key) {
  pending.set(key, message);
  update();
  setText("");
  toBottom();
  transmit(message, key);
  if (pending.size === 1) watch();
}

function transmit({ msg }, key) {
  if (ws.readyState === WebSocket.OPEN) ws.send(JSON.stringify({ msg, key }));
}

function sendPending() {
  pending.forEach(transmit);
  watch();
}

// sessionStorage survives a reload. Under my name: the next one here is somebody else.
function update() {
  const unsent = [...refused, ...pending];
  sessionStorage.setItem(me, JSON.stringify({ cursor, unsent }));
  unsentList.replaceChildren(...unsent.map(unsentItem));
}

// A message sent before the reload may be in the log by now, behind the saved cursor.
function restore() {
  const saved = JSON.parse(sessionStorage.getItem(me));
  if (!saved?.unsent.length) return;
  cursor = Math.max(0, saved.cursor - HISTORY);
  for (const [key, message] of saved.unsent) pending.set(key, message);
  update();
}

// Back into the composer, in front of what is being written there.
function edit(key) {
  setText(`${refused.get(key).msg}\n${text.value}`.trim());
  refused.delete(key);
  update();
}

// ------------------------------------------------------------ What the server says

function receive(event) {
  const follow = atBottom();
  for (const line of event.data.split("\n")) {
    const message = JSON.parse(line);
    if ("error" in message) refuse(message);
    else accept(message);
  }
  while (messages.childElementCount > MAX_SHOWN) messages.firstChild.remove();
  watch();
  if (follow) toBottom();
}

function accept(message) {
  if (cursor !== null && message.id <= cursor) return startAnew();
  cursor = message.id;
  if (message.name === me && pending.delete(message.key)) {
    update();
    say("Connected");
  }
  show(message);
  if (log.ariaLive === "off") return;
  newer.hidden = false;
  if (document.hidden && message.name !== me) count(unread + 1);
}

// Ids go back, and 1012 comes, only when the log has lost what this page shows.
function startAnew() {
  cursor = 0;
  update();
  location.reload();
}

function refuse({ error, key, retry }) {
  say(error);
  if (retry) return later("retry", sendPending, RETRY_TIME);
  if (!pending.has(key)) return;
  refused.set(key, { ...pending.get(key), note: `Not sent. ${error}` });
  pending.delete(key);
  update();
}

// -------------------------------------------------------------- What the page shows

// The same words again would be read aloud again.
function say(sentence) {
  if (status.textContent !== sentence) status.textContent = sentence;
  status.classList.toggle("online", ws.readyState === WebSocket.OPEN);
}

// Strings go in as text, never as HTML: a message may contain anything.
function build(kind, parts) {
  const item = document.getElementById(kind).content.firstElementChild.cloneNode(true);
  for (const part in parts) item.querySelector(`.${part}`).textContent = parts[part];
  return item;
}

function show({ name, msg, at }) {
  const day = days.format(at * 1000);
  const [avatar] = name.replace("@", "").toUpperCase();
  const item = build("message", { day, avatar, name, time: clock.format(at * 1000), msg });
  const group = day === previous.day && name === previous.name && at - previous.at < GROUP_TIME;
  item.style.setProperty("--hue", hue(name));
  item.classList.toggle("own", name === me);
  item.classList.toggle("today", day === previous.day);
  item.classList.toggle("continued", group);
  messages.append(item);
  previous = { name, at, day };
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
  grow();
  text.focus();
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
text.oninput = grow;
newer.onclick = toBottom;
scroller.onscroll = () => { newer.hidden ||= atBottom(); };
document.onvisibilitychange = () => { count(0); connect(); }; // a hidden tab's timers are slow
window.ononline = connect;
window.onoffline = hangUp;
localStorage.name = me; // of whoever opened this chat last, in any tab
restore();
connect();
