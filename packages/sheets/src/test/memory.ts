import { existsSync, readFileSync } from "node:fs";

/**
 * This process's peak resident set in bytes; 0 where there is no /proc. (`maxRSS` begins at that of
 * the process that started this one.)
 */
export function peakMemory(): number {
  if (!existsSync("/proc/self/status")) return 0;
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024;
}
