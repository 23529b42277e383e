import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { page, problems, render } from "./conformance.ts";

describe("the conformance page", () => {
  it("has a test or a reason for each behaviour, and no test names another", () => {
    expect(problems()).toEqual([]);
  });

  it("is what `node scripts/conformance.ts` writes", () => {
    expect(readFileSync(page, "utf8")).toBe(render());
  });
});
