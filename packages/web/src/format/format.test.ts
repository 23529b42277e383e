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
