// The dashboard of docs/grafana.json asks for metrics that the service has.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Metrics } from "./metrics.ts";

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string }[];
}

const { panels } = JSON.parse(await readFile(new URL("../../../../../docs/grafana.json", import.meta.url), "utf8")) as {
  readonly panels: readonly Panel[];
};

test.each(panels.map((panel) => [panel.title, panel] as const))("%s: each metric is there", async (_, { targets }) => {
  const metrics = new Metrics(() => ({ lives: () => [] }));
  metrics.count({ state: "finished", outcome: { milliseconds: 1 } });
  const text = await metrics.registry.metrics();
  const has = new Set(text.split("\n").flatMap((line) => /^[a-z_0-9]+(?=[{ ])/.exec(line) ?? []));
  for (const { expr } of targets) {
    const [names, labels] = [[...expr.matchAll(/([a-z_0-9]+)\{/g)], [...expr.matchAll(/[{,]([a-z]+)(?==)/g)]];
    expect(names.length).toBeGreaterThan(0);
    for (const [, name] of names) {
      expect(has).toContain(name);
      // Prometheus itself adds `instance`.
      const own = labels.map(([, label]) => label).filter((label) => label !== "instance");
      for (const label of own) expect(text).toMatch(new RegExp(`^${name}\\{[^}]*${label}=`, "m"));
    }
  }
});

test("no two panels have one id or overlap", () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const overlaps = panels.flatMap(({ id, gridPos: a }) =>
    panels
      .filter(({ id: other, gridPos: b }) => id < other && meet(a.x, a.w, b.x, b.w) && meet(a.y, a.h, b.y, b.h))
      .map(({ id: other }) => [id, other]),
  );
  expect(overlaps).toEqual([]);
});

/** Reports whether two stretches have a part in common. */
function meet(a: number, length: number, b: number, other: number): boolean {
  return a < b + other && b < a + length;
}
