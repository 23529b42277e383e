// The database's disk fills up in the middle of an import, and is made larger afterwards.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expectSuccess, start } from "./faults.ts";
import type { Lab } from "./lab.ts";
import { serverPlace } from "./place.ts";
import { argsOf, finish } from "./run.ts";
import type { Method } from "../../options.ts";

let made = 0;

/** Whether this machine lets us make a small disk. */
export function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    // In a mount namespace of its own: nothing of it stays.
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Table and ledger are on a small disk. @returns what the program said when it was full */
export async function fillDisk(lab: Lab, method: Method): Promise<string> {
  const one = await lab.case(method, "checked");
  const disk = join(lab.server.home, `disk${++made}`);
  const { uid = 0, gid = 0 } = lab.server.user;
  mkdirSync(disk);
  const mount = (...args: string[]): unknown => execFileSync("mount", ["-t", "tmpfs", ...args, "tmpfs", disk]);
  mount("-o", `size=2m,uid=${uid},gid=${gid}`);
  try {
    await using place = await serverPlace(lab.server.url, { name: `small${made}`, folder: disk });
    await lab.prepare(place, one);
    const call = { place, folder: lab.folder, args: argsOf(one) };
    const { code, stdout, stderr } = await start(call).ended;
    if (code !== 1) throw new Error(`ended with ${code} on a full disk: ${stdout}${stderr}`);
    execFileSync("mount", ["-o", "remount,size=200m", disk]);
    expectSuccess(await start(call).ended);
    await finish(call, one);
    return stdout + stderr;
  } finally {
    execFileSync("umount", ["--lazy", disk]);
  }
}
