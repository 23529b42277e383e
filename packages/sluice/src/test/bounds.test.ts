// Every limit of the importer and its service with exactly what is allowed, and with one more. A
// limit is a constant that is named like one: a new one that has no line in the table fails a test.
// Those of the reader are in @sluice/sheets, in a table of their own.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CellType } from "@sluice/sheets";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { addFileOptions, natural } from "../cli/file-options.ts";
import { openTarget } from "../database/open.ts";
import { Patience } from "../database/patience.ts";
import { SluiceError } from "../errors.ts";
import { runImport } from "../import.ts";
import { background } from "@sluice/go/context";
import { likeness } from "../plan/likeness.ts";
import { mapHeaders } from "../plan/mapping.ts";
import { shapeOf } from "../plan/method.ts";
import { toIdentifier, unusedIdentifier } from "../schema/identifiers.ts";
import { amountOf, numberReader } from "../schema/number-format.ts";
import { table } from "../schema/schema.ts";
import { createServer, type ServerOptions } from "../server/app.ts";
import { parseUploadQuery } from "../server/importing.ts";
import { startService, waitingForLock, business } from "../server/test/service.ts";
import { UploadRoom } from "../server/upload-room.ts";
import { kindOf } from "../values/cell-kind.ts";
import { isTotalLabel } from "../sheet/totals.ts";
import { NOTE_PARAMETERS } from "../target.ts";
import { isMark } from "../values/marks.ts";
import { showNumber } from "../values/number-shown.ts";
import { hold, newDatabase, newFolder, server } from "./database.ts";
import { run } from "./program.ts";

const kind = (text: string, type: CellType = CellType.string): string => {
  const bytes = Buffer.from(text);
  return kindOf(bytes, 0, bytes.length, type);
};
/** Whether a call does not throw. */
const goes = (call: () => unknown): boolean => {
  try {
    call();
    return true;
  } catch (error) {
    expect(error).toHaveProperty("message");
    return false;
  }
};
const parsed = (...args: string[]): boolean =>
  goes(() =>
    addFileOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} })).parse(args, { from: "user" }),
  );
const ä31 = "ä".repeat(31);

/** What holds with exactly what is allowed, and with one more. */
interface Border {
  readonly at: () => unknown;
  readonly past: () => unknown;
}
const border = (at: () => unknown, past: () => unknown): Border => ({ at, past });
/** The call goes, and with one more it throws. */
const refused = (at: () => unknown, past: () => unknown): Border[] => [
  border(
    () => goes(at),
    () => !goes(past),
  ),
];

/** By file and constant: its borders, or where they are tested, or why none shows. */
const LIMITS: Readonly<Record<string, readonly Border[] | string>> = {
  "schema/identifiers.ts MAX_BYTES": [
    border(
      () => toIdentifier(`${ä31}a`) === `${ä31}a`,
      () => toIdentifier(`${ä31}ab`) === `${ä31}a`,
    ),
    // No half of a character is left.
    border(
      () => toIdentifier(`b${ä31}`) === `b${ä31}`,
      () => toIdentifier(`bb${ä31}`) === `bb${"ä".repeat(30)}`,
    ),
    border(
      () => unusedIdentifier("a".repeat(61), new Set(["a".repeat(61)])) === `${"a".repeat(61)}_2`,
      () => unusedIdentifier("a".repeat(62), new Set(["a".repeat(62)])) === `${"a".repeat(61)}_2`,
    ),
  ],
  "schema/schema.ts MAX_NAME_BYTES": [
    ...refused(
      () => table({ name: `${ä31}a`, columns: { a: { type: "text" } } }),
      () => table({ name: `${ä31}ab`, columns: { a: { type: "text" } } }),
    ),
    ...refused(
      () => table({ name: "t", columns: { [`${ä31}a`]: { type: "text" } } }),
      () => table({ name: "t", columns: { [`${ä31}ab`]: { type: "text" } } }),
    ),
    ...refused(
      () => parseUploadQuery({ table: `s.${ä31}a` }),
      () => parseUploadQuery({ table: `s.${ä31}ab` }),
    ),
    border(
      () => parsed("--table", `s.${ä31}a`),
      () => !parsed("--table", `s.${ä31}ab`),
    ),
  ],
  "schema/number-format.ts LONGEST": [
    border(
      () => amountOf(`1,${"0".repeat(56)} €`) !== undefined,
      () => amountOf(`1,${"0".repeat(57)} €`) === undefined,
    ),
  ],
  "schema/number-format.ts MOST_EXPONENT": [
    border(
      () => numberReader("1.234,56")?.("1,5E+09") === "1500000000.0",
      () => numberReader("1.234,56")?.("1,5E+10") === undefined,
    ),
  ],
  "values/number-shown.ts LONGEST_CODE": [
    border(
      () => showNumber(1, `0"${"a".repeat(252)}"`) === `1${"a".repeat(252)}`,
      () => showNumber(1, `0"${"a".repeat(253)}"`) === undefined,
    ),
  ],
  "values/cell-kind.ts LONGEST_VALUE": [
    border(
      () => kind(`https://x.example/${"a".repeat(82)}`) === "url",
      () => kind(`https://x.example/${"a".repeat(83)}`) === "text",
    ),
    // JSON is looked at however long it is.
    border(
      () => kind(`[${"1,".repeat(60)}1]`) === "json",
      () => kind(`[${"1,".repeat(60)}]`) === "text",
    ),
  ],
  "values/cell-kind.ts INT_MAX": [
    border(
      () => kind("2147483647", CellType.number) === "integer",
      () => kind("2147483648", CellType.number) === "bigint",
    ),
    border(
      () => kind("-2147483648", CellType.number) === "integer",
      () => kind("-2147483649", CellType.number) === "bigint",
    ),
  ],
  "values/cell-kind.ts BIGINT_MAX": [
    border(
      () => kind("9223372036854775807", CellType.number) === "bigint",
      () => kind("9223372036854775808", CellType.number) === "huge",
    ),
    border(
      () => kind("-9223372036854775808", CellType.number) === "bigint",
      () => kind("-9223372036854775809", CellType.number) === "huge",
    ),
  ],
  "sheet/totals.ts LONGEST_LABEL": [
    border(
      () => isTotalLabel(`Total ${"x".repeat(54)}`),
      () => !isTotalLabel(`Total ${"x".repeat(55)}`),
    ),
  ],
  "sheet/first-batches.ts MOST_KEPT_BYTES": "sheet/first-batches.test.ts",
  "sheet/tables.ts MOST_SHEETS": "sheet/choose.test.ts",
  "sheet/totals.ts MOST_TOTALS": "sheet/totals.test.ts",
  "sheet/records.ts MOST_BELOW": "sheet/records.test.ts",
  "sheet/records.ts MOST_BELOW_BYTES": "sheet/records.test.ts",
  "sheet/records.ts MOST_LAST_BYTES": "sheet/records.test.ts",
  "sheet/records.ts MOST_TITLE": "sheet/records.test.ts",
  "sheet/merged.ts MOST_FILLED_TIMES": "sheet/merged.test.ts",
  "sheet/merged.ts MOST_FILLED_BESIDES": "sheet/merged.test.ts",
  "plan/likeness.ts LONGEST": [
    border(
      () => likeness(`${"a".repeat(31)}b${"a".repeat(32)}`, `${"a".repeat(31)}c${"a".repeat(32)}`) > 0.98,
      () => likeness(`${"a".repeat(31)}b${"a".repeat(33)}`, `${"a".repeat(31)}c${"a".repeat(33)}`) === 0,
    ),
  ],
  "plan/mapping.ts MOST_ALIKE": [
    border(
      () => alike(50) === 1,
      () => alike(51) === 0,
    ),
  ],
  // A statement of this many rows has the last parameter that 16 bits can number, or the one that
  // another row would need.
  "plan/method.ts MAX_PARAMETERS": [1, 9, 1600].map((columns) =>
    border(
      () => (batchOf(columns) + 1) * columns + NOTE_PARAMETERS <= 65_535,
      () => (batchOf(columns) + 2) * columns + NOTE_PARAMETERS > 65_535,
    ),
  ),
  "plan/prepare.ts MOST_COLUMNS": "below: it needs a database",
  "values/marks.ts LONGEST": [
    border(
      () => isMark("not available"),
      () => !isMark("not available."),
    ),
  ],
  "option-texts.ts MOST_HEADER_ROWS": [
    border(
      () => parsed("--header", "3-8"),
      () => !parsed("--header", "3-9"),
    ),
    border(
      () => parsed("--header", "1"),
      () => !parsed("--header", "0"),
    ),
    border(
      () => parsed("--header", "2-2"),
      () => !parsed("--header", "2-1"),
    ),
  ],
  "cli/preview.ts WIDEST": "what is shown is cut: cli/preview.test.ts",
  "cli/sql.ts WIDEST": "below: it needs a program",
  "database/patience.ts LONGEST_PAUSE_MS":
    "a pause, and how long it is nobody sees; what is waited for altogether is below",
  "chunk/encode.ts LOOP_LIMIT": "two ways to copy the same bytes: chunk/encode.test.ts compares them",
  "chunk/originals.ts LOOP_LIMIT": "two ways to copy the same bytes: chunk/encode.test.ts compares them",
  "server/upload.ts LIMITS": "below: a form",
  "server/upload.ts LONGEST_MS": "the longest time that a timer knows; no upload lasts so long",
  "server/upload-limits.ts DEFAULT_MAX_FILE_BYTES": "a default: the limit is below",
  "server/upload-limits.ts DEFAULT_MAX_IMPORTS": "a default: the limit is below",
  "server/upload-limits.ts DEFAULT_MAX_UPLOADS": "a default: the limit is below",
  "server/upload-limits.ts DEFAULT_MAX_CLIENT_UPLOADS": "a default: the limit is below",
  "server/upload-limits.ts DEFAULT_MAX_CLIENT_IMPORTS": "a default: server/api/imports.test.ts has the limit",
  "server/upload-limits.ts DEFAULT_MAX_CLIENT_RATE": "a default: server/api/imports.test.ts has the limit",
  "server/api/api.ts MOST_BODY_BYTES": "server/api/rejects.test.ts: repairs as large as they may be",
  "server/upload-limits.ts DEFAULT_MAX_READERS": "a default: server/api/events.test.ts has the limit",
  "server/api/imports.ts LONGEST_KEY": "server/api/imports.test.ts: the longest key",
  "server/api/imports.ts MOST_LISTED": "server/api/imports.test.ts: limit=100 and limit=101",
  "server/api/reject-schema.ts MOST_REPAIRED": "server/api/rejects.test.ts: repairs as large as they may be",
  "server/api/rejects.ts MOST_SHOWN": "server/api/rejects.test.ts: limit=500 and limit=501",
  "ledger/open-rejects.ts MOST_PAGE_BYTES": "server/api/rejects.test.ts: rejects with long cells",
  "server/jobs/folder.ts MOST_FOLDERS":
    "where the search for a free folder ends; nobody runs a hundred servers on one folder",
  "server/jobs/jobs.ts LONGEST_PAUSE_MS": "the longest pause between two attempts after a restart",
  "server/jobs/store.ts MOST_ENDED": "what is remembered besides the ledger; server/jobs/store.test.ts",
  "server/fleet/claims.ts MOST_LOST": "server/fleet/fleet.test.ts: the third worker that is lost is the last one",
  "server/fleet/s3-store.ts MAX_OBJECT_BYTES": "server/fleet/file-store.test.ts: a server that takes larger files",
  "server/fleet/schema.ts LONGEST_RETRY_SECONDS": "the longest pause between two attempts",
  "cli/worker-options.ts DEFAULT_MAX_IMPORTS": "a default: how many places a worker has",
  "cli/worker-options.ts DEFAULT_MAX_ATTEMPTS": "a default: server/fleet/fleet.test.ts has the limit",
  "database/connection-fault.ts LIMITS": "settings of the server, by the code of their message",
};

function batchOf(columns: number): number {
  return shapeOf({ method: "batch", batchSize: 1_000_000 }, columns).step;
}

/** How many of so many headers without a column are found by their likeness. */
function alike(homeless: number): number {
  const spec = table({ name: "t", columns: { quantity: { type: "text" }, other: { type: "text" } } });
  const names = ["quantitty", ...Array.from({ length: homeless - 1 }, (_, n) => `zz ${n}`)];
  const headers = names.map((name, n) => ({ text: name, sheetColumn: n + 1 }));
  return mapHeaders(headers, spec.columns, new Map(), { file: "f", sheet: "s", headerRow: 1 }).matches.size;
}

test.each(
  Object.entries(LIMITS).flatMap(([name, limit]) =>
    typeof limit === "string" ? [] : limit.map((one, n) => [name, n, one] as const),
  ),
)("%s, case %i: what is allowed is, and one more is not", (_, __, { at, past }) => {
  expect([at(), past()]).toEqual([true, true]);
});

test("every limit of the sources has its line in the table, and no other", () => {
  const src = join(import.meta.dirname, "..");
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !/(?:^|[\\/])(?:test|sample)[\\/]/.test(file),
  );
  const found = files.flatMap((file) =>
    [
      ...readFileSync(join(src, file), "utf8").matchAll(
        /^(?:export )?const ([A-Z_]*(?:MAX|MOST|LONGEST|WIDEST|LIMITS?)(?:_[A-Z_]+)?)\b/gm,
      ),
    ].map(([, name]) => `${file.replaceAll("\\", "/")} ${name}`),
  );
  expect(found.toSorted()).toEqual(Object.keys(LIMITS).toSorted());
});

test.each([
  ["0", 0],
  ["999999999999999", 999_999_999_999_999],
])("a whole number of an option: %s", (text, value) => expect(natural(text)).toBe(value));

test.each(["-1", "1000000000000000", "", " 1", "1.0", "1e3", "٣", "0x1"])(
  "no whole number of an option: %j",
  (text) => {
    expect(() => natural(text)).toThrow(/Expected a whole number/);
  },
);

test("a lost connection is waited for until the time is over, and not at all if that is 0", async () => {
  const lost = new SluiceError("connection_lost", "lost");
  await expect(new Patience(0).bear(lost)).rejects.toBe(lost);
  await expect(new Patience(60_000).bear(lost)).resolves.toBeUndefined();
  const other = new SluiceError("authentication_failed", "no");
  await expect(new Patience(60_000).bear(other)).rejects.toBe(other);
});

describe("limits of the service", () => {
  /**
   * Each of its limits must be more than 0; the rest of the table is in the tests below and in
   * server/upload.test.ts.
   */
  const OPTIONS: Readonly<Record<Extract<keyof ServerOptions, `max${string}` | `${string}Seconds`>, true>> = {
    maxFileBytes: true,
    maxUploads: true,
    maxClientUploads: true,
    maxClientImports: true,
    maxClientRate: true,
    maxReaders: true,
    maxUploadBytes: true,
    maxImports: true,
    uploadSeconds: true,
    silenceSeconds: true,
  };

  test.each(Object.keys(OPTIONS))("%s must be more than 0", async (option) => {
    await using target = await openTarget({ to: "postgres://127.0.0.1:1/x" });
    await using folder = newFolder();
    const start = async (value: number): Promise<void> => {
      const app = await createServer({ target, uploadDir: folder.path, maxFileBytes: 1, [option]: value });
      await app.close();
    };
    await expect(start(1)).resolves.toBeUndefined();
    for (const bad of [0, -1, Number.NaN])
      await expect(start(bad)).rejects.toMatchObject({ code: "bad_limit", exitCode: 2 });
  });

  test("all uploads together may have as many bytes as one, and not one less", async () => {
    await using target = await openTarget({ to: "postgres://127.0.0.1:1/x" });
    await using folder = newFolder();
    const options = { target, uploadDir: folder.path, maxFileBytes: 100 };
    await (await createServer({ ...options, maxUploadBytes: 100 })).close();
    await expect(createServer({ ...options, maxUploadBytes: 99 })).rejects.toMatchObject({ code: "bad_limit" });
  });

  test("maxUploads: as many as there are places, again after one has left, and a share is given back once", () => {
    const room = new UploadRoom({ maxUploads: 2, maxUploadBytes: 100, maxClientUploads: 9 });
    const [first] = [room.enter(1), room.enter(1)] as const;
    expect(() => room.enter(1)).toThrow(/as many uploads/);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    room.enter(1);
    expect(() => room.enter(1)).toThrow(/as many uploads/);
  });

  test("maxClientUploads: as many as one client may have, while others have theirs", () => {
    const room = new UploadRoom({ maxUploads: 9, maxUploadBytes: 100, maxClientUploads: 2 });
    const [first] = [room.enter(1, "ada"), room.enter(1, "ada")] as const;
    expect(() => room.enter(1, "ada")).toThrow(/This client has 2 uploads/);
    room.enter(1, "bob");
    first[Symbol.dispose]();
    room.enter(1, "ada");
    expect(() => room.enter(1, "ada")).toThrow(/This client has 2 uploads/);
  });

  test("maxUploadBytes: what is announced and what comes", () => {
    const room = new UploadRoom({ maxUploads: 9, maxUploadBytes: 100, maxClientUploads: 9 });
    const first = room.enter(100);
    expect(() => room.enter(101)).toThrow(/all the room/);
    first.take(40);
    first.take(60);
    expect(() => first.take(1)).toThrow(/all the room/);
    expect(() => room.enter(1)).toThrow(/all the room/);
    // Without an announcement it counts as it comes.
    const second = room.enter(Number.NaN);
    expect(() => second.take(1)).toThrow(/all the room/);
    first[Symbol.dispose]();
    second.take(100);
    expect(() => second.take(1)).toThrow(/all the room/);
  });

  test.skipIf(server === undefined)(
    "a file, and the parts of a form, as large and as many as allowed, and one more",
    async () => {
      await using service = await startService({ maxFileBytes: 100_000 });
      const post = async (fill: (form: FormData) => void, bytes = 10): Promise<string> => {
        const form = new FormData();
        fill(form);
        form.append("file", new Blob(["x".repeat(bytes)]), "a.xlsx");
        const { status, text } = await service.get("/upload", { method: "POST", body: form });
        return `${status} ${(JSON.parse(text) as { error: string }).error}`;
      };
      const read = "400 Only Excel files allowed";
      const many = "400 The form has too many parts. Expected: one file in the field `file`.";
      expect(await post(() => {}, 100_000)).toBe(read);
      expect(await post(() => {}, 100_001)).toBe("413 The file is too large: at most 100000 bytes are allowed.");
      const fields = (n: number) => (form: FormData) => {
        for (let i = 0; i < n; i++) form.append(`f${i}`, "1");
      };
      expect([await post(fields(24)), await post(fields(25))]).toEqual([read, many]);
      const files = (n: number) => (form: FormData) => {
        for (let i = 0; i < n; i++) form.append(`f${i}`, new Blob(["1"]), "b");
      };
      expect([await post(files(7)), await post(files(8))]).toEqual([read, many]);
    },
  );

  test.skipIf(server === undefined)("maxImports: as many imports at a time, and the next one waits", async () => {
    await using service = await startService({ maxImports: 1 });
    expect((await service.send(await service.workbook([business(1)]), "a.xlsx")).status).toBe(200);
    await using lock = await hold(service.database, "lock table businesses");
    const files = await Promise.all([2, 3].map((n) => service.workbook([business(n)])));
    const answers = files.map((file, n) => service.send(file, `b${n}.xlsx`));
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    await expect.poll(() => service.uploads()).toHaveLength(2);
    expect(await waitingForLock(service.database)).toBe(1);
    await lock.release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe.skipIf(server === undefined)("limits of the database", () => {
  test("a table has 1,600 columns, and not one more", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    await using target = await openTarget({ to: database.dsn, connections: 1 });
    const imported = (columns: number): Promise<unknown> => {
      const file = join(folder.path, `${columns}.csv`);
      const row = (text: string): string => Array.from({ length: columns }, (_, n) => `${text}${n}`).join(",");
      writeFileSync(file, `${row("h")}\n${row("")}\n`);
      return runImport(background(), { file, target });
    };
    expect(await imported(1600)).toMatchObject({ inserted: 1 });
    await expect(imported(1601)).rejects.toMatchObject({ code: "too_wide" });
  });
});

/** The options of the commands that are numbers: what is the least and the most of each. */
const NUMBERS: Readonly<
  Record<string, Readonly<Record<string, readonly [at: readonly string[], past: readonly string[]]>>>
> = {
  import: {
    "--skip": [["0"], ["-1"]],
    "--limit": [["0"], ["-1"]],
    "--skip-last": [["0"], ["-1"]],
    "--workers": [["1"], ["0"]],
    "--batch-size": [["1"], ["0"]],
    "--chunk-rows": [["1"], ["0"]],
    "--max-errors": [["0"], ["-1"]],
    "--reconnect": [["0"], ["-1"]],
    "--keep-history": [["0"], ["-1"]],
  },
  imports: { "--keep-history": [["0"], ["-1"]] },
  sample: { "--bad": [["0"], ["-1"]], "--seed": [["0"], ["-1"]] },
  bench: { "--rows": [["1"], ["0"]], "--runs": [["1"], ["0"]] },
  serve: {
    "--max-client-uploads": [["1"], ["0"]],
    "--max-client-imports": [["1"], ["0"]],
    "--max-client-rate": [["1"], ["0"]],
    "--min-upload-rate": [["1"], ["0"]],
    "--max-readers": [["1"], ["0"]],
    "--port": [
      ["0", "65535"],
      ["-1", "65536"],
    ],
    "--max-file-bytes": [["1"], ["0"]],
    "--max-imports": [["1"], ["0"]],
    "--max-uploads": [["1"], ["0"]],
    "--max-upload-bytes": [["1"], ["0"]],
    "--upload-seconds": [["1"], ["0"]],
    "--silence-seconds": [["1"], ["0"]],
  },
  worker: {
    "--port": [["0", "65535"], ["65536"]],
    "--max-imports": [["1"], ["0"]],
    "--workers": [["1"], ["0"]],
    "--max-fleet-imports": [["1"], ["0"]],
    "--max-client-running": [["1"], ["0"]],
    "--max-attempts": [["1"], ["0"]],
  },
};

test.each(Object.entries(NUMBERS))("the options of %s that are numbers", async (command, options) => {
  await using folder = newFolder();
  const { stdout } = await run(folder.path, command, "--help");
  const own = stdout.replace(/^Limits of what a file may ask for.*?(?=^\S)/ms, "");
  const named = [...own.matchAll(/^ {2}(--[\w-]+) <(?:n|bytes|days|seconds)>/gm)].map(([, option]) => option!);
  expect(named.toSorted()).toEqual(Object.keys(options).toSorted());
  const refused = Object.entries(options).flatMap(([option, [, past]]) =>
    past.map((value) => [option, value] as const),
  );
  for (const [option, value] of refused) {
    const { code, stderr } = await run(
      folder.path,
      command,
      ...(command === "sample" ? ["1"] : ["f"]),
      `${option}=${value}`,
    );
    expect([option, value, code, stderr.includes(`'${option} <`)]).toEqual([option, value, 2, true]);
  }
});
