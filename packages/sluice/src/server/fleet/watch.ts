// What is followed of a fleet's imports, whichever worker has them: their pictures of the moment,
// and their ends.
//
// All readers of a server are served by one question a second for all that they follow, and sooner
// after a notice. A reader asks for the last picture; nobody waits for the database.
import type { FleetDatabase, Notice } from "./database.ts";
import type { Picture } from "../jobs/live.ts";
import { nextEventId } from "../jobs/live.ts";
import type { Watched } from "../jobs/port.ts";
import type { ProgressEvent } from "../jobs/import.ts";
import { FLEET_SCHEMA } from "./schema.ts";

/** Between two questions, if no notice comes. */
const LOOK_MS = 1000;
/** After a notice: others that come meanwhile are answered by the same question. */
const SOON_MS = 100;
/** An import that nobody has asked about for so long is not followed any more. */
const FORGET_MS = 10_000;

const NOW = "(extract(epoch from clock_timestamp()) * 1000)::float8";

interface Found {
  readonly id: string;
  readonly state: string;
  readonly event: ProgressEvent | null;
  readonly waited: number;
}

/** One import that somebody follows. */
class Followed implements Watched {
  readonly done: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  asked: number = performance.now();
  /** Somebody waits for its end. */
  awaited = false;
  #picture: Picture | undefined;

  get isKnown(): boolean {
    return this.#picture !== undefined;
  }

  picture(): Picture {
    return this.#picture!;
  }

  /**
   * Takes a picture. If only its time differs, the one before stays, with its id: readers get no
   * event then.
   */
  show(event: ProgressEvent, now: number): void {
    const before = this.#picture?.event;
    const same = (one: ProgressEvent): string => JSON.stringify({ ...one, milliseconds: 0 });
    if (before === undefined || same(before) !== same(event)) this.#picture = { id: nextEventId(now), event };
  }
}

export class Watch implements Disposable {
  readonly #database: FleetDatabase;
  readonly #followed = new Map<string, Followed>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #closed = false;
  /** How far this machine's clock is behind the database's, in milliseconds. */
  #behind = 0;

  constructor(database: FleetDatabase) {
    this.#database = database;
  }

  /** Asks for the database's time. */
  async start(): Promise<void> {
    const asked = Date.now();
    const [row] = await this.#database.query<{ now: number }>(`select ${NOW} as now`);
    this.#compare(row!.now, asked);
  }

  /**
   * Compares the clocks. The database's answer is taken to be from the middle of the question's
   * time.
   */
  #compare(now: number, asked: number): void {
    this.#behind = Math.round(now - (asked + Date.now()) / 2);
  }

  /** The time by the database's clock, in milliseconds since 1970: the same on all servers. */
  now(): number {
    return Date.now() + this.#behind;
  }

  /**
   * The last picture of an import that waits or runs; undefined until it is known. From now on it
   * is followed.
   */
  live(id: string): Watched | undefined {
    const followed = this.#follow(id);
    return followed?.isKnown ? followed : undefined;
  }

  /** Resolves when an import has come to an end; undefined if it is not known to wait or run. */
  whenDone(id: string): Promise<void> | undefined {
    const followed = this.#followed.get(id);
    return followed?.isKnown === true ? followed.done.promise : undefined;
  }

  /** Resolves when an import neither waits nor runs, whatever is known of it now. */
  async untilOver(id: string): Promise<void> {
    const followed = this.#follow(id);
    if (!followed) return;
    followed.awaited = true;
    await followed.done.promise;
  }

  #follow(id: string): Followed | undefined {
    if (this.#closed) return undefined;
    let followed = this.#followed.get(id);
    if (!followed) {
      followed = new Followed();
      this.#followed.set(id, followed);
      this.#lookIn(0);
    }
    followed.asked = performance.now();
    return followed;
  }

  /** To be called for every notice. */
  heard({ what, id }: Notice): void {
    if ((what === "progress" || what === "ended") && this.#followed.has(id)) this.#lookIn(SOON_MS);
  }

  /** Notices may have been lost. */
  lookAgain(): void {
    this.#lookIn(0);
  }

  /**
   * Asks the database after `ms`. There is one question at a time: a call during it makes the next
   * one come soon.
   */
  #lookIn(ms: number): void {
    if (this.#closed) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch(() => undefined)
        .finally(() => {
          this.#looking = undefined;
          const soon = this.#again;
          this.#again = false;
          if (this.#followed.size > 0) this.#lookIn(soon ? SOON_MS : LOOK_MS);
        });
    }, ms);
  }

  /**
   * Asks once for all imports that are followed. One that is not in the answer neither waits nor
   * runs: it is over.
   */
  async #look(): Promise<void> {
    const now = performance.now();
    for (const [id, followed] of this.#followed)
      if (!followed.awaited && now - followed.asked > FORGET_MS) this.#followed.delete(id);
    const ids = [...this.#followed.keys()];
    if (ids.length === 0) return;
    const asked = Date.now();
    const rows = await this.#database.query<Found & Record<string, unknown> & { readonly now: number }>(
      `select i.id, i.state, p.event,
              ${NOW} as now,
              greatest(0, extract(epoch from clock_timestamp() - i.created_at) * 1000)::float8 as waited
       from ${FLEET_SCHEMA}.imports i
       left join ${FLEET_SCHEMA}.progress p on p.import = i.id and p.attempt = i.attempt and i.state = 'running'
       where i.id = any ($1) and i.state in ('queued', 'running')`,
      [ids],
    );
    if (rows[0]) this.#compare(rows[0].now, asked);
    const found = new Map(rows.map((row) => [row.id, row]));
    for (const id of ids) {
      const row = found.get(id);
      if (row) this.#followed.get(id)?.show(row.event ?? waiting(row), this.now());
      else this.#over(id);
    }
  }

  #over(id: string): void {
    const followed = this.#followed.get(id);
    this.#followed.delete(id);
    followed?.done.resolve();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const id of this.#followed.keys()) this.#over(id);
  }
}

/** The picture of an import that waits, or whose worker has not shown one yet. */
function waiting({ state, waited }: Found): ProgressEvent {
  return {
    state: state === "running" ? "running" : "queued",
    phase: state === "running" ? "rows" : "queued",
    read: 0,
    total: 0,
    inserted: 0,
    updated: 0,
    skipped: 0,
    rejected: 0,
    rate: 0,
    fraction: 0,
    etaSeconds: null,
    milliseconds: Math.round(waited),
    channels: [],
    workers: [],
  };
}
