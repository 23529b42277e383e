import { describe, expect, test } from "vitest";
import { Format } from "./format.ts";

/** Blanks that do not break are blanks. */
const plain = (text: string): string => text.replaceAll(/[\u00a0\u202f]/g, " ");

describe("numbers for a reader", () => {
  test("counts have the separators of the locale", () => {
    expect(new Format("en").count(9987)).toBe("9,987");
    expect(new Format("de").count(9987)).toBe("9.987");
    expect(new Format("en").counted(1, "row")).toBe("1 row");
    expect(new Format("en").counted(0, "entry", "entries")).toBe("0 entries");
  });

  test("a part that is not all is never 100 %", () => {
    expect(new Format("en").percent(0.999)).toBe("99%");
    expect(new Format("en").percent(1)).toBe("100%");
  });

  test("sizes and times have units", () => {
    const { en, de } = { en: new Format("en"), de: new Format("de") };
    expect([0, 1023, 1536, 512 * 1024 ** 2].map((size) => en.bytes(size))).toEqual([
      "0 B",
      "1,023 B",
      "1.5 KiB",
      "512 MiB",
    ]);
    expect(de.bytes(1536)).toBe("1,5 KiB");
    expect([3100, 61_000, 3_660_000].map((time) => plain(en.duration(time)))).toEqual([
      "3.1 sec",
      "1 min 1 sec",
      "1 hr 1 min",
    ]);
  });

  test("what is not long ago is told by how long", () => {
    const now = Date.parse("2026-01-02T12:00:00Z");
    const en = new Format("en");
    expect(en.ago("2026-01-02T11:55:00Z", now)).toBe("5 minutes ago");
    expect(en.ago("2026-01-02T12:00:01Z", now)).toBe("now");
    expect(en.ago("2025-01-02T12:00:00Z", now)).toContain("2025");
  });
});

test("sizes, parts and times on both sides of each border", () => {
  const en = new Format("en");
  const now = Date.parse("2026-01-02T12:00:00Z");
  expect({
    bytes: [0, 1, 1023, 1024, 1025, 10_239, 102_399, 102_400, 1024 ** 2 - 1, 1024 ** 2, 1.5 * 1024 ** 3, 1024 ** 4, 1024 ** 5, 5000 * 1024 ** 4].map((size) => en.bytes(size)),
    percent: [0, 0.004, 0.005, 0.5, 0.989, 0.99, 0.9999, 1, 1.5].map((part) => en.percent(part)),
    counted: [0, 1, 2, -1, 1000].map((n) => en.counted(n, "row")),
    duration: [0, 49, 50, 999, 9949, 9999, 10_000, 10_500, 59_499, 59_999, 60_000, 61_500, 3_599_999, 3_600_000, 3_659_999, 3_660_000, 90_000_000].map((time) => plain(en.duration(time))),
    ago: [-5, 0, 1, 29, 59, 60, 89, 90, 3599, 3600, 5399, 5400, 86_399, 86_400].map((seconds) => plain(en.ago(new Date(now - seconds * 1000).toISOString(), now)).replace(/, .*:.*/, ", at a time")),
  }).toMatchSnapshot();
}); // prettier-ignore
