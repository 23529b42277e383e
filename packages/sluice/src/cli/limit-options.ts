// The limits of the reader as options: each of docs/limits.md has one, named like it.
import { InvalidArgumentError, type Command } from "commander";
import { defaultLimits, type Limits } from "@sluice/sheets";
import { grouped } from "../grouped.ts";
import { limitFlag } from "../errors.ts";

const NAMES = Object.keys(defaultLimits) as (keyof Limits)[];
const UNITS: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Gives a command an option for each limit. */
export function addLimitOptions(command: Command): Command {
  command.optionsGroup("Limits of what a file may ask for (docs/limits.md):");
  for (const name of NAMES) {
    const isBytes = /Bytes/.test(name);
    const most = isBytes ? inUnits(defaultLimits[name]) : grouped(defaultLimits[name]);
    command.option(`${limitFlag(name)} <${isBytes ? "bytes" : "n"}>`, `limit ${name} (default: ${most})`, limit);
  }
  return command.optionsGroup("Options:");
}

/** The limits among the options that commander parsed. */
export function limitsFrom(flags: object): { limits?: Partial<Limits> } {
  const given = NAMES.flatMap((name) => {
    const value: unknown = Reflect.get(flags, attribute(limitFlag(name)));
    return typeof value === "number" ? [[name, value] as const] : [];
  });
  return given.length === 0 ? {} : { limits: Object.fromEntries(given) };
}

/** The name that commander gives an option. */
function attribute(flag: string): string {
  return flag.slice(2).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function limit(text: string): number {
  const [, digits, unit] = /^(\d{1,15})(KiB|MiB|GiB|)$/.exec(text) ?? [];
  const value = Number(digits) * UNITS[unit ?? ""]!;
  if (!(value > 0))
    throw new InvalidArgumentError(`Expected a whole number above 0, such as 1000000 or 960MiB, got "${text}".`);
  return value;
}

function inUnits(value: number): string {
  const [unit, factor] = Object.entries(UNITS).findLast(([, factor]) => value >= factor && value % factor === 0)!;
  return `${grouped(value / factor)}${unit === "" ? "" : ` ${unit}`}`;
}
