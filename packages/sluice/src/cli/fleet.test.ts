// What the commands of a fleet cannot do without.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { afterEach, expect, test, vi } from "vitest";
import { fleetOf } from "./fleet.ts";
import { addServe } from "./serve-options.ts";
import { addWorker, filesOption } from "./worker-options.ts";

/** The arguments that a file of deploy/ starts programs with. */
function callsIn(file: string): (readonly string[])[] {
  const text = readFileSync(join(import.meta.dirname, "../../../../deploy", file), "utf8");
  return [...text.matchAll(/(?:command|args):\s*(\[\s*"(?:serve|worker)"[^\]]*\])/g)].map(
    ([, call]) => JSON.parse(call!.replace(/,\s*\]$/, "]")) as string[],
  );
}

afterEach(() => vi.unstubAllEnvs());

const TO = "postgres://localhost/crm";

test("a fleet meets at one server and one place of files", () => {
  vi.stubEnv("DATABASE_URL", "");
  expect(fleetOf("worker", { to: TO, files: "/mnt/sluice" })).toEqual({ dsn: TO, files: "/mnt/sluice" });
  vi.stubEnv("DATABASE_URL", TO);
  expect(fleetOf("worker", { files: "s3://b" })).toEqual({ dsn: TO, files: "s3://b" });
});

test.each([
  ["a PostgreSQL server", { files: "/mnt/sluice" }],
  ["the place of its files", { to: TO }],
])("without %s it is refused, and the message says what to give", (what, flags) => {
  vi.stubEnv("DATABASE_URL", "");
  expect(() => fleetOf("serve --fleet", flags)).toThrow(
    expect.objectContaining({
      code: "fleet_options",
      exitCode: 2,
      message: expect.stringContaining(`sluice serve --fleet needs ${what}`) as string,
    }),
  );
});

test.each(["compose.yaml", "kubernetes.yaml"])("deploy/%s starts programs with options that they have", (file) => {
  const calls = callsIn(file);
  expect(calls.map(([command]) => command)).toEqual(["serve", "worker"]);
  for (const [command, ...args] of calls) {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    addServe(program, new Option("--to <dsn>"), new Option("--data <folder>"), filesOption());
    addWorker(program, new Option("--to <dsn>"));
    const called = program.commands.find((one) => one.name() === command)!;
    const { unknown, operands } = called.parseOptions(args);
    expect([file, command, unknown, operands]).toEqual([file, command, [], []]);
  }
});
