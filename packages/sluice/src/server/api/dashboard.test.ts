// The dashboards of docs/grafana.json and docs/grafana-fleet.json ask for metrics that there are.
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { FleetDatabase } from "../fleet/database.ts";
import { addFleetGauges } from "../fleet/gauges.ts";
import { Metrics } from "./metrics.ts";

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string }[];
}

async function panelsOf(name: string): Promise<readonly Panel[]> {
  const text = await readFile(new URL(`../../../../../docs/${name}`, import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly panels: readonly Panel[] }).panels;
}

/** What a server tells, in which one import has ended; of a fleet if it has a database. */
async function told(fleet?: Pick<FleetDatabase, "query" | "processes">): Promise<string> {
  const metrics = new Metrics(() => ({ lives: () => [] }));
  metrics.count({ state: "finished", outcome: { milliseconds: 1 } });
  if (fleet) addFleetGauges(metrics.registry, fleet);
  return await metrics.registry.metrics();
}

const LOAD = { queued: "1", running: "1", dead: "1", age: 1 };
const FLEET = {
  query: <Row>() => Promise.resolve([LOAD as Row]),
  processes: () => Promise.resolve({ server: 1, worker: 1 }),
};

describe.each([
  ["grafana.json", undefined],
  ["grafana-fleet.json", FLEET],
])("%s", async (name, fleet) => {
  const panels = await panelsOf(name);

  test.each(panels.map((panel) => [panel.title, panel] as const))(
    "%s: each metric is there",
    async (_, { targets }) => {
      const text = await told(fleet);
      const has = new Set(text.split("\n").flatMap((line) => /^[a-z_0-9]+(?=[{ ])/.exec(line) ?? []));
      for (const { expr } of targets) {
        const [names, labels] = [[...expr.matchAll(/([a-z_0-9]+)\{/g)], [...expr.matchAll(/[{,]([a-z]+)(?==)/g)]];
        expect(names.length).toBeGreaterThan(0);
        for (const [, one] of names) {
          expect(has).toContain(one);
          // Prometheus itself adds `instance`.
          const own = labels.map(([, label]) => label).filter((label) => label !== "instance");
          for (const label of own) expect(text).toMatch(new RegExp(`^${one}\\{[^}]*${label}=`, "m"));
        }
      }
    },
  );

  test("no two panels have one id or overlap", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const overlaps = panels.flatMap(({ id, gridPos: a }) =>
      panels
        .filter(({ id: other, gridPos: b }) => id < other && meet(a.x, a.w, b.x, b.w) && meet(a.y, a.h, b.y, b.h))
        .map(({ id: other }) => [id, other]),
    );
    expect(overlaps).toEqual([]);
  });
});

/** Reports whether two stretches have a part in common. */
function meet(a: number, length: number, b: number, other: number): boolean {
  return a < b + other && b < a + length;
}
