// The flags that each option of `sluice serve` and `sluice worker` becomes, and what is refused.
import { Command, Option } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addServe } from "./serve-options.ts";
import { addWorker, filesOption } from "./worker-options.ts";

beforeEach(() => {
  for (const name of ["SLUICE_TOKEN", "SLUICE_FILES"]) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

/** The flags of a command line, or what is written of it. */
function parsed(...line: readonly string[]): unknown {
  const program = new Command().exitOverride();
  const [to, data] = [new Option("--to <dsn>"), new Option("--data <folder>")];
  addServe(program, to, data, filesOption());
  addWorker(program, to);
  let found: unknown;
  let written = "";
  for (const command of program.commands)
    command
      .exitOverride()
      .configureOutput({ writeErr: (text) => void (written += text) })
      .action((flags: unknown) => void (found = flags));
  try {
    program.parse(line, { from: "user" });
  } catch {
    return written;
  }
  return found;
}

test("each option is a flag, and each has its default", () => {
  const numbers = ["port", "max-file-bytes", "max-imports", "max-uploads", "max-upload-bytes", "upload-seconds", "silence-seconds", "max-client-uploads", "min-upload-rate", "max-client-imports", "max-client-rate", "max-readers"]; // prettier-ignore
  const all = numbers.flatMap((name, n) => [`--${name}`, String(n + 1)]);
  expect(parsed("serve")).toMatchSnapshot("serve without options");
  expect(parsed("serve", ...all, "--host", "h", "--upload-dir", "d", "--streaming-only", "--token", "t", "--user-header", "X", "--pprof", "--log", "json", "--allow", "a", "--allow", "b.*", "--fleet", "--to", "x", "--data", "y", "--files", "f")).toMatchSnapshot("serve with all of them"); // prettier-ignore
  expect(parsed("worker")).toMatchSnapshot("worker without options");
  expect(parsed("worker", "--port", "0", "--max-imports", "3", "--max-fleet-imports", "4", "--max-client-running", "5", "--host", "h")).toMatchSnapshot("worker with some"); // prettier-ignore
});

test("a number that no server could have is refused, and the border is taken", () => {
  expect([
    parsed("serve", "--port", "65535"), parsed("worker", "--port", "65535"),
  ].map((flags) => (flags as { port: number }).port)).toEqual([65_535, 65_535]); // prettier-ignore
  expect([
    parsed("serve", "--port", "65536"), parsed("serve", "--port", "-1"), parsed("serve", "--port", "x"), parsed("serve", "--max-imports", "0"), parsed("serve", "--log", "xml"), parsed("serve", "--other"),
  ]).toMatchSnapshot(); // prettier-ignore
});
