import { background, withCancel } from "@sluice/go/context";
import { generate } from "@sluice/go/patterns";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PostOffice, type Report, sample, sendAll, sender } from "./mail.ts";

const ctx = background();
let office: PostOffice;
let mailer: ReturnType<typeof sender>;
beforeEach(async () => {
  office = new PostOffice();
  mailer = sender(await office.open(), 3);
});
afterEach(async () => {
  mailer[Symbol.dispose]();
  await office.close();
});

describe("a batch of e-mails", () => {
  it("is sent over a few connections, and each mail is reported", async () => {
    const reports = new Map<string, Report>();
    for await (const report of sendAll(ctx, generate(ctx, sample(40)), mailer.send, 3, 1)) {
      reports.set(report.mail.to.split("@")[0]!, report);
    }
    expect(reports.size).toBe(40);
    for (const [who, { attempts, error }] of reports) {
      const gone = who.startsWith("gone");
      expect([attempts, error === undefined]).toEqual([who.startsWith("busy") ? 2 : 1, !gone]);
      if (gone) expect(error?.message).toContain("550 no such mailbox");
      expect(office.inboxes.get(`${who}@example.org`)?.length).toBe(gone ? undefined : 1);
    }
    expect(office.inboxes.get("busy-7@example.org")?.[0]).toContain("Subject: Order 7");
    expect(office.busiest).toBeLessThanOrEqual(3);
  });

  it("stops when its context ends", async () => {
    const [child, cancel] = withCancel(ctx);
    let reports = 0;
    for await (const _ of sendAll(child, generate(ctx, sample(100)), mailer.send, 3, 1)) if (++reports === 5) cancel();
    expect(reports).toBeLessThan(20);
    expect(office.inboxes.size).toBeLessThan(20);
  });

  it("goes on when the server is not there, and says so for each", async () => {
    const nobody = sender(1, 2);
    const errors: unknown[] = [];
    for await (const { attempts, error } of sendAll(ctx, generate(ctx, sample(3)), nobody.send, 2, 1)) {
      errors.push([attempts, (error as Error & { code: string }).code]);
    }
    expect(errors).toEqual([1, 2, 3].map(() => [3, "ESOCKET"]));
    nobody[Symbol.dispose]();
  });
});
