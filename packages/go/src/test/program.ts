// Runs a program of its own in a child process: for whatever ends a program.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** No program of these tests takes so long: it hangs. */
const LONGEST_MS = 25_000;

/**
 * Runs TypeScript source whose imports from "go", "go/sync", … mean this package; signals it once,
 * at its first output.
 */
export async function runProgram(source: string, signalOnOutput?: NodeJS.Signals): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-go-"));
  try {
    const file = join(folder, "program.ts");
    writeFileSync(
      file,
      source.replaceAll(/(from |import\()"go(?:\/([a-z]+))?"/g, (_, how: string, entry?: string) => {
        const name =
          entry === undefined
            ? "index"
            : ["sync", "fiber", "patterns", "parallel", "synctest", "race", "trace", "bench"].includes(entry)
              ? `${entry}/index`
              : entry;
        return `${how}${JSON.stringify(new URL(`../${name}.ts`, import.meta.url).href)}`;
      }),
    );
    const child = spawn(process.execPath, ["--no-warnings", file], { stdio: ["ignore", "pipe", "pipe"] });
    let signalled = false;
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data: Buffer) => {
      stdout += data.toString();
      if (signalOnOutput !== undefined && !signalled) signalled = child.kill(signalOnOutput);
    });
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    const status = await new Promise<number | null>((resolve, reject) => {
      const bound = setTimeout(() => {
        child.kill("SIGKILL");
        reject(new Error(`the program hangs, and has said:\n${stdout}${stderr}`));
      }, LONGEST_MS);
      child.on("close", (code) => {
        clearTimeout(bound);
        resolve(code);
      });
    });
    return { status, stdout, stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
