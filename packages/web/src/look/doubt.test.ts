import { expect, test } from "vitest";
import type { ColumnPreview } from "../api/shapes.ts";
import { doubtOf } from "./doubt.ts";

test("a text column whose values speak for another type, or that has a reason, is a doubt", () => {
  const of = (type: string | null, inferred: object) => doubtOf({ type, inferred: { values: 10, ...inferred } } as unknown as ColumnPreview); // prettier-ignore
  const nearest = (fits: number) => ({ type: "integer", fits, against: [{ row: 2, value: "x" }] });
  expect([
    of("text", { nearest: nearest(9) }), of("text", { nearest: nearest(8), because: "codes" }), of("integer", { nearest: nearest(9) }), of(null, { nearest: nearest(9) }), of("text", { because: "codes" }), of("text", {}), of("text", { because: "" }),
  ]).toMatchSnapshot(); // prettier-ignore
});
