// The looks at a file, with a client whose answers come when the test says so.
import { expect, test, vi } from "vitest";
import type { Client, Sending, Source } from "../api/client.ts";
import { Problem, unreachable } from "../api/problem.ts";
import type { Preview } from "../api/shapes.ts";
import { NO_CHOICES } from "./choices.ts";
import { asProblem, Job } from "./job.ts";

/** An answer that is waited for. */
interface Asked {
  answer(upload: string): void;
  fail(error: Error): void;
}

function newJob(): { readonly job: Job; readonly asked: readonly Asked[] } {
  const asked: Asked[] = [];
  const preview = (_source: unknown, _fields: unknown, { signal }: Sending): Promise<Preview> => {
    const { promise, resolve, reject } = Promise.withResolvers<Preview>();
    signal?.addEventListener("abort", () => reject(new DOMException("It was cancelled.", "AbortError")));
    asked.push({
      answer: (upload) => resolve({ upload, sheets: [], imports: [] } as unknown as Preview),
      fail: reject,
    });
    return promise;
  };
  const client = { preview } as unknown as Client;
  return { job: Job.of(client, new File(["a"], "a.csv"), NO_CHOICES), asked };
}

test("a look that another one has overtaken says nothing, and does not end the waiting", async () => {
  const { job, asked } = newJob();
  const first = job.look();
  const second = job.look();
  await first;
  expect([job.looking.value, job.problem.value, job.stage.value]).toEqual([true, undefined, "sending"]);
  asked[1]!.answer("u");
  await second;
  expect([job.looking.value, job.problem.value, job.stage.value]).toEqual([false, undefined, "ready"]);
});

test("breaks are counted from the last answer that came", async () => {
  const { job, asked } = newJob();
  const look = async (end: (one: Asked) => void): Promise<boolean> => {
    const looking = job.look();
    end(asked.at(-1)!);
    await looking;
    return job.goesOn;
  };
  const away = (one: Asked): void => one.fail(unreachable());
  const answer = (one: Asked): void => one.answer("u");
  const goOn: boolean[] = [];
  for (const end of [away, away, answer, away, away, away]) goOn.push(await look(end));
  expect(goOn).toEqual([true, true, false, true, true, false]);
});

/** A client that writes down what it is asked, and answers at once with what it is given. */
function answering(answers: (object | Error)[]): { readonly client: Client; readonly calls: unknown[] } {
  const calls: unknown[] = [];
  const ask =
    (what: string) =>
    async (source: Source, fields: unknown, { onSent }: Sending): Promise<unknown> => {
      calls.push([what, "file" in source ? source.file.name : source.upload, fields]);
      onSent?.(0.5);
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      onSent?.(1);
      return answer;
    };
  return { client: { preview: ask("preview"), begin: ask("begin") } as unknown as Client, calls };
}

const column = (header: string) => ({ header, letter: "A", column: header, type: "text", nulls: [], inferred: {} });
const previewOf = (upload: string, ...names: string[]): object => ({
  upload,
  sheets: names.map((name) => ({ name, grid: [{ row: 1, cells: [name] }] })),
  imports: names.slice(0, 1).map((sheet) => ({ sheet, columns: [column("a")] })),
});
const CHOICES = { ...NO_CHOICES, table: "t", columns: { a: { name: "b" } } };
const GONE = new Problem(404, "upload_gone", "gone");
const states = (job: Job): unknown[] => [job.stage.value, job.sent.value, job.looking.value, job.problem.value?.code, job.goesOn]; // prettier-ignore

test("a file is sent once, looked at by its upload, and imported with the choices", async () => {
  const { client, calls } = answering([previewOf("u1", "S", "T"), previewOf("u1", "S", "T"), previewOf("u1", "T"), { id: "i1" }, { id: "i2" }]); // prettier-ignore
  const job = Job.of(client, new File(["abc"], "a.csv"), CHOICES);
  expect(job.toStored()).toEqual({ key: job.key, name: "a.csv", size: 3, upload: undefined, choices: CHOICES, importId: undefined }); // prettier-ignore
  expect(job.key).toMatch(/^[0-9a-f]{8}$/);
  expect(states(job)).toEqual(["waiting", 0, false, undefined, false]);
  expect([job.grid.value, job.sheet.value]).toEqual([[], undefined]);
  await job.look();
  expect(states(job)).toEqual(["ready", 1, false, undefined, false]);
  expect([job.grid.value, job.sheet.value?.sheet, [...job.looked.value.keys()]]).toEqual([[{ row: 1, cells: ["S"] }], "S", ["S"]]); // prettier-ignore
  await job.look();
  const all = await job.lookAtAll();
  expect([all.map(({ sheet }) => sheet), [...job.looked.value.keys()], job.sheet.value?.sheet]).toEqual([["T"], ["S", "T"], "S"]); // prettier-ignore
  expect((await job.begin()).id).toBe("i1");
  expect([job.stage.value, job.importId.value]).toEqual(["imported", "i1"]);
  await job.begin(true);
  expect(job.toStored()).toMatchObject({ upload: "u1", importId: "i2" });
  const mapped = [["table", "t"], ["map", "a=b"]]; // prettier-ignore
  expect(calls).toEqual([
    ["preview", "a.csv", [["table", "t"]]],
    ["preview", "u1", [["sheet", "S"], ...mapped]],
    ["preview", "u1", [["sheet", "all"], ["table", "t"]]],
    ["begin", "u1", [["sheet", "S"], ...mapped]],
    ["begin", "u1", [["sheet", "all"], ["table", "t"]]],
  ]); // prettier-ignore
});

test("the only sheet of a file need not be named", async () => {
  const { client, calls } = answering([previewOf("u1", "S"), { id: "i1" }]);
  const job = Job.of(client, new File(["abc"], "a.csv"), CHOICES);
  await job.look();
  await job.begin();
  expect(calls[1]).toEqual(["begin", "u1", [["table", "t"], ["map", "a=b"]]]); // prettier-ignore
});

test("an upload that the service does not have any more is sent again, if the file is here", async () => {
  const { client, calls } = answering([previewOf("u1", "S"), GONE, previewOf("u2", "S"), new Problem(422, "bad", "no"), previewOf("u2", "S")]); // prettier-ignore
  const job = Job.of(client, new File(["abc"], "a.csv"), NO_CHOICES);
  await job.look();
  await job.look();
  expect([job.toStored().upload, states(job)]).toEqual(["u2", ["ready", 1, false, undefined, false]]);
  // Another refusal is not one of the upload. What was shown stays.
  await job.look();
  expect(states(job)).toEqual(["ready", 1, false, "bad", false]);
  await job.look();
  expect(states(job)).toEqual(["ready", 1, false, undefined, false]);
  expect(calls.map((call) => (call as string[])[1])).toEqual(["a.csv", "u1", "a.csv", "u2", "u2"]);
  const stored = { key: "k", name: "b.csv", size: 7, upload: "u3", choices: CHOICES, importId: undefined };
  const again = Job.restored(answering([GONE]).client, stored);
  expect([again.toStored(), again.stage.value]).toEqual([stored, "waiting"]);
  await again.look();
  expect([again.stage.value, again.problem.value?.status, again.problem.value?.code, again.problem.value?.message]).toEqual(
    ["failed", 404, "upload_gone", "The server does not have “b.csv” any more. Choose the file again."],
  ); // prettier-ignore
  const none = Job.restored(answering([]).client, { ...stored, upload: undefined, importId: "i1" });
  expect([none.stage.value, none.importId.value]).toEqual(["imported", "i1"]);
  await expect(none.begin()).rejects.toThrow("The server does not have “b.csv” any more");
});

test("several choices in a short time make one look", async () => {
  vi.useFakeTimers();
  try {
    const { client, calls } = answering([previewOf("u1", "S"), previewOf("u1", "S"), { id: "i1" }]);
    const job = Job.of(client, new File(["abc"], "a.csv"), NO_CHOICES);
    job.choose({ ...NO_CHOICES, table: "x" });
    expect([job.looking.value, job.choices.value.table, job.goesOn]).toEqual([true, "x", false]);
    await vi.advanceTimersByTimeAsync(299);
    job.choose({ ...NO_CHOICES, table: "y" });
    await vi.advanceTimersByTimeAsync(299);
    expect(calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect([calls.length, job.looking.value]).toEqual([1, false]);
    // A look, the end and the import each take the place of the one that was to come.
    job.choose({ ...NO_CHOICES, table: "z" });
    await job.look();
    job.choose({ ...NO_CHOICES, table: "w" });
    job.stop();
    job.choose({ ...NO_CHOICES, table: "v" });
    await job.begin();
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls.map((call) => (call as unknown[])[2])).toEqual(["y", "z", "v"].map((table) => [["table", table]]));
  } finally {
    vi.useRealTimers();
  }
});

test("whatever is thrown is a problem", () => {
  const own = new Problem(400, "c", "m");
  expect(asProblem(own)).toBe(own);
  const said = [new DOMException("x", "AbortError"), new DOMException("x", "DataError"), new Error("oh"), "text"].map(asProblem); // prettier-ignore
  expect(said.map(({ status, code, message }) => [status, code, message])).toEqual([
    [0, "cancelled", "It was cancelled."],
    [0, "page_failed", "x"],
    [0, "page_failed", "oh"],
    [0, "page_failed", "text"],
  ]);
});
