// The page's own program: draws the trace that is in the page on a canvas. It imports nothing,
// since html.ts puts its text into the page.
//
// Wheel: zoom. Drag, or the scroll of the list of tracks: move. Click: details. The table has the
// longest waits first.

interface Slice {
  readonly name: string;
  readonly cat: string;
  readonly row: number;
  readonly start: number;
  readonly end: number;
  readonly args: Readonly<Record<string, unknown>>;
}
interface Row {
  readonly name: string;
  readonly slices: Slice[];
  /** For a counter: its values over time. */
  readonly values: (readonly [at: number, value: number])[];
}
interface Arrow {
  readonly from: number;
  readonly fromRow: number;
  to: number;
  toRow: number;
}
interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly id?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

// The parts of the browser's interface that are used; the package is compiled without the browser's
// types.
interface Element {
  textContent: string;
  value: string;
  className: string;
  width: number;
  height: number;
  readonly clientWidth: number;
  readonly clientHeight: number;
  readonly dataset: Record<string, string>;
  append(...children: Element[]): void;
  replaceChildren(...children: Element[]): void;
  addEventListener(type: string, listener: (event: Input) => void, options?: { passive: boolean }): void;
  getContext(kind: "2d"): Canvas;
}
interface Input {
  readonly offsetX: number;
  readonly offsetY: number;
  readonly deltaX: number;
  readonly deltaY: number;
  readonly shiftKey: boolean;
  readonly key: string;
  readonly buttons: number;
  readonly movementX: number;
  readonly movementY: number;
  preventDefault(): void;
}
interface Canvas {
  fillStyle: string;
  strokeStyle: string;
  lineWidth: number;
  font: string;
  globalAlpha: number;
  setTransform(a: number, b: number, c: number, d: number, e: number, f: number): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  strokeRect(x: number, y: number, width: number, height: number): void;
  fillText(text: string, x: number, y: number, most?: number): void;
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  stroke(): void;
}
const page = globalThis as unknown as {
  readonly document: {
    getElementById(id: string): Element;
    createElement(name: string): Element;
  };
  readonly devicePixelRatio: number;
  addEventListener(type: string, listener: () => void): void;
  requestAnimationFrame(draw: () => void): void;
};
const get = (id: string): Element => page.document.getElementById(id);

const gutter = 200;
const axis = 22;
const rowHeight = 20;
const mostWaits = 500;
const colors: Readonly<Record<string, string>> = {
  running: "#3a9d5d",
  runnable: "#e0b33a",
  "IO wait": "#8aa9c8",
  task: "#8e6bbf",
  region: "#c06ba0",
  host: "#777777",
  wait: "#c65d4e",
};

const trace = JSON.parse(get("trace").textContent) as { readonly traceEvents: readonly TraceEvent[] };
const rows: Row[] = [];
const arrows: Arrow[] = [];
const logs: { readonly row: number; readonly at: number; readonly text: string }[] = [];
let begin = 0;
let end = 1;
read();
const slices = rows.flatMap((row) => row.slices);
const waits = slices.filter(({ cat }) => cat === "wait").sort((a, b) => b.end - b.start - (a.end - a.start));

/** The part of time that is shown, in microseconds, and the first row. */
let from = begin;
let to = end;
let top = 0;
let selected: Slice | undefined;
let found: Slice[] = [];
let foundAt = -1;
let isDrawn = true;

const canvas = get("timeline");
const context = canvas.getContext("2d");

showWaits();
showKinds();
listen();
draw();

/** Makes rows of the events: counters, threads, tasks and regions, then the goroutines. */
function read(): void {
  const events = trace.traceEvents;
  const timed = events.filter(({ ph }) => ph !== "M");
  begin = timed.reduce((least, { ts }) => Math.min(least, ts), Infinity);
  end = timed.reduce((most, { ts, dur = 0 }) => Math.max(most, ts + dur), begin + 1);
  const names = namesIn(events);
  const rowOf = rowsByKey();
  const several = [...names.keys()].filter((key) => key !== "0" && !key.includes(" ")).length > 1;
  const track = (pid: number, tid: number): number => {
    const process = several && pid !== 0 ? ` (${names.get(`${pid}`)?.replace("goroutines of ", "")})` : "";
    return rowOf(`${pid} ${tid}`, `${names.get(`${pid} ${tid}`) ?? `G${tid}`}${process}`);
  };
  for (const { ph, name, pid, ts, args } of timed) {
    if (ph !== "C") continue;
    const row = rowOf(`counter ${pid} ${name}`, pid === 1 ? name : `${name}, ${names.get(`${pid}`)}`);
    for (const value of Object.values(args ?? {})) rows[row]?.values.push([ts, Number(value)]);
  }
  const order = [...names.keys()].filter((key) => key.includes(" ")).map((key) => key.split(" ").map(Number));
  order.sort(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d);
  for (const [pid = 0, tid = 0] of order) if (pid === 0) track(pid, tid);
  readTasks(timed, rowOf);
  for (const [pid = 0, tid = 0] of order) track(pid, tid);
  readTracks(timed, track);
  for (const { slices } of rows) slices.sort((a, b) => a.start - b.start);
}

/** The names of processes, by `pid`, and of their tracks, by `pid tid`. */
function namesIn(events: readonly TraceEvent[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { ph, name, pid, tid, args } of events) {
    if (ph !== "M" || name.endsWith("sort_index")) continue;
    names.set(name === "process_name" ? `${pid}` : `${pid} ${tid}`, String(args?.["name"]));
  }
  return names;
}

/** Gives the row of a key, and makes it, with this name, when it is first asked for. */
function rowsByKey(): (key: string, name: string) => number {
  const keyed = new Map<string, number>();
  return (key, name) => {
    let row = keyed.get(key);
    if (row === undefined) {
      row = rows.push({ name, slices: [], values: [] }) - 1;
      keyed.set(key, row);
    }
    return row;
  };
}

/** The slices of tasks and regions. One that has no end lasts to the end of the trace. */
function readTasks(timed: readonly TraceEvent[], rowOf: (key: string, name: string) => number): void {
  const open = new Map<string, TraceEvent>();
  for (const event of timed) {
    const { ph, cat = "", id, name, ts } = event;
    if (cat !== "task" && cat !== "region") continue;
    const key = `${cat} ${id}`;
    const begun = open.get(key);
    if (ph === "b") {
      rowOf(`${cat} ${name}`, `${cat} ${name}`);
      open.set(key, event);
    } else if (begun !== undefined) {
      put(rowOf(`${cat} ${name}`, name), begun, ts);
      open.delete(key);
    }
  }
  for (const event of open.values()) put(rowOf(`${event.cat} ${event.name}`, event.name), event, end);
}

/** The slices and logs of goroutines and threads, and the arrows between them. */
function readTracks(timed: readonly TraceEvent[], track: (pid: number, tid: number) => number): void {
  const starts = new Map<number, { at: number; row: number }>();
  for (const event of timed) {
    const { ph, pid, tid, ts, id = 0, dur = 0, name } = event;
    const row = ph === "X" || ph === "s" || ph === "f" || ph === "i" ? track(pid, tid) : 0;
    if (ph === "X") put(row, event, ts + dur);
    else if (ph === "s") starts.set(id, { at: ts, row });
    else if (ph === "i") logs.push({ row, at: ts, text: name });
  }
  for (const { ph, pid, tid, ts, id = 0 } of timed) {
    const start = ph === "f" ? starts.get(id) : undefined;
    if (start !== undefined) arrows.push({ from: start.at, fromRow: start.row, to: ts, toRow: track(pid, tid) });
  }
}

function put(row: number, { name, cat = "", ts, args = {} }: TraceEvent, until: number): void {
  rows[row]?.slices.push({ name, cat, row, start: ts, end: until, args });
}

function x(at: number): number {
  return gutter + ((at - from) / (to - from)) * (width() - gutter);
}

function width(): number {
  return canvas.clientWidth;
}

function y(row: number): number {
  return axis + (row - top) * rowHeight;
}

function soon(): void {
  if (!isDrawn) return;
  isDrawn = false;
  page.requestAnimationFrame(draw);
}

function draw(): void {
  isDrawn = true;
  const ratio = page.devicePixelRatio;
  const height = canvas.clientHeight;
  canvas.width = width() * ratio;
  canvas.height = height * ratio;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = "11px sans-serif";
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width(), height);
  const last = Math.min(rows.length, Math.ceil(top + (height - axis) / rowHeight));
  const matches = new Set(found);
  for (let row = Math.floor(top); row < last; row++) drawRow(row, matches);
  drawArrows(last);
  for (const { row, at, text } of logs) {
    if (row < top || row >= last || at < from || at > to) continue;
    context.fillStyle = "#222222";
    context.fillRect(x(at), y(row) + 2, 1, rowHeight - 4);
    if ((to - from) / 1e3 < 100) context.fillText(text, x(at) + 3, y(row) + 9, 80);
  }
  context.fillStyle = "#f4f4f4";
  context.fillRect(0, axis, gutter - 2, height);
  for (let row = Math.floor(top); row < last; row++) {
    context.fillStyle = "#222222";
    context.fillText(rows[row]?.name ?? "", 6, y(row) + 14, gutter - 14);
  }
  drawAxis();
}

/**
 * Draws the slices of a row, or the values of a counter. It has more than 15 branches because each
 * part of a slice is drawn only if it can be seen.
 */
function drawRow(row: number, matches: ReadonlySet<Slice>): void {
  const { slices, values } = rows[row] as Row;
  const at = y(row);
  context.fillStyle = row % 2 === 0 ? "#fafafa" : "#f0f0f0";
  context.fillRect(gutter, at, width() - gutter, rowHeight);
  if (values.length > 0) drawValues(values, at);
  let drawnTo = -1;
  for (const slice of slices) {
    if (slice.end < from || slice.start > to) continue;
    const left = Math.max(gutter, x(slice.start));
    const right = Math.min(width(), Math.max(left + 1, x(slice.end)));
    const isMatch = matches.has(slice);
    // If many slices fall into one pixel, only one is drawn.
    if (right <= drawnTo && !isMatch && slice !== selected) continue;
    drawnTo = right;
    context.globalAlpha = found.length > 0 && !isMatch ? 0.3 : 1;
    context.fillStyle = colors[slice.name] ?? colors[slice.cat] ?? "#999999";
    const inset = slice.cat === "wait" ? 6 : 2;
    context.fillRect(left, at + inset, right - left, rowHeight - inset * 2);
    if (right - left > 30) {
      context.fillStyle = slice.cat === "wait" ? "#222222" : "#ffffff";
      context.fillText(slice.name, left + 3, at + 14, right - left - 6);
    }
    context.globalAlpha = 1;
    if (slice !== selected) continue;
    context.strokeStyle = "#000000";
    context.lineWidth = 2;
    context.strokeRect(left, at + 1, right - left, rowHeight - 2);
  }
}

/** The values of a counter as bars, the greatest of them as high as the row, which is at `at`. */
function drawValues(values: Row["values"], at: number): void {
  const most = values.reduce((most, [, value]) => Math.max(most, value), 1e-9);
  context.fillStyle = "#5b7fa6";
  for (const [i, [time, value]] of values.entries()) {
    const next = values[i + 1]?.[0] ?? end;
    if (next < from || time > to) continue;
    const high = (value / most) * (rowHeight - 3);
    const left = Math.max(gutter, x(time));
    context.fillRect(left, at + rowHeight - 1 - high, Math.max(1, x(next) - left), high);
  }
  context.fillStyle = "#222222";
  context.fillText(`at most ${Math.round(most * 10) / 10}`, width() - 90, at + 14);
}

/**
 * The arrows that are in sight, if they are few enough to follow; those of the selected slice
 * always.
 */
function drawArrows(last: number): void {
  const inSight = arrows.filter(
    (arrow) =>
      arrow.to >= from &&
      arrow.from <= to &&
      Math.max(arrow.fromRow, arrow.toRow) >= top &&
      Math.min(arrow.fromRow, arrow.toRow) < last,
  );
  const touches = ({ from, fromRow, to, toRow }: Arrow): boolean =>
    selected !== undefined &&
    ((fromRow === selected.row && from >= selected.start && from <= selected.end) ||
      (toRow === selected.row && to >= selected.start && to <= selected.end));
  for (const arrow of inSight) {
    const isOfSelected = touches(arrow);
    if (inSight.length > 400 && !isOfSelected) continue;
    context.strokeStyle = isOfSelected ? "#000000" : "#33333366";
    context.lineWidth = isOfSelected ? 1.5 : 0.7;
    context.beginPath();
    const [endX, endY] = [x(arrow.to), y(arrow.toRow) + rowHeight / 2];
    context.moveTo(x(arrow.from), y(arrow.fromRow) + rowHeight / 2);
    context.lineTo(endX, endY);
    context.lineTo(endX - 5, endY + (arrow.toRow > arrow.fromRow ? -6 : 6));
    context.stroke();
  }
}

function drawAxis(): void {
  context.fillStyle = "#e4e4e4";
  context.fillRect(0, 0, width(), axis);
  context.fillStyle = "#222222";
  const rough = (to - from) / 8;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5, 10].find((n) => n * unit >= rough) ?? 10);
  for (let at = Math.ceil((from - begin) / step) * step; at <= to - begin; at += step) {
    const left = x(at + begin);
    if (left < gutter) continue;
    context.fillRect(left, axis - 6, 1, 6);
    context.fillText(duration(at), left + 3, 13);
  }
}

function duration(us: number): string {
  const digits = (value: number): string => String(Math.round(value * 1000) / 1000);
  return us >= 1e6 ? `${digits(us / 1e6)} s` : us >= 1e3 ? `${digits(us / 1e3)} ms` : `${digits(us)} µs`;
}

function zoom(factor: number, around: number): void {
  const span = Math.min(Math.max((to - from) * factor, 0.5), end - begin);
  const share = (around - from) / (to - from);
  from = around - span * share;
  from = Math.min(Math.max(from, begin), end - span);
  to = from + span;
  soon();
}

function pan(by: number): void {
  const span = to - from;
  from = Math.min(Math.max(from + by, begin), end - span);
  to = from + span;
  soon();
}

function scroll(by: number): void {
  const visible = (canvas.clientHeight - axis) / rowHeight;
  top = Math.max(0, Math.min(top + by, rows.length - visible));
  soon();
}

/** Shows a slice with some space around it. */
function show(slice: Slice): void {
  selected = slice;
  const span = Math.max((slice.end - slice.start) * 1.5, 1);
  from = Math.max(begin, (slice.start + slice.end - span) / 2);
  to = Math.min(end, from + span);
  top = 0;
  scroll(slice.row - (canvas.clientHeight - axis) / rowHeight / 2);
  showDetails();
}

function showDetails(): void {
  const details = get("details");
  if (selected === undefined) {
    details.textContent = "";
    return;
  }
  const { name, row, start, end, args } = selected;
  const more = Object.entries(args).map(([key, value]) => `${key}: ${String(value)}`);
  const lines = [`${rows[row]?.name}: ${name}`, `${duration(end - start)} from ${duration(start - begin)} on`, ...more];
  details.textContent = lines.join("\n");
}

function cells(values: readonly string[]): Element {
  const line = page.document.createElement("tr");
  for (const value of values) {
    const cell = page.document.createElement("td");
    cell.textContent = value;
    line.append(cell);
  }
  return line;
}

function showWaits(): void {
  const lines = waits.slice(0, mostWaits).map((wait) => {
    const place = typeof wait.args["at"] === "string" ? wait.args["at"] : "";
    const line = cells([duration(wait.end - wait.start), rows[wait.row]?.name ?? "", wait.name, place]);
    line.addEventListener("click", () => show(wait));
    return line;
  });
  get("waits").replaceChildren(...lines);
}

function showKinds(): void {
  const kinds = new Map<string, { count: number; total: number; longest: number }>();
  for (const { name, start, end } of waits) {
    const kind = kinds.get(name) ?? { count: 0, total: 0, longest: 0 };
    kind.count++;
    kind.total += end - start;
    kind.longest = Math.max(kind.longest, end - start);
    kinds.set(name, kind);
  }
  const sorted = [...kinds].sort(([, a], [, b]) => b.total - a.total);
  const lines = sorted.map(([name, { count, total, longest }]) =>
    cells([name, String(count), duration(total), duration(longest)]),
  );
  get("kinds").replaceChildren(...lines);
}

function search(text: string): void {
  const wanted = text.toLowerCase();
  const has = ({ name, row, args }: Slice): boolean =>
    `${name} ${rows[row]?.name} ${Object.values(args).join(" ")}`.toLowerCase().includes(wanted);
  found = wanted === "" ? [] : slices.filter(has);
  foundAt = -1;
  get("found").textContent = wanted === "" ? "" : `${found.length} found`;
  soon();
}

function listen(): void {
  const at = (input: Input): number => from + ((input.offsetX - gutter) / (width() - gutter)) * (to - from);
  canvas.addEventListener(
    "wheel",
    (input) => {
      input.preventDefault();
      if (input.offsetX < gutter || input.shiftKey) scroll((input.deltaY + input.deltaX) / rowHeight);
      else if (Math.abs(input.deltaX) > Math.abs(input.deltaY)) pan((input.deltaX / width()) * (to - from));
      else zoom(1.2 ** (input.deltaY / 50), at(input));
    },
    { passive: false },
  );
  let moved = 0;
  canvas.addEventListener("mousedown", () => (moved = 0));
  canvas.addEventListener("mousemove", (input) => {
    if (input.buttons !== 1) return;
    moved += Math.abs(input.movementX) + Math.abs(input.movementY);
    pan((-input.movementX / (width() - gutter)) * (to - from));
    scroll(-input.movementY / rowHeight);
  });
  canvas.addEventListener("click", (input) => {
    if (moved > 4) return;
    const row = rows[Math.floor(top + (input.offsetY - axis) / rowHeight)];
    const time = at(input);
    const near = (to - from) / width();
    selected = row?.slices.findLast(({ start, end }) => start - near <= time && end + near >= time);
    showDetails();
    soon();
  });
  const field = get("search");
  field.addEventListener("input", () => search(field.value));
  field.addEventListener("keydown", ({ key }) => {
    if (key !== "Enter" || found.length === 0) return;
    foundAt = (foundAt + 1) % found.length;
    get("found").textContent = `${foundAt + 1} of ${found.length}`;
    show(found[foundAt] as Slice);
  });
  get("all").addEventListener("click", () => {
    [from, to, top, selected] = [begin, end, 0, undefined];
    showDetails();
    soon();
  });
  page.addEventListener("resize", soon);
}
