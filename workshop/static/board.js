// The board: the log is a row of boxes, and everybody's bar ends at a cursor. The server
// says where all is; the style sheet lets each thing glide to its place.
const WIDTH = 140; // px of a box that shows its words
const NARROW = 70; // px; in a smaller box there is no room for words
const LEAST = 4; // px of any box; who is further behind stands at the left edge
const MOST = 400; // boxes
const JUMP = 5; // messages; a larger batch lights up
const RETRY = 2000; // ms until the page is loaded anew

const get = (id) => document.getElementById(id);
const boxes = new Map(); // id of a message -> its box
const lanes = new Map(); // name -> its lane
const hues = new Map(); // name -> degrees, in order of appearance
let first = 0, count = 1, end = 0; // of the log: what is to be seen

function add(parent, kind, className, text = "") {
  const element = document.createElement(kind);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}

function paint(element, name) {
  if (!hues.has(name)) hues.set(name, hues.size * 137.508 % 360);
  element.style.setProperty("--hue", hues.get(name));
}

// Puts something over the messages from one id (not included) to another.
function place(element, from, to) {
  const left = Math.max(0, (from - first) / count);
  element.style.left = `${100 * left}%`;
  element.style.width = `${100 * Math.max(0, (to - first) / count - left)}%`;
}

// So many boxes that who is behind is in sight; few, while nobody is.
function look(cursors) {
  const behind = Math.max(0, ...cursors.map((cursor) => end - cursor));
  const width = get("log").clientWidth, few = Math.max(2, Math.floor(width / WIDTH));
  count = Math.min(MOST, width / LEAST, Math.max(few, Math.ceil(behind * 1.2)));
  first = Math.max(0, end - count);
  get("log").classList.toggle("narrow", width / count < NARROW);
}

function grow(fresh) {
  for (const [id, name, words] of fresh) {
    const box = add(get("log"), "li", "box", words);
    paint(box, name);
    box.dataset.id = id;
    box.title = `${name}: ${words}`;
    boxes.set(id, box);
  }
}

function arrange() {
  for (const [id, box] of boxes) {
    if (id > end - MOST) place(box, id - 1, id);
    else if (box.remove() ?? true) boxes.delete(id);
  }
  get("log").querySelector(".none").hidden = boxes.size > 0;
}

function addLane(name) {
  const lane = add(get("lanes"), "li", "lane");
  paint(lane, name);
  add(lane, "span", "name", name);
  add(lane, "span", "behind");
  add(add(lane, "div", "track"), "div", "bar");
  lane.cursor = end;
  lanes.set(name, lane);
}

function move([name, cursor, state, mine]) {
  const lane = lanes.get(name);
  const [, behind, track] = lane.children, words = [];
  if (state === "lost") words.push("line lost");
  if (cursor < end) words.push(`${end - cursor} behind`);
  lane.className = `lane ${state} ${mine ? "mine" : ""}`;
  behind.textContent = words.join(", ");
  place(track.firstChild, first, cursor);
  if (cursor - lane.cursor > JUMP) flash(add(track, "div", "batch"), lane.cursor, cursor);
  lane.cursor = cursor;
}

function flash(batch, from, to) {
  place(batch, from, to);
  batch.addEventListener("animationend", () => batch.remove());
}

// A message that is there already: its box shakes.
function shake([, id]) {
  const box = boxes.get(id);
  box?.classList.add("again");
  box?.addEventListener("animationend", () => box.classList.remove("again"), { once: true });
}

function receive({ data }) {
  const frame = JSON.parse(data), names = new Set(frame.lanes.map(([name]) => name));
  end = frame.end;
  grow(frame.boxes);
  for (const [name, lane] of lanes) {
    if (!names.has(name)) lanes.delete(name) && lane.remove();
  }
  for (const name of names) if (!lanes.has(name)) addLane(name);
  look(frame.lanes.filter(([, , state]) => state !== "lost").map(([, cursor]) => cursor));
  arrange();
  frame.lanes.forEach(move);
  frame.resends.forEach(shake);
  tell(frame);
}

function tell({ lanes: drawn, more }) {
  const mine = drawn.some(([, , state, mine]) => mine && state !== "lost");
  get("tunnel").disabled = get("twice").disabled = !mine;
  get("advice").hidden = mine;
  const rest = more ? `, ${drawn.length} drawn` : "";
  get("count").textContent = `${drawn.length + more} people${rest} · ${end} messages`;
}

const ws = new WebSocket(`${location.origin.replace("http", "ws")}/board/ws`);
ws.onmessage = receive;
ws.onclose = () => {
  get("count").textContent = "The chat is not running.";
  setTimeout(() => location.reload(), RETRY);
};
get("tunnel").onclick = () => ws.send("tunnel");
get("twice").onclick = () => ws.send("twice");
