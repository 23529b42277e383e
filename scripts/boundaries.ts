// Who may import whom (ARCHITECTURE.md, "Direction"): the order of rooms in each package, from the
// top floor to the cellar.
//
// A room is a folder, or a file that stands alone. A file may import from its own room and from
// rooms on lower floors, never from a room beside or above it. Imports of types count too. Circles
// of files, and of folders that are side by side, are not allowed, not even within a room.
import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

const root = join(import.meta.dirname, "..");

interface Building {
  /** Other packages that its files may import. */
  readonly packages: readonly string[];
  /** The rooms of each floor, from the top. */
  readonly floors: readonly (readonly string[])[];
}

const buildings: Readonly<Record<string, Building>> = {
  "packages/go/src": {
    packages: [],
    floors: [
      ["race", "bench"],
      ["index.ts", "parallel", "synctest"],
      ["net.ts", "pubsub.ts", "leak.ts", "pprof.ts"],
      ["fiber"],
      ["pprof"],
      ["trace"],
      ["patterns"],
      ["errgroup.ts", "semaphore.ts", "singleflight.ts", "rate.ts", "retry.ts"],
      ["sync", "atomic.ts"],
      ["time.ts"],
      ["context.ts"],
      ["select.ts", "go.ts"],
      ["chan.ts"],
      ["internal"],
    ],
  },
  "packages/eslint-plugin/src": { packages: [], floors: [["index.ts"], ["rules"], ["known.ts"]] },
  "packages/sheets/src": {
    packages: ["@sluice/go"],
    floors: [
      ["parallel"],
      ["index.ts", "cli"],
      ["workbook.ts"],
      ["sheet.ts"],
      ["library", "ods"],
      ["xlsx"],
      ["csv"],
      ["sniff.ts"],
      ["csv/dialect.ts"],
      ["book.ts"],
      ["cells", "package"],
      ["encoding.ts", "spool.ts"],
      ["own-folder.ts"],
      ["source.ts", "limits.ts"],
      ["errors.ts", "ascii.ts"],
    ],
  },
  "packages/sluice/src": {
    packages: ["@sluice/go", "@sluice/sheets"],
    floors: [
      ["cli"],
      ["server"],
      ["index.ts"],
      ["schema-text.ts", "option-texts.ts"],
      ["preview.ts"],
      ["import.ts"],
      ["run"],
      ["database"],
      ["ledger"],
      ["plan"],
      ["sheet"],
      ["rejects", "sample"],
      ["options.ts"],
      ["target.ts"],
      ["chunk"],
      ["values"],
      ["schema"],
      ["xlsx", "reject.ts", "hash.ts", "tracing.ts"],
      ["errors.ts", "printable.ts", "grouped.ts", "duration.ts"],
    ],
  },
  "packages/web/src": {
    packages: [],
    floors: [
      ["main.ts"],
      ["element.tsx"],
      ["style"],
      ["app.tsx"],
      ["run"],
      ["result"],
      ["look"],
      ["choose"],
      ["history"],
      ["ui"],
      ["state"],
      ["api", "format"],
    ],
  },
  "packages/site/src": {
    packages: ["@sluice/go"],
    floors: [["build"], ["client"], ["play"], ["picture", "worker", "race"], ["code"]],
  },
};

const faults: string[] = [];
/** File → the files of this repository that it imports. */
const imports = new Map<string, string[]>();
/** Folder → the folders beside it that its files import from. */
const folders = new Map<string, string[]>();

for (const file of globSync("packages/*/src/**/*.{ts,tsx}", { cwd: root })) {
  if (file.includes("/test/") || file.endsWith(".test.ts")) continue; // tests may reach anywhere
  const [name, building] = buildingOf(file);
  const from = roomOf(file, name, building);
  const found: string[] = [];
  imports.set(file, found);
  const text = readFileSync(join(root, file), "utf8");
  for (const match of text.matchAll(
    /^(?:(?:import|export|\}) .*?from )?(?:import )?"([^"]+)";$|\bimport\("([^"]+)"\)/gm,
  )) {
    const specifier = match[1] ?? match[2] ?? "";
    const workspace = /^(@sluice\/[a-z]+|sluice)(\/|$)/.exec(specifier)?.[1];
    if (workspace && !building.packages.includes(workspace)) faults.push(`${file}: may not import ${specifier}`);
    if (workspace || !specifier.startsWith(".")) continue;
    const target = posix.join(posix.dirname(file), specifier);
    if (!target.startsWith(name + "/")) {
      faults.push(`${file}: imports ${specifier}, which is in another package. Import the package by its name`);
      continue;
    }
    found.push(target);
    const [folder, beside] = sideBySide(file, target);
    if (folder && beside) folders.set(folder, [...new Set([...(folders.get(folder) ?? []), beside])]);
    const to = roomOf(target, name, building);
    if (from && to && to.room !== from.room && to.floor <= from.floor)
      faults.push(`${file}: may not import ${specifier}: ${to.room} is not below ${from.room}`);
  }
}
faults.push(...circles(imports).map((circle) => `a circle of imports: ${circle.join(" → ")}`));
faults.push(...circles(folders).map((circle) => `a circle of folders: ${circle.join(" → ")}`));

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log("boundaries: ok");

function buildingOf(file: string): [name: string, building: Building] {
  const found = Object.entries(buildings).find(([name]) => file.startsWith(name + "/"));
  if (!found) throw new Error(`${file}: its package has no floors in scripts/boundaries.ts`);
  return found;
}

/** The room of a file: of those that its path begins with, the longest. */
function roomOf(file: string, name: string, { floors }: Building): { room: string; floor: number } | undefined {
  const path = file.slice(name.length + 1);
  const rooms = floors.flatMap((rooms, floor) => rooms.map((room) => ({ room, floor })));
  const [longest] = rooms
    .filter(({ room }) => path === room || path.startsWith(room + "/"))
    .toSorted((a, b) => b.room.length - a.room.length);
  if (!longest) faults.push(`${file}: has no floor in scripts/boundaries.ts. Give its room one`);
  return longest;
}

/**
 * The two folders that two files are in, below the folder that holds both; nothing if one of the
 * files is in that folder itself.
 */
function sideBySide(file: string, other: string): [folder?: string, beside?: string] {
  const [one, two] = [file.split("/"), other.split("/")];
  const at = one.findIndex((step, n) => step !== two[n]);
  if (at === one.length - 1 || at === two.length - 1) return [];
  return [one.slice(0, at + 1).join("/"), two.slice(0, at + 1).join("/")];
}

/**
 * A circle from each file that is in one and was not met before. Depth first; a file that is still
 * open closes a circle.
 */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const open: string[] = [];
  const visit = (file: string): void => {
    if (open.includes(file)) return void found.push([...open.slice(open.indexOf(file)), file]);
    if (done.has(file)) return;
    open.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    open.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}
