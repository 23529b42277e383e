// Imports that are interrupted in every way that an operating system, a network and a database
// have, then resumed and compared with the file row by row. The short form is crash.test.ts; this
// is the long one:
//
//   node --conditions=source packages/sluice/src/test/crash.ts --seed 1 --runs 50
//
// Each run draws its table (see `Kind`), the moment, and whether all rows are one transaction.
// Prints what happened, and ends with 1 at the first row that is missing, there twice or changed,
// and at counts or rejects that an uninterrupted import would not have. The moments are drawn from
// the seed; how far an import is then depends on the machine.
import { parseArgs } from "node:util";
import { Random } from "../sample/random.ts";
import { clock, freeze, kill, killAtEnd, network, poolerEnds, restart, together, type Fault } from "./crash/faults.ts";
import { Lab, type Database } from "./crash/lab.ts";
import { KINDS } from "./crash/workload.ts";
import { METHODS, type Method } from "../options.ts";

const { values: flags } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    runs: { type: "string", default: "50" },
    methods: { type: "string", default: METHODS.join(",") },
    /** Some of them, by name; all of them if it is left out. */
    faults: { type: "string" },
  },
});
const seed = Number(flags.seed);
const runs = Number(flags.runs);
const methods = flags.methods.split(",") as Method[];

await using lab = await Lab.open();
/** Bytes that an import of a lab's workbook sends, about. */
const SENT = 700_000;
const faults: Record<string, { readonly fault: Fault; readonly on: Database }> = {
  kill: { fault: kill, on: "PostgreSQL" },
  freeze: { fault: freeze, on: "PostgreSQL" },
  end: { fault: killAtEnd, on: "PostgreSQL" },
  together: { fault: together, on: "PostgreSQL" },
  restart: { fault: restart(lab.server), on: "PostgreSQL" },
  forget: { fault: restart(lab.server, true), on: "PostgreSQL" },
  cut: { fault: network("drop", SENT), on: "PostgreSQL" },
  answer: { fault: network("answer", SENT), on: "PostgreSQL" },
  hole: { fault: network("hole", SENT), on: "PostgreSQL" },
  clock: { fault: clock, on: "PostgreSQL" },
  embedded: { fault: kill, on: "PGlite" },
  "pooled-kill": { fault: kill, on: "pgbouncer" },
  "pooled-freeze": { fault: freeze, on: "pgbouncer" },
  "pooled-restart": { fault: restart(lab.server), on: "pgbouncer" },
  "pooled-cut": { fault: network("drop", SENT), on: "pgbouncer" },
  "pooled-answer": { fault: network("answer", SENT), on: "pgbouncer" },
  pooler: { fault: poolerEnds, on: "pgbouncer" },
};

console.log(`seed ${seed}, ${runs} runs each, Node ${process.versions.node}\n`);
console.log("| interruption | database | method | runs | faults | what happened |");
console.log("| --- | --- | --- | ---: | ---: | --- |");
let [all, allFaults] = [0, 0];
for (const name of flags.faults?.split(",") ?? Object.keys(faults)) {
  const n = Object.keys(faults).indexOf(name);
  const { fault, on } = faults[name]!;
  for (const method of methods) {
    // The embedded database has one connection: one method that inserts and one that copies.
    if (on === "PGlite" && method !== "batch" && method !== "copy") continue;
    const happened = new Map<string, number>();
    let done = 0;
    for (let run = 0; run < runs; run++) {
      const random = new Random(seed, (n * METHODS.length + METHODS.indexOf(method)) * 10_000 + run);
      const [kind, atomic] = [
        random.pick(fault.notByKey ? KINDS.filter((kind) => kind !== "keyed") : KINDS),
        random.below(4) === 0,
      ];
      const { what, faults } = await lab.run(on, method, fault, random, kind, atomic).catch((error: unknown) => {
        throw new Error(`seed ${seed}, run ${run}: ${(error as Error).message}`, { cause: error });
      });
      happened.set(what, (happened.get(what) ?? 0) + 1);
      done += faults;
      all++;
    }
    allFaults += done;
    const text = [...happened].map(([what, times]) => `${times} × ${what}`).join(", ");
    console.log(`| ${fault.name} | ${on} | ${method} | ${runs} | ${done} | ${text} |`);
  }
}
console.log(
  `\n${all} runs, ${allFaults} faults: no row missing, none twice, none changed, the same counts and rejects`,
);
