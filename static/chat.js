// The chat's page: one WebSocket that comes back by itself and goes on where it stopped.
// A message is pending until the server has sent it back; then it is in the log.
"use strict";

const HISTORY = 50; // messages before the first pending one, after a reload
const MAX_MESSAGE = 2000; // characters, as on the server
const MAX_SHOWN = 500; // messages in the document: more would slow the page down
const GROUP_TIME = 300; // seconds for which messages of one author share a heading
const PATIENCE = 10000; // ms without an answer that make a line a dead one
const RETRY_TIME = 5000; // ms until a message that could not be stored is sent again
const MAX_DELAY = 10000; // ms between two attempts to connect

const me = document.body.dataset.name;
const title = document.title;
const drawer = `pending:${me}`; // in sessionStorage, which survives a reload
const [scroller, log, messages, waiting, empty, newer, composer, text, status] =
  ["scroller", "log", "messages", "pending", "empty", "newer", "composer", "text", "status"]
    .map((id) => document.getElementById(id));
const days = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });

let ws; // try ws.send("hello") in the browser's console
let opened = false; // whether this ws has been open
let live = false; // whether history is over and messages are news
let cursor = null; // the id of the last message received
let previous = null; // the last message shown
let pending = new Map(); // idempotency key -> text
let attempts = 0;
let unread = 0;
const timers = {};

function later(name, action, delay) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(action, delay);
}

// ------------------------------------------------------------------ The connection

function connect() {
  clearTimeout(timers.connect);
  const address = new URL("/ws", location);
  address.protocol = address.protocol.replace("http", "ws");
  if (cursor !== null) address.searchParams.set("since", cursor);
  ws = new WebSocket(address);
  opened = false;
  ws.onopen = open;
  ws.onmessage = receive;
  ws.onclose = close;
}

function open() {
  opened = true;
  attempts = 0;
  say("Connected");
  sendPending();
  later("settle", settle, 1000);
}

// History is not news: only what comes after it is read aloud and counted.
function settle() {
  live = true;
  log.setAttribute("aria-live", "polite");
  showEmpty();
}

function close(event) {
  say("Offline. What you write is kept and sent later.");
  if (!opened || event.code === 1008) leaveIfSignedOut();
  const delay = Math.min(MAX_DELAY, 500 * 2 ** attempts++);
  later("connect", connect, delay * (0.5 + Math.random() / 2)); // or all come at once
}

// A refused handshake looks like a broken line. The chat page tells which it was.
async function leaveIfSignedOut() {
  const answer = await fetch("/chat", { redirect: "manual" }).catch(() => ({}));
  if (answer.type === "opaqueredirect") location.assign("/");
}

// Without waiting for the closing handshake, which nobody answers on a dead line.
function hangUp() {
  ws.onopen = ws.onmessage = ws.onclose = null;
  ws.close();
  close({});
}

function reconnect() {
  if (ws.readyState === WebSocket.CLOSED) connect();
}

// A line is dead if nothing comes for PATIENCE while a message waits for its answer.
function watch() {
  clearTimeout(timers.watch);
  if (pending.size && ws.readyState === WebSocket.OPEN) later("watch", hangUp, PATIENCE);
}

// ---------------------------------------------------------------- Pending messages

function save() {
  sessionStorage.setItem(drawer, JSON.stringify({ cursor, texts: [...pending] }));
}

// A message sent before the reload may be in the log by now, behind the saved cursor.
function restore() {
  const saved = JSON.parse(sessionStorage.getItem(drawer));
  if (!saved?.texts.length) return;
  if (saved.cursor !== null) cursor = Math.max(0, saved.cursor - HISTORY);
  pending = new Map(saved.texts);
  pending.forEach(showPending);
}

// Not crypto.randomUUID(): browsers have it only on https and on localhost.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function submit(event) {
  event.preventDefault();
  const msg = text.value.trim();
  const tooLong = [...msg].length > MAX_MESSAGE;
  if (tooLong) say(`Messages are limited to ${MAX_MESSAGE} characters.`);
  if (!msg || tooLong) return;
  const key = newKey();
  pending.set(key, msg);
  save();
  showPending(msg, key);
  setText("");
  toBottom();
  if (pending.size === 1) watch();
  transmit(msg, key);
}

function transmit(msg, key) {
  if (ws.readyState === WebSocket.OPEN) ws.send(JSON.stringify({ msg, key }));
}

function sendPending() {
  pending.forEach(transmit);
  watch();
}

// Take a message out of the pending ones; return its place on the page.
function settled(key) {
  pending.delete(key);
  save();
  return waiting.querySelector(`[data-key="${key}"]`);
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
  messages.firstChild?.classList.remove("continued");
  showEmpty();
  watch();
  if (follow) toBottom();
  else newer.hidden = !live;
}

function accept(message) {
  if (cursor !== null && message.id <= cursor) return startAnew();
  cursor = message.id;
  if (message.name === me && pending.has(message.key)) settled(message.key).remove();
  show(message);
  if (live && document.hidden && message.name !== me) unread += 1;
  showUnread();
}

// Ids go back only when the server's log was deleted, and what this page shows with it.
function startAnew() {
  cursor = null;
  save();
  location.reload();
}

function refuse({ error, key, retry }) {
  say(error);
  if (retry) later("retry", sendPending, RETRY_TIME);
  else if (pending.has(key)) fail(pending.get(key), settled(key), error);
}

// -------------------------------------------------------------- What the page shows

function say(sentence) {
  status.textContent = sentence;
  status.classList.toggle("online", ws?.readyState === WebSocket.OPEN);
}

// Strings go in as text, never as HTML: a message may contain anything.
function element(tag, properties, ...content) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...content);
  return node;
}

function avatar(name) {
  const letters = [...name.replace("@", "")];
  const hue = letters.reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  const node = element("span", { className: "avatar", ariaHidden: "true" }, letters[0].toUpperCase());
  node.style.setProperty("--hue", hue);
  return node;
}

function show(message) {
  const at = new Date(message.at * 1000);
  const today = previous && new Date(previous.at * 1000).toDateString() === at.toDateString();
  if (!today) messages.append(element("li", { className: "day" }, days.format(at)));
  const group = today && previous.name === message.name && message.at - previous.at < GROUP_TIME;
  const time = element("time", { dateTime: at.toISOString() }, clock.format(at));
  const name = element("bdi", { className: "name" }, message.name);
  const heading = element("p", { className: "heading" }, name, " ", time);
  const body = element("p", { className: "text", dir: "auto" }, message.msg);
  const item = element("li", { className: "message" }, avatar(message.name), heading, body);
  item.classList.toggle("own", message.name === me);
  item.classList.toggle("continued", Boolean(group));
  messages.append(item);
  previous = message;
}

function showPending(msg, key) {
  const body = element("p", { className: "text", dir: "auto" }, msg);
  const note = element("p", { className: "note" }, "Sending…");
  const item = element("li", { className: "message own pending" }, body, note);
  item.dataset.key = key;
  waiting.append(item);
  showEmpty();
}

function fail(msg, item, error) {
  const edit = element("button", { type: "button", className: "quiet" }, "Edit");
  edit.onclick = () => {
    item.remove();
    setText(msg);
  };
  item.classList.add("failed");
  item.lastChild.replaceChildren(`Not sent. ${error} `, edit);
}

function showEmpty() {
  empty.hidden = !live || messages.childElementCount + pending.size > 0;
}

function showUnread() {
  document.title = unread ? `(${unread}) ${title}` : title;
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

// As high as the text in it; the style sheet stops it at five lines.
function grow() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

// ------------------------------------------------------------------ What people do

// In the middle of an IME composition Enter picks a word; 229 is Safari's sign of one.
function press(event) {
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key === "Enter" && !event.shiftKey && !composing) submit(event);
}

function look() {
  if (document.hidden) return;
  unread = 0;
  showUnread();
  reconnect();
}

composer.onsubmit = submit;
text.onkeydown = press;
text.oninput = grow;
newer.onclick = toBottom;
scroller.onscroll = () => { if (atBottom()) newer.hidden = true; };
document.onvisibilitychange = look;
window.ononline = reconnect;
window.onoffline = hangUp;
restore();
connect();
