// What is no upload, what is too much of one, and what stays behind of either: nothing.
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { ZipWriter } from "../xlsx/zip-writer.ts";
import { hold, server } from "../test/database.ts";
import { business, startService, waitingForLock } from "./test/service.ts";

const NO_FILE = '{"error":"No file uploaded"}';
const NOT_EXCEL = '{"error":"Only Excel files allowed"}';
const MIB = 1024 * 1024;

const form = (...parts: readonly [name: string, value: string | Blob, file?: string][]): FormData => {
  const body = new FormData();
  for (const [name, value, file] of parts) {
    if (typeof value === "string") body.append(name, value);
    else body.append(name, value, file);
  }
  return body;
};
/** A form as bytes, for what FormData cannot say. */
const raw = (boundary: string, ...lines: readonly string[]): RequestInit => ({
  headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
  body: lines.join("\r\n"),
});

describe.skipIf(server === undefined)("an upload", () => {
  test.each<[string, RequestInit]>([
    ["no body", {}],
    ["an empty body that calls itself a form", raw("x")],
    ["a form without a field", raw("x", "--x--", "")],
    ["a form without a boundary", { headers: { "content-type": "multipart/form-data" }, body: "abc" }],
    ["JSON", { headers: { "content-type": "application/json" }, body: "{" }],
    ["text", { body: "hello" }],
    ["a body of a kind nobody can read", { headers: { "content-type": ";;" }, body: "hello" }],
    ["a URL-encoded form", { body: new URLSearchParams({ file: "x.xlsx" }) }],
    ["a field in place of a file", { body: form(["file", "x.xlsx"]) }],
    ["a file in another field", { body: form(["document", new Blob(["PK"]), "x.xlsx"]) }],
    [
      "a file input left empty",
      raw(
        "x",
        "--x",
        'Content-Disposition: form-data; name="file"; filename=""',
        "Content-Type: application/octet-stream",
        "",
        "",
        "--x--",
        "",
      ),
    ],
    ["garbage in place of a form", raw("x", "garbage")],
  ])("%s is no upload", async (_, init) => {
    await using service = await startService();
    const answer = await service.get("/upload", { method: "POST", ...init });
    expect([answer.status, answer.text]).toEqual([400, NO_FILE]);
    expect(await service.uploads()).toEqual([]);
  });

  test.each([
    ["businesses.csv", "a,b\n1,2\n"],
    ["businesses.xlsb", "PK"],
    ["businesses.xlsx.exe", "MZ"],
    ["xlsx", "PK"],
    ["businesses.pdf", "%PDF-1.7"],
    // By content: a name is easily given.
    ["text.xlsx", "Name,Phone\nAda,1\n"],
    ["page.xls", "<html><table><tr><td>Name</td></tr></table></html>"],
    ["document.xlsm", "%PDF-1.7\n%âãÏÓ"],
    ["nothing.xlsx", ""],
  ])("%s is no Excel file", async (name, content) => {
    await using service = await startService();
    const answer = await service.send(new Blob([content]), name);
    expect([answer.status, answer.text]).toEqual([400, NOT_EXCEL]);
    expect(await service.uploads()).toEqual([]);
  });

  test("a table as text that is called .xls, as many programs write it, is imported under its own name", async () => {
    await using service = await startService();
    const answer = await service.send(
      new Blob(["Country\tSubject\t2018\nAlbania\tGDP\t4.1\nChile\tGDP\tx\n"]),
      "imf.xls",
      "?table=imf",
    );
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ table: "imf", stats: { total_records: 2 } });
    expect(answer.text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
    expect(await service.database.query("select country from imf order by 1")).toEqual([["Albania"], ["Chile"]]);
    expect(await service.database.query("select sheet from sluice.imports")).toEqual([["imf"]]);
  });

  test("a zip archive without a workbook in it is no Excel file", async () => {
    await using service = await startService();
    const output = new PassThrough();
    const bytes = buffer(output);
    const zip = new ZipWriter(output);
    await zip.entry("word/document.xml", [Buffer.from("<document/>")]);
    await zip.end();
    output.end();
    const answer = await service.send(new Blob([new Uint8Array(await bytes)]), "letter.xlsx");
    expect([answer.status, answer.text]).toEqual([400, NOT_EXCEL]);
  });

  test.each([
    ["a workbook that is cut short", (file: Uint8Array<ArrayBuffer>) => file.subarray(0, file.length / 2)],
    [
      "an OLE container that is damaged",
      () => Buffer.concat([Buffer.from("d0cf11e0a1b11ae1", "hex"), Buffer.alloc(5000, 7)]),
    ],
  ])("%s is refused with a reason, by its own name", async (_, damage) => {
    await using service = await startService();
    const whole = new Uint8Array(await (await service.workbook([business(1)])).arrayBuffer());
    const answer = await service.send(new Blob([damage(whole)]), "my businesses.xlsx");
    expect([400, 422]).toContain(answer.status);
    expect(answer.text).toMatch(/^\{"error":"/);
    expect(answer.text).not.toMatch(/sluice-|[0-9a-f]{8}-[0-9a-f]{4}-/);
    expect(await service.uploads()).toEqual([]);
  });

  test.each([
    "../../evil.xlsx",
    "..\\..\\evil.xlsx",
    "/etc/evil.xlsx",
    "C:\\evil.xlsx",
    "evil\u0000\n.xlsx",
    "…".repeat(400) + ".xlsx",
  ])("the name %j is data: the file on the disk has a name of ours", async (name) => {
    await using service = await startService();
    await service.send(await service.workbook([business(1)]), "first.xlsx");
    const file = await service.workbook([business(2)]);
    await using lock = await hold(service.database, "lock table businesses");
    const answer = service.send(file, name);
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    expect(await service.uploads()).toEqual([expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)]);
    await lock.release();
    expect((await answer).status).toBe(200);
  });

  test("the first file of the field `file` counts, wherever it stands in the form", async () => {
    await using service = await startService();
    const file = await service.workbook([business(1)]);
    const other = new Blob(["PK other"]);
    const body = form(
      ["note", "hello"],
      ["picture", other, "x.png"],
      ["file", file, "a.xlsx"],
      ["file", other, "b.xlsx"],
    );
    const answer = await service.get("/upload", { method: "POST", body });
    const { stats, notes } = JSON.parse(answer.text) as { stats: { success_count: number }; notes: string[] };
    expect([answer.status, stats.success_count]).toEqual([200, 1]);
    expect(notes).toContain('not imported, since an upload has one file: "x.png", "b.xlsx"');
  });

  test("a parameter that there is not is refused, before anything is imported", async () => {
    await using service = await startService();
    const body = form(["file", await service.workbook([business(1)]), "a.xlsx"]);
    const answer = await service.get("/upload?Table=other&method=copy", { method: "POST", body });
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      400,
      { error: 'Unknown parameter: "Table". Use: method, table, resume, again' },
    ]);
    expect(await service.database.query("select to_regclass('businesses')")).toEqual([[null]]);
  });

  test("a form with too many parts is refused", async () => {
    await using service = await startService();
    const parts = Array.from({ length: 200 }, (_, n): [string, string] => [`field${n}`, "x"]);
    const answer = await service.get("/upload", { method: "POST", body: form(...parts) });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining("too many parts")]);
  });

  test("a file is as large as allowed, or refused", async () => {
    const probe = await startService();
    const file = await probe.workbook([business(1)]);
    await probe[Symbol.asyncDispose]();
    await using exact = await startService({ maxFileBytes: file.size });
    expect((await exact.send(file, "b.xlsx")).status).toBe(200);
    await using tight = await startService({ maxFileBytes: file.size - 1 });
    const answer = await tight.send(file, "b.xlsx");
    expect([answer.status, answer.text]).toEqual([
      413,
      `{"error":"The file is too large: at most ${file.size - 1} bytes are allowed."}`,
    ]);
    expect(await tight.uploads()).toEqual([]);
  });

  test("a file that says that it is too large is refused before it is sent", async () => {
    await using service = await startService({ maxFileBytes: 10 * MIB });
    const socket = connect(service.port, "127.0.0.1");
    socket.write(`${head(service.port)}Content-Length: 1000000000000\r\n\r\n`);
    const [answer] = (await socket.take(1).toArray()) as [Buffer];
    expect(answer.toString()).toMatch(
      /^HTTP\/1\.1 413 [^]*\{"error":"The file is too large: at most 10 MiB are allowed."\}$/,
    );
  });

  test("a client that sends all before it reads gets the whole answer", async () => {
    await using service = await startService();
    const body = [...partHead("x"), "PK" + "x".repeat(30 * MIB), "--x--", ""].join("\r\n");
    for (const query of ["?method=bogus", "?table="]) {
      const socket = connect(service.port, "127.0.0.1");
      socket.pause();
      socket.write(
        `${head(service.port, query)}Connection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
      );
      await new Promise((resolve) => socket.write(body, resolve));
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 [^]*\{"error":"Invalid (method|table)/);
    }
  });

  test.each([
    ["takes too long, a byte now and then", { uploadSeconds: 1 }, "The upload was not complete after 1 s"],
    ["sends nothing any more", { silenceSeconds: 1 }, "Nothing came for 1 s"],
  ])("a client that %s is told so, and leaves nothing behind", async (_, limits, message) => {
    await using service = await startService(limits);
    const socket = connect(service.port, "127.0.0.1");
    socket.on("error", () => undefined);
    await sendPart(socket, service.port, 1000);
    const drip = "uploadSeconds" in limits ? setInterval(() => socket.write("x"), 20) : undefined;
    const [answer] = (await socket.take(1).toArray()) as [Buffer];
    clearInterval(drip);
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 408 [^]*\r\nconnection: close\r\n/i);
    expect(answer.toString()).toContain(`{"error":"${message}`);
    expect(answer.toString()).toContain('"code":"upload_too_slow"}');
    await expect.poll(() => service.uploads()).toEqual([]);
    expect((await service.get("/health")).status).toBe(200);
  });

  test("a client that stops between two parts of its form is told so as well", async () => {
    await using service = await startService({ silenceSeconds: 1 });
    const socket = connect(service.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(`${head(service.port)}Content-Length: 100000\r\n\r\n${partHead("x").join("\r\n")}\r\nPK\r\n--x\r\n`);
    const [answer] = (await socket.take(1).toArray()) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 408 /);
    await expect.poll(() => service.uploads()).toEqual([]);
  });

  test("as many uploads are taken as there are places; others are refused before they are sent, and may come again", async () => {
    await using service = await startService({ maxUploads: 2 });
    const file = await service.workbook([business(1)]);
    await service.send(file, "first.xlsx");
    await using lock = await hold(service.database, "lock table businesses");
    const answers = [service.send(file, "1.xlsx"), service.send(file, "2.xlsx")];
    await expect.poll(() => service.uploads()).toHaveLength(2);
    const socket = connect(service.port, "127.0.0.1");
    await sendPart(socket, service.port, 1000);
    const [refused] = (await socket.take(1).toArray()) as [Buffer];
    expect(refused.toString()).toMatch(
      /^HTTP\/1\.1 503 [^]*retry-after: 30\r\n[^]*\{"error":"This server has as many uploads as it takes at a time\. Send the file again in 30 seconds\.","code":"too_many_uploads"\}$/i,
    );
    await lock.release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await service.send(file, "3.xlsx")).status).toBe(200);
  });

  test("all uploads together take as many bytes as they may, announced or not", async () => {
    await using service = await startService({ maxFileBytes: MIB, maxUploadBytes: MIB });
    const file = await service.workbook([business(1)]);
    await service.send(file, "first.xlsx");
    await using lock = await hold(service.database, "lock table businesses");
    const waits = service.send(file, "1.xlsx");
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    const size = MIB - file.size + 1;
    const announced = await service.send(new Blob(["PK", new Uint8Array(size - 2)]), "2.xlsx");
    expect([announced.status, announced.headers.get("retry-after"), JSON.parse(announced.text).code]).toEqual([
      503,
      "30",
      "no_room",
    ]);
    const body = [...partHead("x"), `PK${"x".repeat(size)}`, "--x--", ""].join("\r\n");
    const unannounced = await service.get("/upload", {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=x" },
      body: new Blob([body]).stream(),
      duplex: "half",
    });
    expect([unannounced.status, JSON.parse(unannounced.text).code]).toEqual([503, "no_room"]);
    expect(await service.uploads()).toHaveLength(1);
    await lock.release();
    expect((await waits).status).toBe(200);
    expect((await service.send(file, "3.xlsx")).status).toBe(200);
  });

  test("a file and its folder can be read by nobody else", async () => {
    await using service = await startService();
    const file = await service.workbook([business(1)]);
    await service.send(file, "first.xlsx");
    await using lock = await hold(service.database, "lock table businesses");
    const answer = service.send(file, "b.xlsx");
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    const modes = await service.uploadModes();
    await lock.release();
    await answer;
    expect(modes).toEqual(["700", "600"]);
  });

  test("a client that hangs up while it sends leaves nothing behind", async () => {
    await using service = await startService();
    const socket = connect(service.port, "127.0.0.1");
    await sendPart(socket, service.port, 5 * MIB);
    await expect.poll(() => service.uploads()).toHaveLength(1);
    socket.destroy();
    await expect.poll(() => service.uploads()).toEqual([]);
    expect((await service.get("/health")).status).toBe(200);
  });

  test("a form that ends before its file does is refused", async () => {
    await using service = await startService();
    const body = [...partHead("x"), "PK and no end"].join("\r\n");
    const answer = await service.get("/upload", { method: "POST", ...raw("x", body) });
    expect([answer.status, answer.text]).toEqual([
      400,
      '{"error":"The upload broke off before its end. Send the file again."}',
    ]);
    expect(await service.uploads()).toEqual([]);
  });

  test("memory does not grow with the file", async () => {
    await using service = await startService();
    const path = `${service.folder}/large.xlsx`;
    await using file = await open(path, "w");
    await file.write("PK\u0003\u0004");
    await file.truncate(400 * MIB);
    const socket = connect(service.port, "127.0.0.1");
    const [before, after] = [`${partHead("x").join("\r\n")}\r\n`, "\r\n--x--\r\n"];
    socket.write(`${head(service.port)}Content-Length: ${before.length + 400 * MIB + after.length}\r\n\r\n${before}`);
    const held = (): number => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    const start = held();
    let peak = 0;
    for await (const chunk of createReadStream(path)) {
      if (!socket.write(chunk as Buffer)) await once(socket, "drain");
      peak = Math.max(peak, held() - start);
    }
    socket.write(after);
    const [answer] = (await socket.take(1).toArray()) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 422 /);
    expect(peak).toBeLessThan(150 * MIB);
    expect(await service.uploads()).toEqual([]);
  });
});

const head = (port: number, query = ""): string =>
  `POST /upload${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: multipart/form-data; boundary=x\r\n`;
const partHead = (boundary: string): string[] => [
  `--${boundary}`,
  'Content-Disposition: form-data; name="file"; filename="b.xlsx"',
  "Content-Type: application/octet-stream",
  "",
];

/** Sends a form up to some way into its file. */
async function sendPart(socket: Socket, port: number, bytes: number): Promise<void> {
  socket.write(`${head(port)}Content-Length: ${bytes * 2}\r\n\r\n${partHead("x").join("\r\n")}\r\nPK`);
  await new Promise((resolve) => socket.write(Buffer.alloc(bytes, "x"), resolve));
}
