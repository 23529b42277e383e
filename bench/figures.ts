// Rows of typed columns as CSV, for typed.ts and client.ts.
import { once } from "node:events";
import { Random } from "../packages/sluice/src/sample/random.ts";
import { kept } from "./data.ts";

export const types: readonly (readonly [name: string, type: string])[] = [
  ["id", "integer"],
  ["name", "text"],
  ["amount", "numeric(12,2)"],
  ["day", "date"],
  ["active", "boolean"],
  ["ratio", "double precision"],
];

/**
 * Rows as a bank or a shop exports them: an id, a text, an amount, a day, `t` or `f`, and all
 * digits of a double.
 */
export function figures(rows: number): Promise<string> {
  return kept(`${rows}-figures.csv`, async (out) => {
    const random = new Random(1);
    let text = `${types.map(([name]) => name).join(",")}\n`;
    for (let id = 1; id <= rows; id++) {
      const amount = (random.below(200_000_000) - 100_000_000) / 100;
      const day = new Date(Date.UTC(1990, 0, 1) + random.below(14_000) * 86_400_000).toISOString().slice(0, 10);
      const [active, ratio] = [random.below(2) === 1 ? "t" : "f", (random.below(2 ** 31) / 2 ** 31) * 1000];
      text += `${id},customer ${random.below(1e9)},${amount.toFixed(2)},${day},${active},${ratio}\n`;
      if (text.length < 1 << 16) continue;
      if (!out.write(text)) await once(out, "drain");
      text = "";
    }
    out.write(text);
  });
}
