// What a program comes to with this library, in a process of its own.
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Outcome } from "./programs.ts";

/** The first line of a panic or a fatal error. */
export function faultOf(stderr: string): string {
  return /^(?:panic|fatal error): .*$/m.exec(stderr)?.[0] ?? "";
}

/** Runs a program. @param lane `awaited`, `fibers` or `mixed` */
export async function play(file: string, lane: string): Promise<Outcome> {
  const args = ["--no-warnings", join(import.meta.dirname, "play.ts"), file, lane];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [output, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  const fault = faultOf(stderr);
  if (status !== 0 && fault === "") throw new Error(`the program could not run: ${stderr}`);
  return { status, fault, output };
}
