// What a server keeps of the imports that it was asked for: on the disk, privately, and not for
// ever.
import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newFolder } from "../../test/database.ts";
import { JobStore, type Job } from "./store.ts";

function job(n: number, more: Partial<Job> = {}): Job {
  const createdAt = new Date(Date.UTC(2026, 0, 1) + n).toISOString();
  return {
    id: `job-${n}`,
    upload: null,
    fileName: "a.csv",
    fields: [],
    client: "me",
    createdAt,
    state: "finished",
    ...more,
  };
}

test("jobs are found again by the next store of the same database, in their order, and by no other", async () => {
  await using folder = newFolder();
  const first = new JobStore(folder.path, "one");
  expect(first.isFilled).toBe(false);
  const path = await first.open();
  await writeFile(join(path, "upload"), "rows");
  await first.save(job(2, { state: "running", upload: "upload" }));
  await first.save(job(1));
  expect(((await stat(path)).mode & 0o777).toString(8)).toBe("700");
  expect(((await stat(join(path, "job-1.json"))).mode & 0o777).toString(8)).toBe("600");
  await first.close();
  const second = new JobStore(folder.path, "one");
  expect(second.isFilled).toBe(true);
  expect(await second.open()).toBe(path);
  expect(second.all().map(({ id, state }) => [id, state])).toEqual([
    ["job-1", "finished"],
    ["job-2", "running"],
  ]);
  expect(new JobStore(folder.path, "two").isFilled).toBe(false);
  await second.close();
});

test("a store beside one that is alive has a folder of its own, and the next one takes over both", async () => {
  await using folder = newFolder();
  const [first, second] = [new JobStore(folder.path, "one"), new JobStore(folder.path, "one")];
  const paths = [await first.open(), await second.open()];
  expect(new Set(paths).size).toBe(2);
  await writeFile(join(paths[1]!, "upload"), "rows");
  await first.save(job(1));
  await second.save(job(2, { state: "queued", upload: "upload" }));
  await first.close();
  await second.close();
  const third = new JobStore(folder.path, "one");
  await third.open();
  expect(third.all().map(({ id }) => id)).toEqual(["job-1", "job-2"]);
  expect(await third.sizeOf(third.get("job-2")!)).toBe(4);
  await third.close();
});

test("a folder that others may read is passed over, and the next one is taken", async () => {
  await using folder = newFolder();
  const first = new JobStore(folder.path, "one");
  const open = await first.open();
  await first.close();
  await chmod(open, 0o755);
  const second = new JobStore(folder.path, "one");
  expect(await second.open()).toBe(open.replace(/-1$/, "-2"));
  await second.close();
});

test("files that no job needs, and what a crash cut off, are removed", async () => {
  await using folder = newFolder();
  const first = new JobStore(folder.path, "one");
  const path = await first.open();
  await first.save(job(1));
  for (const [name, text] of Object.entries({ left: "rows", "half.json": '{"id":', "job-1.json.part": "{" }))
    await writeFile(join(path, name), text);
  await first.close();
  const second = new JobStore(folder.path, "one");
  await second.open();
  expect((await readdir(path)).filter((name) => !name.startsWith("lock"))).toEqual(["job-1.json"]);
  await second.close();
});

test("of imports that have ended the newest thousand are remembered, and of others all", async () => {
  await using folder = newFolder();
  const store = new JobStore(folder.path, "one");
  await store.open();
  await store.save(job(0, { state: "queued", upload: "upload" }));
  await store.save(job(1, { state: "failed", upload: "upload" }));
  for (let n = 2; n <= 1002; n++) await store.save(job(n));
  await store.prune();
  expect(store.all()).toHaveLength(1002);
  expect(["job-0", "job-1", "job-2", "job-3"].map((id) => store.get(id) !== undefined)).toEqual([
    true,
    true,
    false,
    true,
  ]);
  await store.close();
});

test("a job that is removed stays away, also while it is written", async () => {
  await using folder = newFolder();
  const store = new JobStore(folder.path, "one");
  const path = await store.open();
  const saving = [store.save(job(1)), store.save(job(1)), store.save(job(1))];
  await store.remove("job-1");
  await Promise.all(saving);
  expect((await readdir(path)).filter((name) => name.endsWith(".json"))).toEqual([]);
  await store.close();
});
