// Ways in which an import is interrupted. Each drives the program until no process of it runs any
// more, and says what happened; the one who asked then resumes what is left and looks at the table.
import { setTimeout as sleep } from "node:timers/promises";
import type { OwnServer } from "../../../../../scripts/postgres.ts";
import type { Random } from "../../sample/random.ts";
import { startProxy, type Trouble } from "../proxy.ts";
import type { Place } from "./place.ts";
import { startChild, type Child, type Ended, type StartOptions } from "./process.ts";

/** A call of the program. */
export interface Call {
  readonly place: Place;
  readonly folder: string;
  /** The arguments but for those that lead to the database. */
  readonly args: readonly string[];
}

/** An import that is to be interrupted. */
export interface Attempt extends Call {
  readonly random: Random;
  /** How long it takes when nothing happens: to its first statement, and from there. */
  readonly startup: number;
  readonly milliseconds: number;
}

export interface Fault {
  readonly name: string;
  /**
   * The command is given more than once, which a key would make harmless: then each row is updated
   * as often.
   */
  readonly notByKey?: boolean;
  /** @throws where the program does what it must not */
  interrupt(attempt: Attempt): Promise<Happened>;
}

/** What happened, for the figures. */
export interface Happened {
  readonly what: string;
  /** How often the import was interrupted: 0 where it was too late for that. */
  readonly faults: number;
}

const FINISHED_BEFORE: Happened = { what: "finished before", faults: 0 };

const LEASE_MS = 400;
/** The program looks for lost connections as often as it renews its lease. */
const SILENCE_MS = 3000;
/** How a command ends that has been carried out before. */
const IMPORTED_ALREADY = 4;
const SHOWN = 600;
/** How often an import is interrupted at most, where it can be more than once. */
const TIMES = 3;

function byKey({ args }: Call): boolean {
  return args.includes("--key");
}

export function start(
  { place, folder, args }: Call,
  options?: StartOptions,
  to: readonly string[] = place.args,
): Child {
  return startChild(folder, [...args, ...to], options);
}

/** kill -9, up to three times in a row. */
export const kill: Fault = { name: "kill -9", interrupt: (attempt) => killed(attempt, {}) };

/** The same, while the program's clock jumps by days. */
export const clock: Fault = {
  name: "kill -9 while the clock jumps",
  interrupt: (attempt) => killed(attempt, { clockJumps: true }),
};

async function killed(attempt: Attempt, options: StartOptions): Promise<Happened> {
  let kills = 0;
  for (let left = 1 + attempt.random.below(TIMES); left > 0; left--) {
    await using child = start(attempt, options);
    await someMoment(attempt, child);
    if (!child.isRunning()) {
      expectSuccess(await child.ended);
      break;
    }
    child.signal("SIGKILL");
    await child.ended;
    kills++;
    if ((await stateOf(attempt.place)) === "finished") break;
  }
  return kills === 0 ? FINISHED_BEFORE : { what: "killed", faults: kills };
}

/** A moment while rows go in, or, now and then, before that. */
async function someMoment(attempt: Attempt, child: Child): Promise<void> {
  const { random, place, startup, milliseconds } = attempt;
  let wait = random.below(milliseconds);
  if (random.below(8) === 0) {
    wait = random.below(startup);
  } else if (!place.url || (await stateOf(place)) !== undefined) {
    wait += startup;
  } else {
    while (child.isRunning() && (await stateOf(place)) === undefined) await sleep(5);
  }
  await unlessEnded(child, wait);
}

/** Waits, but no longer than the process runs. */
async function unlessEnded(child: Child, milliseconds: number): Promise<void> {
  const early = new AbortController();
  await Promise.race([sleep(milliseconds, undefined, early).catch(() => undefined), child.ended]);
  early.abort();
}

/**
 * SIGSTOP for longer than the lease; another process takes over; SIGCONT: what wakes up must change
 * nothing and say so.
 */
export const freeze: Fault = {
  name: "SIGSTOP past the lease",
  interrupt: async (attempt) => {
    const { place } = attempt;
    await using frozen = start(attempt, { leaseMs: LEASE_MS });
    await someMoment(attempt, frozen);
    // With a key, what is stopped before it began may do it all once more when it wakes up.
    while (byKey(attempt) && frozen.isRunning() && (await stateOf(place)) === undefined) await sleep(5);
    frozen.signal("SIGSTOP");
    await sleep(LEASE_MS * 1.5);
    if (!frozen.isRunning() || (await stateOf(place)) === "finished") {
      frozen.signal("SIGCONT");
      expectSuccess(await frozen.ended);
      return FINISHED_BEFORE;
    }
    expectSuccess(await start(attempt, { leaseMs: LEASE_MS }).ended);
    frozen.signal("SIGCONT");
    const ended = await frozen.ended;
    // What was stopped before it began finds the other's import when it wakes up.
    if (ended.code === IMPORTED_ALREADY) return { what: "began too late", faults: 1 };
    const { code, stdout, stderr } = ended;
    if (code !== 1 || !/taken over/.test(stdout + stderr))
      throw new Error(`the process that was taken over ended with ${code}: ${shortened(stdout + stderr)}`);
    return { what: "taken over", faults: 1 };
  },
};

/** kill -9 in the moment after the last commit: all is in, and nobody has been told. */
export const killAtEnd: Fault = {
  name: "kill -9 after the last commit",
  interrupt: async (attempt) => {
    await using child = start(attempt);
    while (child.isRunning() && (await stateOf(attempt.place)) !== "finished") await sleep(1);
    if (!child.isRunning()) {
      expectSuccess(await child.ended);
      return FINISHED_BEFORE;
    }
    child.signal("SIGKILL");
    await child.ended;
    return { what: "killed", faults: 1 };
  },
};

/**
 * Two or three processes import the same at the same time. One does it; the others say so, or that
 * it has been done.
 */
export const together: Fault = {
  name: "several processes at once",
  notByKey: true,
  interrupt: async (attempt) => {
    const { random } = attempt;
    const processes = 2 + random.below(2);
    const ended = await Promise.all(
      Array.from({ length: processes }, async () => {
        await sleep(random.below(250));
        return await start(attempt).ended;
      }),
    );
    for (const { code, stdout, stderr } of ended) {
      if (code === 0 || code === 3 || code === IMPORTED_ALREADY) continue;
      if (code !== 1 || !/being imported right now/.test(stdout + stderr))
        throw new Error(`one of ${processes} processes ended with ${code}: ${shortened(stdout + stderr)}`);
    }
    return { what: `${processes} processes`, faults: 1 };
  },
};

/**
 * The server stops without warning and comes back after a while, with the commits of its last
 * seconds forgotten if it may.
 */
export function restart(server: OwnServer, forgetful = false): Fault {
  return {
    name: forgetful ? "the database restarts, synchronous_commit is off" : "the database restarts",
    interrupt: async (attempt) => {
      if (forgetful) await makeForgetful(attempt.place);
      return await interrupted(attempt, async (wait) => {
        server.stop();
        await wait();
        server.start();
      });
    },
  };
}

/** The pooler between the program and the server is killed, and comes back after a while. */
export const poolerEnds: Fault = {
  name: "the pooler restarts",
  interrupt: (attempt) =>
    interrupted(attempt, async (wait) => {
      const pooler = attempt.place.pooler!;
      await pooler.stop();
      await wait();
      await pooler.start();
    }),
};

/** What the program goes to is away for up to a second, up to three times. */
async function interrupted(attempt: Attempt, away: (wait: () => Promise<void>) => Promise<void>): Promise<Happened> {
  const { random } = attempt;
  await using child = start(attempt);
  let faults = 0;
  for (let left = 1 + random.below(TIMES); left > 0; left--) {
    if (faults === 0) await someMoment(attempt, child);
    else await unlessEnded(child, random.below(attempt.milliseconds));
    if (!child.isRunning()) break;
    await away(() => sleep(random.below(1000)));
    faults++;
  }
  return faults === 0 ? FINISHED_BEFORE : { what: await outcome(child), faults };
}

/**
 * Commits of this database are reported before they are on the disk, and get there after seconds.
 */
async function makeForgetful(place: Place): Promise<void> {
  await place.ask(async (query) => {
    await query("alter system set wal_writer_delay = '10s'");
    await query("select pg_reload_conf()");
    const [name] = await query("select quote_ident(current_database())");
    await query(`alter database ${name![0]} set synchronous_commit = off`);
  });
}

const TROUBLES: Readonly<Record<Trouble, string>> = {
  cut: "connections are cut, and refused",
  drop: "connections are cut",
  hole: "connections swallow everything",
  answer: "the answer to a COMMIT is lost",
};

/**
 * The connections break, or swallow what is sent, after a random number of bytes, up to three
 * times. New ones pass.
 *
 * @param least so many bytes pass before the first time
 */
export function network(trouble: Trouble, bytes: number, least = 0): Fault {
  return {
    name: TROUBLES[trouble],
    interrupt: async (attempt) => {
      const { random, place } = attempt;
      let left = random.below(TIMES);
      const again = (): number | undefined => (left-- > 0 ? random.below(bytes) : undefined);
      await using proxy = await startProxy(place.url!, least + random.below(bytes), trouble, again);
      const to = new URL(place.url!);
      to.host = `127.0.0.1:${proxy.port}`;
      const what = await outcome(start(attempt, { leaseMs: SILENCE_MS }, ["--to", to.href]));
      return { what, faults: proxy.made };
    },
  };
}

/** What became of a process that was left to itself. */
async function outcome(child: Child): Promise<string> {
  const { code, stdout, stderr } = await child.ended;
  if (code === 0 || code === 3) return "went on by itself";
  if (code !== 1 || !/connect|connection|terminat/i.test(stdout + stderr))
    throw new Error(`ended with ${code}: ${shortened(stdout + stderr)}`);
  return "said that the connection was lost";
}

/** The state of the only import in the ledger; undefined where there is none yet. */
export function stateOf(place: Place): Promise<string | undefined> {
  return place.ask(async (query) => {
    const [ledger] = await query("select to_regclass('sluice.imports')::text");
    if (typeof ledger?.[0] !== "string") return undefined;
    const rows = await query("select state from sluice.imports");
    if (rows.length > 1) throw new Error(`the ledger has ${rows.length} imports of one`);
    return rows[0]?.[0] ?? undefined;
  });
}

/** The same command, after its import has finished, must say so. */
export function expectAlready({ code, stdout, stderr }: Ended): void {
  if (code !== IMPORTED_ALREADY)
    throw new Error(`given once more, it ended with ${code}: ${shortened(stdout + stderr)}`);
}

/** The beginning of what a program said: results list a hundred rejects. */
function shortened(output: string): string {
  return output.length > SHOWN ? `${output.slice(0, SHOWN)} …` : output;
}

export function expectSuccess({ code, stdout, stderr }: Ended): void {
  if (code !== 0 && code !== 3) throw new Error(`ended with ${code}: ${shortened(stdout + stderr)}`);
}
