// The looks at a file, with a client whose answers come when the test says so.
import { expect, test } from "vitest";
import type { Client, Sending } from "../api/client.ts";
import { unreachable } from "../api/problem.ts";
import type { Preview } from "../api/shapes.ts";
import { NO_CHOICES } from "./choices.ts";
import { Job } from "./job.ts";

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
