// The chat's page: a WebSocket that comes back by itself and goes on where it stopped.
// A message is pending until the server has sent it back; then it is in the log.
"use strict";

const MAX_MESSAGE = 2000; // characters, as on the server
const MAX_SHOWN = 500; // messages in the document: more would slow the page down
const PATIENCE = 10000; // ms without a line while a message waits for its answer
const SILENCE = 45000; // ms without a line: the server sends one every 30 s at least
const RETRY_TIME = 5000; // ms until a message that could not be stored is sent again
const MAX_DELAY = 10000; // ms between two attempts; what lasts longer is a connection
const ANEW_TIME = 5000; // ms within which all pages begin anew, each at its own moment

const me = document.body.dataset.name;
const drawer = me; // in sessionStorage; the next one at this browser is somebody else
const [state, scroller, log, messages, unsentList, composer, newer, problem, text] =
  "status,scroller,log,messages,pending,composer,newer,problem,text".split(",")
    .map((id) => document.getElementById(id));
const mark = build("mark", {}); // above what came while nobody looked

let ws; // try ws.send("hello") in the browser's console
let cursor = null; // the last message received: { since: its id, at: its time }
const pending = new Map(); // idempotency key -> { msg }
const refused = new Map(); // idempotency key -> { msg, note }: the note says why
let attempts = 0, unread = 0, follow = true; // follow: whether one reads at the end
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
  later("lasting", () => { attempts = 0; }, MAX_DELAY);
  if (!cursor) begin();
  sendPending();
}

// The newest messages come: history. What follows is news, read aloud and counted.
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
  say(state, "Offline. Your messages wait here.");
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
  const limit = `Messages are limited to ${MAX_MESSAGE} characters, this has ${length}.`;
  if (length > MAX_MESSAGE) say(problem, limit);
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
  follow = atBottom();
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
  show(message);
  if (log.getAttribute("aria-live") === "off") return;
  newer.hidden = false;
  if (!document.hidden || message.name === me) return;
  if (!unread) messages.lastElementChild.prepend(mark);
  count(unread + 1);
}

// The key alone comes if it was stored before all that this page has been sent.
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

function show(message) {
  messages.append(messageItem(message, messages.lastElementChild));
}

// What is being read stays where it is. Safari does not see to that by itself.
function trim() {
  const before = messages.getBoundingClientRect().bottom;
  while (messages.childElementCount > MAX_SHOWN) messages.firstChild.remove();
  if (CSS.supports("overflow-anchor", "auto")) return;
  scroller.scrollTop += messages.getBoundingClientRect().bottom - before;
}

function unsentItem([key, message]) {
  const item = build("unsent", { ...message, msg: format(message.msg) });
  item.classList.toggle("refused", refused.has(key));
  item.querySelector("button").onclick = () => edit(key);
  return item;
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
  follow = newer.hidden = true;
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
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
  hold();
}

// The end stays in sight when a bar appears, the composer grows, keys cover a phone.
function hold() {
  if (follow) toBottom();
}

// ------------------------------------------------------------------ What people do

// In the middle of an IME composition Enter picks a word; 229 is Safari's sign of one.
function press(event) {
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key === "Enter" && !event.shiftKey && !composing) submit(event);
}

// Who looks again reads on at the mark. Besides, a hidden tab's timers are slow.
function look() {
  if (unread && atBottom()) {
    mark.scrollIntoView({ block: "nearest" });
    newer.hidden = atBottom();
  }
  count(0);
  connect();
}

composer.onsubmit = submit;
text.onkeydown = press;
text.oninput = changed;
newer.onclick = () => { toBottom(); scroller.focus(); }; // or it falls to the body
scroller.onscroll = () => { follow = atBottom(); newer.hidden = newer.hidden || follow; };
document.onvisibilitychange = look;
new ResizeObserver(hold).observe(scroller);
window.onresize = grow;
window.ononline = connect;
window.onoffline = hangUp;
restore();
connect();
