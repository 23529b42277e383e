// Choices that are kept in this browser, by the headers of the file that they were made for.
// Nothing of a file's rows is kept.
import type { SheetPreview } from "../api/shapes.ts";
import { isWorthKeeping, type Choices } from "./choices.ts";

/** Choices of an earlier file. */
export interface Kept {
  readonly choices: Choices;
  /** The name of that file. */
  readonly file: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
}

const PLACE = "sluice.choices";
/** The number of files that choices are kept of; the oldest go first. */
const MOST_KEPT = 50;

/** The choices that were made for a sheet with the same headers. */
export function findKept(preview: SheetPreview): Kept | undefined {
  return readAll()[nameOf(preview)];
}

/** Keeps choices; those that say nothing are not kept. */
export function keep(preview: SheetPreview, choices: Choices, file: string): void {
  const { sheet: _, ...others } = choices;
  const all = Object.entries(readAll()).filter(([name]) => name !== nameOf(preview));
  if (isWorthKeeping(choices)) all.push([nameOf(preview), { choices: others, file, at: Date.now() }]);
  write(Object.fromEntries(all.toSorted(([, a], [, b]) => a.at - b.at).slice(-MOST_KEPT)));
}

function nameOf({ columns }: SheetPreview): string {
  return JSON.stringify(columns.map(({ header }) => header));
}

function readAll(): Record<string, Kept> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(PLACE) ?? "{}");
    return typeof found === "object" && found !== null ? (found as Record<string, Kept>) : {};
  } catch {
    return {};
  }
}

/** A browser may have no room, or refuse to keep anything: then nothing is offered again. */
function write(all: Readonly<Record<string, Kept>>): void {
  try {
    localStorage.setItem(PLACE, JSON.stringify(all));
  } catch {
    return;
  }
}
