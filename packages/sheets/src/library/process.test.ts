// The process in which a library reads: whatever the library does in it, the program gets an error
// of that file and goes on. The libraries here do what the real one does with damaged files now and
// then, and worse.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as sheetJs from "@e965/xlsx";
import { afterAll, expect, test } from "vitest";
import { boundsFor, findLibrary, taskFor } from "./book.ts";
import { withMemoryLimit } from "./memory-limit.ts";
import { Ended, LibraryProcess } from "./process.ts";
import { checkedContents, checkedRows, openAnswer, rowsFrame, Unsound, type Portion } from "./protocol.ts";
import { defaultLimits, resolveLimits, type Limits } from "../limits.ts";
import { RowWriter } from "../cells/row-writer.ts";
import { nodeOfWorkspace } from "../test/node.ts";
import { source } from "../test/workbook-writer.ts";
import { open } from "../workbook.ts";

const folder = mkdtempSync(join(tmpdir(), "sheets-process-"));
afterAll(() => rmSync(folder, { recursive: true }));
const linux = process.platform === "linux";

/** A library whose `read` is this code. */
function library(name: string, code: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(
    path,
    `import fs from "node:fs"; import child from "node:child_process";\nexport function read(data) { ${code} }`,
  );
  return path;
}

/** What comes of a file in the process with this library. */
async function outcome(name: string, code: string, asked: Partial<Limits> = {}): Promise<unknown> {
  const path = library(name, code);
  const limits = resolveLimits(asked);
  const bounds = boundsFor(4, limits);
  const process = new LibraryProcess(path, bounds);
  try {
    const { answer } = await process.open(taskFor("xls", path, limits, bounds), bytes());
    return answer;
  } catch (error) {
    return error;
  } finally {
    await process.close(new Error("closed"));
  }
}

async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from("data");
}

const xls = (rows: unknown[][] = [["a", 1]]): Buffer => {
  const book = sheetJs.utils.book_new();
  sheetJs.utils.book_append_sheet(book, sheetJs.utils.aoa_to_sheet(rows), "Data");
  return sheetJs.write(book, { type: "buffer", bookType: "biff8" }) as Buffer;
};

test("a library that never ends is ended", async () => {
  const ended = await outcome("loop", "for (;;);", { libraryMilliseconds: 300 });
  expect(ended).toMatchObject({ end: expect.stringMatching(/^(time|clock)$/) as string });
});

test("memory that is no object of the heap counts too", async () => {
  const ended = await outcome("memory", "const all = []; for (;;) all.push(Buffer.alloc(1_000_000, 1));", {
    libraryMemoryBytes: 200 * 2 ** 20,
  });
  expect(ended).toMatchObject({ end: "memory", message: "more than 200 MiB of memory" });
});

test.runIf(linux)("the system refuses memory, which nobody has to look at", async () => {
  const program = `const all = [];
    try { for (;;) all.push(Buffer.alloc(20_000_000, 1)); } catch (error) { console.log(error.name); }
    console.log(process.resourceUsage().maxRSS);`;
  const [command, args] = withMemoryLimit(nodeOfWorkspace, ["-e", program], defaultLimits.libraryMemoryBytes);
  const [refused, peak] = execFileSync(command, args, { encoding: "utf8" }).trim().split("\n");
  expect(refused).toMatch(/Error$/);
  expect(Number(peak) / 1024).toBeLessThan(512);
});

test.runIf(linux)("what the system refuses to the library is too much memory, and no damage of the file", async () => {
  // One piece of it, which is refused at once.
  const ended = await outcome("refused", "Buffer.alloc(2 ** 30);", { libraryMemoryBytes: 200 * 2 ** 20 });
  expect(ended).toMatchObject({ end: "memory", message: "more than 200 MiB of memory" });
});

test.each([
  ["leaves", "process.exit(0);"],
  ["crashes", "process.kill(process.pid, 'SIGSEGV'); for (;;);"],
  ["writes what is no answer", "fs.writeSync(1, Buffer.alloc(100, 255)); for (;;);"],
])("a library that %s is an end, and not that of the program", async (name, code) => {
  const ended = await outcome(name.replaceAll(" ", "-"), code);
  expect(ended).toBeInstanceOf(Ended);
  expect(ended).toMatchObject({ end: "crashed" });
});

test("a heap that is full is too much memory, and what somebody else kills is not", async () => {
  const full = await outcome("heap", "const all = []; for (;;) all.push({ a: all.length });", {
    libraryMemoryBytes: 160 * 2 ** 20,
  });
  expect(full).toMatchObject({ end: "memory" });
  const code = "process.kill(process.pid, 'SIGKILL'); for (;;);";
  expect(await outcome("killed", code)).toMatchObject({ end: "killed" });
});

test.runIf(linux)("a process that cannot be started is an error of its file, and the program goes on", () => {
  const program = `import { openSync, closeSync } from "node:fs";
    import { open } from ${JSON.stringify(join(import.meta.dirname, "../index.ts"))};
    const data = Buffer.from(${JSON.stringify(xls().toString("base64"))}, "base64");
    const source = { size: data.length, read: async (offset, length) => data.subarray(offset, offset + length) };
    const attempt = async () => {
      await using book = await open(source);
      return book.sheets.length;
    };
    await attempt(); // Node reads what tells where the library lies.
    const files = [];
    try { for (;;) files.push(openSync("/dev/null")); } catch {}
    console.log(await attempt().catch(({ code, message }) => code + ": " + message));
    for (const file of files) closeSync(file);
    console.log(await attempt());`;
  const flags = ["--conditions=source", "--disable-warning=ExperimentalWarning", "--input-type=module"];
  const args = ["-c", 'ulimit -n 100; exec "$0" "$@"', nodeOfWorkspace, ...flags, "--eval", program];
  const [refused, read] = execFileSync("sh", args, { encoding: "utf8", timeout: 60_000 }).trimEnd().split("\n");
  expect(refused).toMatch(/^unreadable: The file is .* the process to read it cannot be started \(spawn .*EMFILE\)\./);
  expect(read).toBe("1");
});

test("the process reads no file but the code, writes none and starts nothing", async () => {
  for (const code of [
    `return fs.readFileSync(${JSON.stringify(join(import.meta.dirname, "../../../../package.json"))});`,
    `fs.writeFileSync(${JSON.stringify(join(folder, "written"))}, "x");`,
    `child.execFileSync("true");`,
  ])
    expect(await outcome("reaches", code)).toMatchObject({
      failure: expect.stringMatching(/restricted/) as string,
    });
});

test.runIf(linux)("the process has an empty environment, a harmless folder and no other open file", async () => {
  const path = findLibrary("xls", undefined);
  const child = new LibraryProcess(path, boundsFor(1, resolveLimits()));
  try {
    const limits = resolveLimits();
    await child.open(taskFor("xls", path, limits, boundsFor(1, limits)), pieces(xls()));
    const proc = `/proc/${child.pid}`;
    expect(readFileSync(`${proc}/environ`, "latin1")).toBe("");
    expect(readlinkSync(`${proc}/cwd`)).toBe("/");
    const files = readdirSync(`${proc}/fd`).map((fd) => readlinkSync(`${proc}/fd/${fd}`));
    expect(files.filter((file) => file.startsWith("/") && !file.startsWith("/dev/"))).toEqual([]);
  } finally {
    await child.close(new Error("closed"));
  }
});

async function* pieces(data: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield data;
}

test.runIf(linux).each([
  ["waits", `return { SheetNames: [], Sheets: {} };`],
  ["is at work", "for (;;);"],
])("a process that %s ends when the program is killed", { timeout: 60_000 }, async (name, code) => {
  const path = library(name.replaceAll(" ", "-"), code);
  const module = (file: string): string => JSON.stringify(join(import.meta.dirname, file));
  const program = `import { LibraryProcess } from ${module("process.ts")};
    import { taskFor } from ${module("book.ts")};
    import { resolveLimits } from ${module("../limits.ts")};
    const bounds = { memoryBytes: 2 ** 29, milliseconds: 60_000, clockMilliseconds: 3_000 };
    const child = new LibraryProcess(${JSON.stringify(path)}, bounds);
    const opening = child.open(taskFor("xls", ${JSON.stringify(path)}, resolveLimits(), bounds), (async function* () {})());
    setTimeout(() => console.log(child.pid), 1_000);
    await opening;
    setInterval(() => {}, 1_000);`;
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
  const parent = spawn(nodeOfWorkspace, flags, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const proc = `/proc/${Number(line.toString())}`;
  expect(existsSync(proc)).toBe(true);
  parent.kill("SIGKILL");
  while (isRunning(proc)) await new Promise((resolve) => setTimeout(resolve, 50));
});

function isRunning(proc: string): boolean {
  try {
    // One that nobody has asked for its end yet has none of its memory any more.
    return !/^State:\s+Z/m.test(readFileSync(`${proc}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("one file is opened at a time, and several may be open", async () => {
  const order: string[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const data = xls(Array.from({ length: 5_000 }, (_, i) => [i, `text ${i}`]));
  const slow = open({
    size: data.length,
    read: async (offset, length) => {
      // What is read first says what the file is; what the process is given has to wait.
      if (offset === 0 && length === data.length) await released;
      return data.subarray(offset, offset + length);
    },
  }).finally(() => order.push("slow"));
  const quick = open(source(data)).finally(() => order.push("quick"));
  // Time enough for the second to overtake, if it could.
  await Promise.race([quick, new Promise((resolve) => setTimeout(resolve, 2_000))]);
  release();
  const books = await Promise.all([slow, quick]);
  expect(order).toEqual(["slow", "quick"]);
  for (const book of books) expect(book.sheets.map(({ name }) => name)).toEqual(["Data"]);
  await Promise.all(books.map((book) => book.close()));
});

test("a damaged file is told in words of our own", async () => {
  const damaged = xls();
  damaged.fill(0xff, 600, 1600);
  const error = await open(source(damaged)).then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  expect(error).toMatchObject({
    code: "legacy_xls",
    message: expect.stringMatching(
      /^The file is a workbook of Excel 97–2003 \(\.xls\), and it is damaged, .* save it as/,
    ),
  });
});

test("formats: streaming refuses what the library reads, and names what is taken", async () => {
  await expect(open(source(xls()), { formats: "streaming" })).rejects.toMatchObject({
    code: "unsupported_format",
    message: expect.stringContaining("only .xlsx, .xlsm, .ods, .fods, CSV and TSV are taken here") as string,
  });
  await using csv = await open(source(Buffer.from("a,b\n1,2\n")), { formats: "streaming" });
  expect(csv.format).toBe("csv");
  await expect(open(source(xls()), { formats: "some" as "all" })).rejects.toMatchObject({ code: "bad_option" });
});

const limits = resolveLimits();
const question = { sheet: 0, row: 0, to: 100 };

function portion(): Portion {
  const writer = new RowWriter(limits);
  writer.put(1, 1, 1, "name");
  writer.put(1, 2, 0, "1.5");
  writer.endRow(1, 2);
  writer.put(3, 1, 1, 'a "quote"');
  writer.endRow(3, 1);
  const formats = [[1, 2, 1.5, "0.00"]] as const;
  const links = [[3, 1, "https://example.org"]] as const;
  const { shown: _shown, links: _links, raised: _raised, ...rows } = writer.take()!;
  return { ...rows, formats, links, next: 3, progress: 1 };
}

/** The rows as the program gets them. */
function received(rows: Portion): Portion | undefined {
  const { answer, rest } = openAnswer(Buffer.concat(rowsFrame(rows).slice(1)));
  return checkedRows((answer as { rows: unknown }).rows, rest, question, limits);
}

test("rows arrive as they were sent", () => {
  expect(received(portion())).toEqual(portion());
});

test.each<[string, (rows: Portion) => Portion]>([
  ["a row that comes twice", (rows) => ({ ...rows, rowNumbers: Int32Array.of(1, 1) })],
  ["a row past the one that was asked for", (rows) => ({ ...rows, rowNumbers: Int32Array.of(1, 101) })],
  ["a next row that is no step", (rows) => ({ ...rows, next: 0 })],
  ["columns out of order", (rows) => ({ ...rows, columns: Int32Array.of(2, 1, 1) })],
  ["a column past the limit", (rows) => ({ ...rows, columns: Int32Array.of(1, 20_000, 1) })],
  ["a cell outside of the text", (rows) => ({ ...rows, ends: Int32Array.of(4, 7, 1_000) })],
  ["a type that does not exist", (rows) => ({ ...rows, types: Uint8Array.of(1, 9, 1) })],
  ["a quote that is said to be plain", (rows) => ({ ...rows, flags: Uint8Array.of(1, 1, 1) })],
  ["text that is not UTF-8", (rows) => ({ ...rows, bytes: new Uint8Array(rows.bytes.length).fill(0xff) })],
  ["a format of a row that was not asked for", (rows) => ({ ...rows, formats: [[101, 1, 1.5, "0"]] })],
  ["a format of no number", (rows) => ({ ...rows, formats: [[1, 2, Number.NaN, "0"]] })],
  ["a link in a column past the limit", (rows) => ({ ...rows, links: [[1, 20_000, "x"]] })],
  ["a link that is too long", (rows) => ({ ...rows, links: [[1, 1, "x".repeat(limits.cellBytes + 1)]] })],
  ["counts that do not fit", (rows) => ({ ...rows, types: Uint8Array.of(1) })],
  ["a progress that is no number", (rows) => ({ ...rows, progress: Number.NaN })],
])("%s is not taken from the process", (_, change) => {
  expect(() => received(change(portion()))).toThrow(Unsound);
});

test.each([
  undefined,
  {},
  { sheets: [{ name: 1, state: "visible" }], date1904: false },
  { sheets: [{ name: "a", state: "gone" }], date1904: false },
  { sheets: [], date1904: "no" },
])("contents %j are not taken from the process", (contents) => {
  expect(() => checkedContents(contents, limits)).toThrow(Unsound);
});
