// What the commands of a fleet cannot do without.
import { afterEach, expect, test, vi } from "vitest";
import { fleetOf } from "./fleet.ts";

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
