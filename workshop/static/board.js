// The board: the log is a row of squares, and everybody's cursor moves along it.
// The server says where all is; here each thing glides to its place.
"use strict";

const LEAST = 16; // squares that have room at least
const MOST = 512; // and at most; who is further behind stands at the left edge
const FULL = 0.95; // of the row: then it moves on
const AFTER = 0.6; // how full it is then
const PAGE_TIME = 3; // seconds that a row lasts, at least
const ROW = { y: 30, height: 48 }; // px: the squares, under their numbers
const TOP = 96; // px: where the lanes begin
const MARGIN = 12; // px on the left
const LANE = 46; // px, at most
const ONE_COLUMN = 36; // names; more stand in two
const MAX_NAME = 12; // characters
const EASE = 90; // ms: then two thirds of a way are done
const CELL = 8; // px; narrower ones are not drawn
const PAUSE = 30; // ms between two pictures, at least
const FLIGHT = 600; // ms from an author to the log
const FLIGHTS = 5; // drawn at once
const JUMP = 0.5; // seconds of talk; a batch of more lights up
const RETRY = 2000; // ms until the page is loaded anew
const SVG = "http://www.w3.org/2000/svg";

const get = (id) => document.getElementById(id);
const [stage, bars, grid, flags, units, squares, numbers, effects] =
  "stage,bars,grid,flags,units,squares,numbers,effects".split(",").map(get);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

const people = new Map(); // number of a line -> its lane
const size = {}; // of lanes and names, px
const goal = { first: 0, count: LEAST }; // what part of the log is to be seen
const view = { first: 0, count: LEAST }; // and what part is
const moving = new Set(); // effects: functions of the time, which return true at the end
let end = 0, rate = 0, told = 0, painted = 0, running = false;

function add(kind, parent, attributes = {}) {
  const element = document.createElementNS(SVG, kind);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  parent.append(element);
  return element;
}

function set(element, attributes) {
  for (const name in attributes) element.setAttribute(name, attributes[name]);
}

function colour(element, name) {
  element.style.setProperty("--hue", hue(name));
  return element;
}

// --------------------------------------------------------------------- The view

const pitch = () => (stage.clientWidth - MARGIN - size.right) / view.count;
const x = (id) => Math.max(MARGIN, MARGIN + (id - view.first) * pitch());

// The row shows so much that it lasts a while, and that who is behind is in sight.
function look(cursors) {
  const behind = Math.min(end, ...cursors.filter((id) => id > end - MOST / 2));
  const wanted = Math.max(LEAST, rate * PAGE_TIME / (1 - AFTER), (end - behind) * 1.7);
  const count = Math.min(MOST, 2 ** Math.ceil(Math.log2(wanted)));
  const full = end > goal.first + goal.count * FULL;
  if (!full && behind >= goal.first && count <= goal.count) return;
  goal.count = count;
  goal.first = Math.max(0, Math.min(end - Math.round(count * AFTER), behind - 1));
}

function measure() {
  const columns = people.size > ONE_COLUMN ? 2 : 1;
  const room = (stage.clientHeight - TOP - 4) / Math.max(1, people.size);
  size.lane = Math.min(LANE, room);
  size.name = Math.min(24, size.lane * columns * 0.84);
  size.column = size.name * 7.6;
  size.right = columns * size.column + 20;
  let n = 0;
  for (const lane of people.values()) lane.arrange(n, n++ % columns);
}

function label() {
  const first = Math.floor(view.first), width = pitch();
  const step = [1, 2, 5, 10, 20, 50, 100].find((step) => step * width > 44) || 200;
  const ids = [];
  for (let id = Math.ceil((first + 1) / step) * step; id <= end; id += step) ids.push(id);
  while (numbers.childElementCount > ids.length) numbers.lastChild.remove();
  while (numbers.childElementCount < ids.length) add("text", numbers, { y: ROW.y - 8 });
  ids.forEach((id, n) => {
    const text = numbers.children[n];
    text.setAttribute("x", MARGIN + (id - 0.5 - view.first) * width);
    if (text.textContent !== String(id)) text.textContent = id;
  });
}

// Each bar is a copy of the log, up to a cursor: it has the same cells.
function cells() {
  if (pitch() < CELL) return "";
  const ids = [...Array(Math.ceil(view.count)).keys()].map((n) => Math.ceil(view.first) + n);
  return ids.map((id) => `M${id} ${TOP}V${stage.clientHeight}`).join("");
}

// Everything glides at one pace, or cursors and squares would drift apart.
function paint(now) {
  running = false;
  if (now - painted < PAUSE) return run();
  const step = calm ? 1 : 1 - Math.exp(-Math.min(200, now - painted) / EASE);
  painted = now;
  let resting = !moving.size;
  const glide = (from, to) => {
    if (Math.abs(to - from) < 0.01) return to;
    resting = false;
    return from + (to - from) * step;
  };
  view.first = glide(view.first, goal.first);
  view.count = glide(view.count, goal.count);
  const left = MARGIN - view.first * pitch();
  const transform = `translate(${left}) scale(${pitch()} 1)`;
  set(units, { transform });
  set(grid, { transform, d: cells() });
  for (const lane of people.values()) {
    lane.shown = glide(lane.shown, lane.cursor);
    lane.paint();
  }
  label();
  for (const effect of moving) if (effect(now)) moving.delete(effect);
  if (!resting) run();
}

function run() {
  if (!running) requestAnimationFrame(paint);
  running = true;
}

// -------------------------------------------------------------------- The lanes

class Lane {
  constructor([, name, , , start]) {
    Object.assign(this, { name, cursor: start, shown: start, y: TOP });
    const [...letters] = name;
    this.short = letters.length > MAX_NAME ? `${letters.slice(0, 11).join("")}…` : name;
    this.bar = colour(add("rect", bars, { x: 0 }), name);
    this.flag = colour(add("g", flags), name);
    this.caret = add("rect", this.flag, { class: "caret", x: -3, width: 6, rx: 2 });
    this.pause = add("path", this.flag, { class: "pause" });
    this.text = add("text", this.flag, { class: "name" });
  }

  arrange(n, column) {
    const height = size.lane * 0.8, y = TOP + n * size.lane, em = size.name;
    this.middle = y + height / 2;
    this.box = { y, height };
    const at = 12 + column * size.column;
    set(this.bar, this.box);
    set(this.caret, { y: y - 2, height: height + 4 });
    set(this.text, { y: this.middle + em * 0.35, "font-size": em });
    const high = em * 0.7, d = `M${at} ${this.middle - high / 2}v${high}m${em * 0.4} 0v${-high}`;
    set(this.pause, { d, "stroke-width": em * 0.22 });
    this.at = at;
  }

  // Out of sight: the name says by how much.
  paint() {
    const away = this.shown < view.first ? ` −${Math.round(end - this.shown)}` : "";
    const words = this.short + away, held = this.state === "held";
    if (this.text.textContent !== words) this.text.textContent = words;
    set(this.text, { x: this.at + (held ? size.name * 0.75 : 0) });
    set(this.bar, { width: x(this.shown) });
    set(this.flag, { transform: `translate(${x(this.shown)})` });
  }

  update([, , cursor, state, start, mine]) {
    if (this.state === "lost" && state !== "lost") {
      this.shown = this.cursor = start;
      ring(this, start);
    }
    const far = cursor - this.cursor > Math.max(5, rate * JUMP);
    if (this.state && far) batch(this, this.cursor, cursor);
    Object.assign(this, { cursor, state });
    set(this.bar, { class: `bar ${state}` });
    set(this.flag, { class: `${state} ${mine ? "mine" : ""}` });
  }

  remove() {
    this.bar.remove();
    this.flag.remove();
  }
}

// ------------------------------------------------------------------ What happens

// Calls move(element, part of the time that has passed) until the time is over.
function play(element, duration, move) {
  const begun = performance.now();
  if (calm) return element.remove();
  moving.add((now) => {
    const part = Math.max(0, Math.min(1, (now - begun) / duration));
    move(element, part);
    if (part === 1) element.remove();
    return part === 1;
  });
}

const fade = (element, part) => set(element, { opacity: Math.min(1, 2 - 2 * part) });

// What somebody who was behind gets in one frame lights up.
function batch(lane, from, to) {
  const box = { class: "batch", x: from, width: to - from, ...lane.box };
  play(colour(add("rect", units, box), lane.name), 2000, fade);
}

// Here a line goes on that was broken.
function ring(lane, start) {
  const circle = add("circle", effects, { class: "ring", cy: lane.middle });
  play(colour(circle, lane.name), 1200, (element, part) => {
    set(element, { cx: x(start), r: 6 + 30 * part, opacity: 1 - part });
  });
}

// A message goes from its author to its square; one that is there already bounces off.
function fly(name, id, again) {
  const lane = [...people.values()].find((lane) => lane.name === name);
  if (!lane || (!again && moving.size > FLIGHTS)) return;
  const dot = add("rect", effects, { class: "dot", x: -11, y: -11, width: 22, height: 22 });
  const top = ROW.y + ROW.height / 2 + (again ? ROW.height / 2 + 14 : 0);
  play(colour(dot, name), FLIGHT, (element, part) => {
    const across = x(lane.shown) * (1 - part) + x(id - 0.5) * part;
    const down = lane.middle * (1 - part) + top * part;
    set(element, { transform: `translate(${across} ${down})` });
    if (again && part === 1) bounce(name, id, top);
  });
}

function bounce(name, id, top) {
  const box = { class: "again", x: id - 1, width: 1, y: ROW.y - 3, height: ROW.height + 6 };
  play(add("rect", units, box), 2500, fade);
  const dot = add("rect", effects, { class: "dot", x: -11, y: -11, width: 22, height: 22 });
  play(colour(dot, name), 2 * FLIGHT, (element, part) => {
    const across = x(id - 0.5) - 160 * part, down = top + 30 * part + 260 * part * part;
    set(element, { transform: `translate(${across} ${down}) rotate(${-200 * part})` });
    fade(element, part);
  });
}

// -------------------------------------------------------------- What the server says

function grow(fresh) {
  for (const [id, name] of fresh) {
    const box = { class: "square", x: id - 0.94, width: 0.88, ...ROW };
    colour(add("rect", squares, box), name).dataset.id = id;
  }
  while (squares.firstChild?.dataset.id < end - 2 * MOST) squares.firstChild.remove();
  const gone = (performance.now() - told) / 1000, part = Math.min(1, gone / 3);
  if (told) rate += (fresh.length / gone - rate) * part;
  told = performance.now();
}

// Who has come gets a lane, who has gone loses it.
function populate(lines) {
  const here = new Set(lines.map(([number]) => number));
  const gone = [...people.keys()].filter((number) => !here.has(number));
  const come = lines.filter(([number]) => !people.has(number));
  for (const number of gone) {
    people.get(number).remove();
    people.delete(number);
  }
  for (const line of come) people.set(line[0], new Lane(line));
  if (gone.length || come.length) measure();
}

function receive(event) {
  const { end: now, lines, more, squares: fresh, resends } = JSON.parse(event.data);
  const first = !told;
  end = now;
  grow(fresh);
  populate(lines);
  look(lines.map(([, , cursor]) => cursor));
  for (const line of lines) people.get(line[0]).update(line);
  if (first) Object.assign(view, goal);
  else for (const [id, name] of fresh) fly(name, id);
  for (const [name, id] of resends) fly(name, id, true);
  tell(lines, more);
  run();
}

function tell(lines, more) {
  const mine = lines.some(([, , , state, , mine]) => mine && state !== "lost");
  get("tunnel").disabled = get("twice").disabled = !mine;
  get("advice").hidden = mine;
  const rest = more ? `, ${lines.length} drawn` : "";
  get("count").textContent = `${lines.length + more} people${rest} · ${end} messages`;
}

function connect() {
  const ws = new WebSocket(`${location.origin.replace("http", "ws")}/board/ws`);
  ws.onmessage = receive;
  ws.onclose = () => {
    get("count").textContent = "The chat is not running.";
    setTimeout(() => location.reload(), RETRY);
  };
  get("tunnel").onclick = () => ws.send("tunnel");
  get("twice").onclick = () => ws.send("twice");
}

new ResizeObserver(() => { measure(); run(); }).observe(stage);
measure();
connect();
