// The console of a program in the page: what Node's prints in a terminal.

import { format, inspect } from "node-inspect-extracted";

type Methods = Partial<Omit<Console, "memory">>;

/** A console that writes lines. Times are those of `performance`. */
export function consoleOf(write: (text: string) => void): Methods {
  let indent = "";
  const counts = new Map<string, number>();
  const timers = new Map<string, number>();
  const say = (...args: unknown[]): void => write(`${indent}${format(...args).replaceAll("\n", `\n${indent}`)}\n`);
  const group = (...args: unknown[]): void => {
    if (args.length > 0) say(...args);
    indent += "  ";
  };
  const time = (label: string, args: readonly unknown[]): void => {
    const began = timers.get(label);
    if (began !== undefined) say(`${label}: ${(performance.now() - began).toFixed(3)}ms`, ...args);
  };
  return {
    log: say,
    info: say,
    debug: say,
    warn: say,
    error: say,
    dir: (value, options: Parameters<typeof inspect>[1]) => say(inspect(value, { customInspect: false, ...options })),
    table: (data, columns?: readonly string[]) => say(tableOf(data, columns) ?? data),
    trace: (...args) => say((new Error(format(...args)).stack ?? "").replace(/^Error/, "Trace")),
    assert: (condition, ...args) => {
      const [what, ...rest] = args;
      if (condition) return;
      if (typeof what === "string") say(`Assertion failed: ${what}`, ...rest);
      else say("Assertion failed", ...args);
    },
    count: (label = "default") => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      say(`${label}: ${counts.get(label)}`);
    },
    countReset: (label = "default") => void counts.delete(label),
    time: (label = "default") => void timers.set(label, performance.now()),
    timeLog: (label = "default", ...args) => time(label, args),
    timeEnd: (label = "default") => {
      time(label, []);
      timers.delete(label);
    },
    group,
    groupCollapsed: group,
    groupEnd: () => {
      indent = indent.slice(2);
    },
    // A terminal is cleared, but output that is kept is not.
    clear: () => undefined,
  };
}

/** A table of rows, as Node draws it; `undefined` for what has no rows. */
function tableOf(data: unknown, only: readonly string[] | undefined): string | undefined {
  if (typeof data !== "object" || data === null || data instanceof Map || data instanceof Set) return undefined;
  const rows = Object.entries(data as Record<string, unknown>);
  const isRecord = (row: unknown): row is Record<string, unknown> => typeof row === "object" && row !== null;
  const columns = only ?? [...new Set(rows.flatMap(([, row]) => (isRecord(row) ? Object.keys(row) : [])))];
  const hasValues = rows.some(([, row]) => !isRecord(row));
  const shown = (value: unknown): string => {
    const isLarge = isRecord(value) && !Array.isArray(value) && Object.keys(value).length > 2;
    return inspect(value, { depth: isLarge ? -1 : 0, breakLength: Infinity });
  };
  const cells = [
    ["(index)", ...columns, ...(hasValues ? ["Values"] : [])],
    ...rows.map(([index, row]) => [
      index,
      ...columns.map((column) => (isRecord(row) && Object.hasOwn(row, column) ? shown(row[column]) : "")),
      ...(hasValues ? [isRecord(row) ? "" : shown(row)] : []),
    ]),
  ];
  const widths = (cells[0] as string[]).map((_, i) => Math.max(...cells.map((line) => (line[i] as string).length)) + 2);
  const edge = (left: string, middle: string, right: string): string =>
    left + widths.map((width) => "─".repeat(width)).join(middle) + right;
  const [head, ...body] = cells.map(
    (line) => `│${line.map((cell, i) => ` ${cell}`.padEnd(widths[i] as number)).join("│")}│`,
  );
  return [edge("┌", "┬", "┐"), head, edge("├", "┼", "┤"), ...body, edge("└", "┴", "┘")].join("\n");
}
