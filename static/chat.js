// The chat's page: a WebSocket that comes back by itself and goes on where it stopped.
// A message is pending until the server has sent it back; then it is in the log.
import { build, format, joins, messageItem } from "./message.js";

const MAX_MESSAGE = 2000; // characters, as on the server
const MAX_SHOWN = 500; // messages in the document: more would slow the page down
const MAX_READ = 2000; // the same while somebody reads further up, who must not lose them
const PATIENCE = 10000; // ms without a line while a message waits for its answer
const HEARTBEAT = 26000; // ms: the server sends a line every 25 s at least
const SILENCE = 45000; // ms without a line after which it is dead: one may be late
const RETRY_TIME = 5000; // ms until a message that could not be stored is sent again
const MAX_DELAY = 10000; // ms between two attempts; what lasts longer is a connection
const ANEW_TIME = 5000; // ms within which all pages begin anew, each at its own moment
const CATCH_UP = 1000; // ms after opening in which what comes is not news to read aloud

const OFFLINE = "Offline. Your messages wait here.";
const BLOCKED = `The server answers, but something on the way blocks the chat’s line
  (a WebSocket). Try another network, or the address with numbers (such as
  http://192.168.1.5:5000), or ask your teacher. Your messages wait here.`;

const me = document.body.dataset.name;
const touch = matchMedia("(pointer: coarse)");
const mark = build("mark", {}); // above what came while nobody looked
const page = {}; // its parts, each under its id
for (const part of document.querySelectorAll("[id]")) page[part.id] = part;

let ws; // window.ws: try ws.send("hello") in the browser's console
let online = false;
let heard = 0; // ms: when the last line came
let attempts = 0; // since a connection lasted
let reason = OFFLINE; // why there is no line
let asking = false; // the server, for the reason
let leaving = false; // for another page
let stage = "history"; // what comes: "history", "missed" while offline, or "news"
let cursor = null; // the last message received: { since: its id, at: its time }
let first = null; // the message that began the last group
let follow = true; // whether one reads at the end
let unread = 0;
const unsent = new Map(); // idempotency key -> { message, item }; with a note: refused
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
  Object.assign(ws, { onopen: greet, onmessage: receive, onclose: lose });
  window.ws = ws;
  heard = Date.now();
  later("watch", hangUp, PATIENCE); // for the opening, too
}

function greet() {
  showState(true, "Connected");
  reason = OFFLINE;
  // Not at once: a server that lets us in and then fails is to be left in peace, too.
  later("lasting", () => { attempts = 0; }, MAX_DELAY);
  enter(cursor ? "missed" : "history");
  later("news", () => enter("news"), CATCH_UP);
  sendPending();
}

// 1008: signed out. 1012: the log is not the one shown here, or is far ahead of it.
function lose({ code }) {
  clearTimeout(timers.watch);
  clearTimeout(timers.lasting);
  if (code === 1008 || !online) askWhy();
  showState(false, reason);
  if (code === 1012) cursor = null;
  // With a random part, or all would come back at once.
  const delay = Math.min(MAX_DELAY, 500 * 2 ** attempts++) * (0.5 + Math.random() / 2);
  later("connect", connect, code === 1012 ? ANEW_TIME * Math.random() : delay);
}

// A refused handshake looks like a broken line. The chat's own page tells which it was.
async function askWhy() {
  if (asking) return;
  asking = true;
  const request = fetch("/chat", { redirect: "manual" });
  const answer = await request.catch(() => Response.error());
  const html = answer.ok ? await answer.text().catch(() => "") : "";
  const { name } = new DOMParser().parseFromString(html, "text/html").body.dataset;
  asking = false;
  if (answer.type === "opaqueredirect" || name && name !== me) return leave("/chat");
  reason = name ? BLOCKED : OFFLINE;
  if (!online) showState(false, reason);
}

// What is unsent stays in sessionStorage: no need to ask.
function leave(address) {
  if (!leaving) location.assign(address);
  leaving = true;
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

// While a computer sleeps, no timer runs and no goodbye arrives.
function wake() {
  leaving = false;
  if (ws.readyState <= WebSocket.OPEN && Date.now() - heard > HEARTBEAT) hangUp();
  connect();
}

// For the browser's console: the line breaks, and comes back after some seconds.
function tunnel(seconds) {
  hangUp();
  later("connect", connect, seconds * 1000);
}

async function signOut(event) {
  event.preventDefault();
  const { action, method } = page.leave;
  const body = new URLSearchParams(new FormData(page.leave));
  try {
    await fetch(action, { method, body, redirect: "manual" });
    leave("/");
  } catch {
    say(page.problem, "The server cannot be reached: you are still signed in.");
  }
}

// ----------------------------------------------------------------- Unsent messages

function submit(event) {
  event.preventDefault();
  page.text.focus();
  const msg = trimmed(page.text.value);
  const length = [...msg].length; // as the server counts: an emoji is one
  const limit = `Messages are limited to ${MAX_MESSAGE} characters, this has ${length}.`;
  if (length > MAX_MESSAGE) say(page.problem, limit);
  else if (msg) send(msg);
}

// The first line of pasted code keeps its indent.
function trimmed(text) {
  return text.replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
}

function send(msg) {
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const alone = !isPending();
  keep(key, { msg, at: Date.now() });
  setText("");
  toBottom();
  transmit({ msg, key });
  if (alone) watch();
}

function transmit(object) {
  if (online) ws.send(JSON.stringify(object));
}

function sendPending() {
  for (const [key, { message }] of unsent) {
    if (!message.note) transmit({ msg: message.msg, key });
  }
  watch();
}

function isPending() {
  return [...unsent.values()].some(({ message }) => !message.note);
}

function keep(key, message) {
  const item = unsentItem(key, message);
  if (unsent.has(key)) unsent.get(key).item.replaceWith(item);
  else page.pending.append(item);
  unsent.set(key, { message, item });
  page.empty.hidden = true;
  align();
  stored((storage) => storage.setItem(`${drawer}:${key}`, JSON.stringify(message)));
}

function drop(key) {
  const { message, item } = unsent.get(key);
  item.remove();
  unsent.delete(key);
  align();
  stored((storage) => storage.removeItem(`${drawer}:${key}`));
  return message;
}

// sessionStorage survives a reload. Where it is full or forbidden, all else works.
const drawer = `chat:${me}`; // one key for what is being written, one for each message
function stored(action) {
  try { return action(sessionStorage); } catch { return null; }
}

// What was sent before the reload may be in the log by now: the server knows its key.
// What does not fit is of another program, or of an older page.
function restore() {
  const read = (name) => stored((storage) => JSON.parse(storage.getItem(name))) ?? {};
  const names = (stored(Object.keys) ?? []).filter((name) => name.startsWith(`${drawer}:`));
  const found = names.map((name) => [name.slice(drawer.length + 1), read(name)]);
  const sound = found.filter(([, { msg, at }]) => msg?.trim && Number.isFinite(at));
  sound.sort(([, one], [, other]) => one.at - other.at);
  for (const [key, message] of sound) keep(key, message);
  const { draft } = read(drawer);
  setText(draft?.trim ? draft : "");
}

// Back into the composer, in front of what is being written there.
function edit(key) {
  setText(trimmed(`${drop(key).msg}\n${page.text.value}`));
}

// ------------------------------------------------------------ What the server says

// What a line means: the first of these keys that it has decides. Others are ignored.
const kinds = {
  error: refuse,
  msg: accept,
  key: settle,
};

function receive(event) {
  heard = Date.now();
  follow = atBottom();
  for (const line of event.data.split("\n")) {
    const object = JSON.parse(line);
    const kind = Object.keys(kinds).find((key) => key in object);
    if (kind) kinds[kind](object);
  }
  trim();
  watch();
  hold();
  tellUnread();
}

function accept(message) {
  cursor = { since: message.id, at: message.at };
  if (message.name === me) settle(message);
  const item = show(message);
  if (stage === "history" || message.name === me || isSeen()) return;
  if (!unread++) setMark(item);
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
  else if (unsent.has(key)) keep(key, { ...unsent.get(key).message, note: error });
}

// -------------------------------------------------------------- What the page shows

// The same words again would be read aloud again.
function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function showState(open, words) {
  online = open;
  page.status.className = open ? "online" : "offline";
  say(page.status, words);
}

// Only news are read aloud, and not what was said before or meanwhile.
function enter(next) {
  stage = next;
  page.log.setAttribute("aria-live", stage === "news" ? "polite" : "off");
  if (stage === "history") {
    page.messages.replaceChildren();
    first = null;
  }
  const empty = !page.messages.firstChild && !unsent.size;
  page.empty.hidden = stage === "history" || !empty;
}

function show(message) {
  const item = messageItem(message, first);
  item.classList.toggle("own", message.name === me);
  if (!joins(message, first)) first = message;
  page.messages.append(item);
  page.empty.hidden = true;
  align();
  return item;
}

function unsentItem(key, { msg, note }) {
  const item = build("unsent", { msg: format(msg), note: `Not sent. ${note}` });
  item.classList.toggle("refused", Boolean(note));
  item.querySelector("button").onclick = () => edit(key);
  return item;
}

// The first pending message has a heading if it will have one when it is stored, or it
// would jump then. The others join it.
function align() {
  const now = { name: me, at: Date.now() / 1000 };
  page.pending.firstElementChild?.classList.toggle("continued", joins(now, first));
}

// At the end of the log only what is out of sight goes.
function trim() {
  const most = follow ? MAX_SHOWN : MAX_READ;
  while (page.messages.childElementCount > most) page.messages.firstChild.remove();
  page.messages.firstElementChild?.classList.remove("same-day", "continued");
}

function setMark(item) {
  item.classList.remove("continued");
  item.prepend(mark);
}

function isSeen() {
  return follow && !document.hidden;
}

function tellUnread() {
  if (isSeen()) unread = 0;
  const news = unread === 1 ? "1 new message" : `${unread} new messages`;
  say(page.newer, unread ? `${news} ↓` : "Newest messages ↓");
  page.newer.hidden = follow;
  document.title = unread ? `(${unread}) Chat` : "Chat";
}

function atBottom() {
  const { scrollHeight, scrollTop, clientHeight } = page.scroller;
  return scrollHeight - scrollTop - clientHeight < 40;
}

// The end stays in sight when a bar appears, the composer grows, keys cover a phone.
function hold() {
  if (follow) page.scroller.scrollTop = page.scroller.scrollHeight;
}

function toBottom() {
  follow = true;
  tellUnread();
  hold();
}

function setText(text) {
  page.text.value = text;
  change();
  page.text.focus();
}

function change() {
  grow();
  const draft = JSON.stringify({ draft: page.text.value });
  stored((storage) => storage.setItem(drawer, draft));
  say(page.problem, "");
}

// As high as the text and its two borders; the style sheet stops it at five lines.
function grow() {
  page.text.style.height = "auto";
  page.text.style.height = `${page.text.scrollHeight + 2}px`;
  hold();
}

// ------------------------------------------------------------------ What people do

// In the middle of an IME composition Enter picks a word; 229 is Safari's sign of one.
// A keyboard on a touch screen has no Shift and Enter: there, the button sends.
function press(event) {
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key !== "Enter" || event.shiftKey || composing || touch.matches) return;
  submit(event);
}

// Whoever types while reading means the composer; the space bar and shortcuts do not.
function typeThere({ key, ctrlKey, metaKey, altKey }) {
  if ([...key].length > 1 || key === " " || ctrlKey || metaKey || altKey) return;
  page.text.focus();
}

// Who looks again reads on at the mark. Besides, a hidden tab's timers are slow.
function look() {
  if (document.hidden) return;
  if (unread && follow) mark.scrollIntoView({ block: "nearest" });
  notice();
  wake();
}

function notice() {
  follow = atBottom();
  tellUnread();
}

function ask(event) {
  if (unsent.size && !leaving) event.preventDefault();
}

page.composer.onsubmit = submit;
page.text.onkeydown = press;
page.text.oninput = change;
page.leave.onsubmit = signOut;
page.newer.onclick = () => { toBottom(); page.scroller.focus(); }; // or it is on the body
page.scroller.onkeydown = typeThere;
page.scroller.onscroll = notice;
new ResizeObserver(hold).observe(page.scroller);
document.onvisibilitychange = look;
Object.assign(window, { tunnel, onresize: grow, onbeforeunload: ask });
Object.assign(window, { ononline: wake, onpageshow: wake, onoffline: hangUp });
restore();
connect();
