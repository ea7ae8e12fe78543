// The chat's page: a WebSocket that comes back by itself and goes on where it stopped.
// A message is pending until the server has sent it back; then it is in the log.
import { build, format, joins, messageItem } from "./message.js";

const MAX_MESSAGE = 2000; // characters, as on the server
const MAX_SHOWN = 500; // messages in the document: more would slow the page down
const PATIENCE = 10000; // ms without a line while a message waits for its answer
const HEARTBEAT = 26000; // ms: the server sends a line every 25 s at least
const SILENCE = 45000; // ms without a line until the connection counts as dead
const RETRY_TIME = 5000; // ms until a message that could not be stored is sent again
const MAX_DELAY = 10000; // ms between two attempts; what lasts longer is a connection
const ANEW_TIME = 5000; // ms within which all pages begin anew, each at its own moment
const CATCH_UP = 1000; // ms after opening in which nothing that comes is read aloud

const me = document.body.dataset.name;
const drawer = `chat:${me}`; // in sessionStorage: the draft; with a key, a message
const mark = build("mark", {}); // above what came while nobody looked
const page = {}; // its parts, each under its id
for (const part of document.querySelectorAll("[id]")) page[part.id] = part;

let ws; // also window.ws: try ws.send("hello") in the browser's console
let online = false;
let reason = "offline"; // why it is not online: that, or "blocked"
let attempts = 0; // since the last connection that lasted
let heard = 0; // ms: when the last line came
let cursor = null; // the last message received: { since: its id, at: its time }
let stage = "history"; // what comes: "history", "missed" while offline, or "news"
let first = null; // the message that began the last group
let follow = true; // whether one reads at the end
let unread = 0; // messages
const unsent = new Map(); // idempotency key -> { msg, item }; refused: { msg, note, item }
const timers = {};

function later(name, action, delay, ...values) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(action, delay, ...values);
}

function connect() {
  if (ws?.readyState <= WebSocket.OPEN) return;
  const query = new URLSearchParams({ name: me, ...cursor });
  ws = window.ws = new WebSocket(`${location.origin.replace("http", "ws")}/ws?${query}`);
  Object.assign(ws, { onopen: greet, onmessage: receive, onclose: lose });
  heard = Date.now();
  later("watch", hangUp, PATIENCE); // for the opening, too
}

function greet() {
  showState("online");
  // Not at once: a server that lets us in and then fails is to be left in peace, too.
  later("lasting", () => { attempts = 0; }, MAX_DELAY);
  if (!cursor) page.messages.replaceChildren();
  enter(cursor ? "missed" : "history");
  later("news", enter, CATCH_UP, "news");
  sendPending();
}

// 1008: signed out. 1012: the log is not the one shown here, or is far ahead of it.
function lose({ code }) {
  clearTimeout(timers.watch);
  clearTimeout(timers.lasting);
  if (online) reason = "offline";
  if (code === 1008 || !online) askWhy();
  showState(reason);
  if (code === 1012) cursor = first = null;
  // With a random part, or all would come back at once.
  const delay = Math.min(MAX_DELAY, 500 * 2 ** attempts++) * (0.5 + Math.random() / 2);
  later("connect", connect, code === 1012 ? ANEW_TIME * Math.random() : delay);
}

// A refused handshake looks like a broken line. The chat's own page tells which it was.
async function askWhy() {
  const answer = await fetch("/chat", { redirect: "manual" }).catch(() => ({}));
  const html = answer.ok ? await answer.text() : "";
  const { name } = new DOMParser().parseFromString(html, "text/html").body.dataset;
  if (answer.type === "opaqueredirect" || (name && name !== me)) return leave("/chat");
  reason = name ? "blocked" : "offline";
  if (!online) showState(reason);
}

// Once, and without asking: what is unsent stays in this tab.
function leave(address) {
  if (window.onbeforeunload) location.assign(address);
  window.onbeforeunload = null;
}

// Without waiting for the closing handshake, which nobody answers on a dead connection.
function hangUp() {
  ws.onopen = ws.onmessage = ws.onclose = null;
  ws.close();
  lose({});
}

// A line that dies silently is noticed: soon, if a message waits for its answer.
function watch() {
  if (online) later("watch", hangUp, isPending() ? PATIENCE : SILENCE);
}

// While a computer sleeps, no goodbye arrives.
function wake() {
  if (ws.readyState <= WebSocket.OPEN && Date.now() - heard > HEARTBEAT) hangUp();
  connect();
}

// Without a server, the form would lead to an error page of the browser.
async function signOut(event) {
  event.preventDefault();
  const form = { method: "POST", body: new URLSearchParams(new FormData(page.signout)) };
  const answer = await fetch("/logout", { ...form, redirect: "manual" }).catch(() => null);
  if (answer) leave("/");
  else say(page.problem, "The server does not answer: you are still signed in.");
}

function submit(event) {
  event.preventDefault();
  page.text.focus();
  // The first line of pasted code keeps its indent.
  const msg = page.text.value.replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
  const length = [...msg].length; // as the server counts: an emoji is one
  const limit = `Messages are limited to ${MAX_MESSAGE} characters, this has ${length}.`;
  if (length > MAX_MESSAGE) say(page.problem, limit);
  else if (msg) send(msg);
}

function send(msg) {
  const random = crypto.getRandomValues(new Uint32Array(3)).join("-");
  const key = `${Date.now()}-${random}`; // sorted, they are in order of time
  if (online && !isPending()) later("watch", hangUp, PATIENCE);
  follow = true;
  keep(key, { msg });
  setText("");
  transmit({ msg, key });
}

function transmit(object) {
  if (online) ws.send(JSON.stringify(object));
}

function sendPending() {
  for (const [key, { msg, note }] of unsent) if (!note) transmit({ msg, key });
  watch();
}

function isPending() {
  return [...unsent.values()].some(({ note }) => !note);
}

// It has a heading if it will have one when it is stored, or it would jump then.
function keep(key, message) {
  const item = build("unsent", { msg: format(message.msg), note: message.note ?? "" });
  const joined = unsent.size || joins({ name: me, at: Date.now() / 1000 }, first);
  item.classList.toggle("continued", Boolean(joined));
  item.classList.toggle("refused", Boolean(message.note));
  item.querySelector("button").onclick = () => edit(key);
  page.pending.append(item);
  unsent.set(key, { ...message, item });
  stored((storage) => storage.setItem(`${drawer}:${key}`, JSON.stringify(message)));
}

function drop(key) {
  const { item, ...message } = unsent.get(key);
  item.remove();
  unsent.delete(key);
  stored((storage) => storage.removeItem(`${drawer}:${key}`));
  return message;
}

// sessionStorage survives a reload. Where it is full or forbidden, all else works.
function stored(action) {
  try { return action(sessionStorage); } catch { return null; }
}

// What was sent before the reload may be in the log by now: the server knows its key.
// What does not fit is of another program, or of an older page.
function restore() {
  const read = (name) => stored((storage) => JSON.parse(storage.getItem(name))) ?? {};
  for (const name of (stored(Object.keys) ?? []).sort()) {
    const { msg, note } = name.startsWith(`${drawer}:`) ? read(name) : {};
    if (typeof msg === "string") keep(name.slice(drawer.length + 1), { msg, note });
  }
  const { draft } = read(drawer);
  setText(typeof draft === "string" ? draft : "");
}

// Back into the composer, in front of what is being written there.
function edit(key) {
  setText(`${drop(key).msg}\n${page.text.value}`.trimEnd());
}

// What a line means: the first of these keys that it has decides. Others are ignored.
const kinds = {
  error: refuse,
  msg: accept,
  key: settle,
};

function receive(event) {
  heard = Date.now();
  notice();
  for (const line of event.data.split("\n")) {
    const object = JSON.parse(line);
    const kind = Object.keys(kinds).find((key) => key in object);
    if (kind) kinds[kind](object);
  }
  trim();
  watch();
  hold();
}

function accept(message) {
  cursor = { since: message.id, at: message.at };
  if (message.name === me) settle(message);
  const item = show(message);
  const seen = follow && !document.hidden;
  if (seen || stage === "history" || message.name === me || unread++) return;
  item.classList.remove("continued");
  item.prepend(mark);
}

// The key alone comes if it was stored before all that this page has been sent.
function settle({ key, msg }) {
  if (!unsent.has(key)) return;
  drop(key);
  if (!msg) say(page.problem, "Your message is stored, further up than this page reaches.");
  else if (!isPending()) say(page.problem, "");
}

function refuse({ error, key, retry }) {
  say(page.problem, error);
  if (retry) later("retry", sendPending, RETRY_TIME);
  else if (unsent.has(key)) keep(key, { ...drop(key), note: `Not sent. ${error}` });
}

// The same words again would be read aloud again.
function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function showState(state) {
  online = state === "online";
  page.status.className = online ? "online" : "offline";
  say(page.status, page.status.dataset[state]);
}

// Only news is read aloud; history, which comes first or anew, is not counted, either.
function enter(next) {
  stage = next;
  page.log.setAttribute("aria-live", stage === "news" ? "polite" : "off");
  tell();
}

function show(message) {
  const item = messageItem(message, first);
  item.classList.toggle("own", message.name === me);
  if (!joins(message, first)) first = message;
  page.messages.append(item);
  return item;
}

// Only what is out of sight goes, unless somebody stays up there for too long.
function trim() {
  const most = follow ? MAX_SHOWN : 4 * MAX_SHOWN;
  while (page.messages.childElementCount > most) page.messages.firstChild.remove();
  page.messages.firstChild?.classList.remove("same-day", "continued");
}

function notice() {
  const { scrollHeight, scrollTop, clientHeight } = page.scroller;
  follow = scrollHeight - scrollTop - clientHeight < 40;
  tell();
}

// The end stays in sight when a bar appears, the composer grows, keys cover a phone.
function hold() {
  if (follow) page.scroller.scrollTop = page.scroller.scrollHeight;
  tell();
}

function tell() {
  if (follow && !document.hidden) unread = 0;
  document.title = unread ? `(${unread}) Chat` : "Chat";
  page.newer.textContent = unread ? `${unread} new ↓` : "Newest ↓";
  page.newer.hidden = follow;
  page.empty.hidden = Boolean(stage !== "news" || page.messages.firstChild || unsent.size);
}

function setText(text) {
  page.text.value = text;
  change();
  page.text.focus();
}

function change() {
  grow();
  say(page.problem, "");
  const draft = JSON.stringify({ draft: page.text.value });
  stored((storage) => storage.setItem(drawer, draft));
}

// As high as the text and its two borders; the style sheet stops it at five lines.
function grow() {
  page.text.style.height = "auto";
  page.text.style.height = `${page.text.scrollHeight + 2}px`;
  hold();
}

// In the middle of an IME composition Enter picks a word; 229 is Safari's sign of one.
// The keyboard on a touch screen has no Shift and Enter: there, the button sends.
function press(event) {
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key !== "Enter" || event.shiftKey || composing) return;
  if (!matchMedia("(pointer: coarse)").matches) submit(event);
}

// Whoever types while reading means the composer; the space bar and shortcuts do not.
function typeThere({ key, ctrlKey, metaKey, altKey }) {
  const writes = [...key].length === 1 && key !== " " && !ctrlKey && !metaKey && !altKey;
  if (writes) page.text.focus();
}

// Who looks again reads on at the mark. Besides, a hidden tab's timers are slow.
function look() {
  if (unread && follow) mark.scrollIntoView({ block: "nearest" });
  notice();
  wake();
}

page.composer.onsubmit = submit;
page.text.onkeydown = press;
page.text.oninput = change;
page.signout.onsubmit = signOut;
page.newer.onclick = () => { follow = true; page.scroller.focus(); hold(); };
page.scroller.onkeydown = typeThere;
page.scroller.onscroll = notice;
new ResizeObserver(hold).observe(page.scroller);
document.onvisibilitychange = () => document.hidden || look();
window.onbeforeunload = (event) => { if (unsent.size) event.preventDefault(); };
Object.assign(window, { onresize: grow, ononline: wake, onpageshow: wake, onoffline: hangUp });
// For the browser's console: the line breaks, and comes back after some seconds.
window.tunnel = (seconds) => { hangUp(); later("connect", connect, seconds * 1000); };
restore();
connect();
