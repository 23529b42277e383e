// Everything that crash runs need, made once: a server of their own, workbooks, and what an import
// leaves that nothing happens to.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer, type OwnServer } from "../../../../../scripts/postgres.ts";
import type { Random } from "../../sample/random.ts";
import { startPooler, type Pooler } from "../pgbouncer.ts";
import type { Fault, Happened } from "./faults.ts";
import { embeddedPlace, embeddedTemplate, pooledPlace, serverPlace, type Place } from "./place.ts";
import { crashRun, reference, type Case, type Reference } from "./run.ts";
import { ddlOf, KINDS, makeWorkload, type Kind, type Workload } from "./workload.ts";
import type { Method } from "../../options.ts";

/** Rows enough for an import to take about a second. */
const ROWS: Record<Method, number> = { sequential: 800, concurrent: 1200, batch: 4000, copy: 8000 };

export type Database = "PostgreSQL" | "pgbouncer" | "PGlite";
/**
 * Connections of a pooler to a database: some more than an import and those who come after it take.
 */
const POOL = 20;

export class Lab implements AsyncDisposable {
  readonly folder: string;
  readonly server: OwnServer;
  readonly #workloads = new Map<number, Promise<Workload>>();
  readonly #references = new Map<string, Promise<Reference>>();
  #template: Promise<string> | undefined;
  #pooler: Promise<Pooler> | undefined;

  private constructor(folder: string, server: OwnServer) {
    this.folder = folder;
    this.server = server;
  }

  static async open(): Promise<Lab> {
    const server = await startServer("-F");
    return new Lab(await mkdtemp(join(tmpdir(), "sluice-crash-")), server);
  }

  /** One run. @returns what happened @throws where anything is not as it must be */
  async run(
    on: Database,
    method: Method,
    fault: Fault,
    random: Random,
    kind: Kind = random.pick(KINDS),
    atomic: boolean = false,
  ): Promise<Happened> {
    const one = { ...(await this.case(method, kind)), atomic };
    const expected = await this.#reference(on, one);
    await using place = await this.#place(on);
    await this.prepare(place, one);
    try {
      return await crashRun(place, this.folder, one, fault, random, expected);
    } catch (error) {
      const what = `${on}, ${method}${atomic ? ", atomic" : ""}, table ${kind}, ${fault.name}`;
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }

  async case(method: Method, kind: Kind): Promise<Case> {
    const rows = ROWS[method];
    let workload = this.#workloads.get(rows);
    if (!workload) this.#workloads.set(rows, (workload = makeWorkload(this.folder, rows)));
    return { method, kind, workload: await workload };
  }

  /** Makes the table that an import finds. */
  async prepare(place: Place, one: Case): Promise<void> {
    const ddl = ddlOf(one.kind, one.workload);
    if (ddl.length > 0) await place.ask((query) => query(ddl.join(";\n")));
  }

  async #place(on: Database): Promise<Place> {
    if (on === "PostgreSQL") return serverPlace(this.server.url);
    if (on === "pgbouncer") {
      this.#pooler ??= startPooler(this.server.url, { mode: "session", size: POOL });
      return pooledPlace(this.server.url, await this.#pooler);
    }
    return embeddedPlace(await (this.#template ??= embeddedTemplate(this.folder)));
  }

  async #reference(on: Database, one: Case): Promise<Reference> {
    const key = JSON.stringify([on, one.method, one.kind, one.atomic]);
    let found = this.#references.get(key);
    if (!found) this.#references.set(key, (found = this.#import(on, one)));
    return await found;
  }

  async #import(on: Database, one: Case): Promise<Reference> {
    await using place = await this.#place(on);
    await this.prepare(place, one);
    return await reference(place, this.folder, one);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#pooler)?.[Symbol.asyncDispose]();
    this.server.remove();
    await rm(this.folder, { recursive: true, force: true });
  }
}
