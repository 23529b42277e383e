// All that the element knows: the service, the place to which the user has gone, the files of this
// visit, and what is to be said aloud.
import { signal, type Signal } from "@preact/signals";
import { Client } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";
import type { About, Import } from "../api/shapes.ts";
import { Format } from "../format/format.ts";
import { NO_CHOICES } from "./choices.ts";
import { asProblem, Job, type StoredJob } from "./job.ts";
import { keep } from "./kept.ts";
import { Mending } from "./mending.ts";
import { parseRoute, toHash, type Route } from "./route.ts";

/** The settings from the element's attributes. */
export interface Settings {
  /** The service's address. */
  readonly server: string;
  /** The table that files go into, if that is not to be chosen. */
  readonly table: string | undefined;
  readonly locale: string | undefined;
  /** The place in the address bar belongs to the element. */
  readonly hash: boolean;
  readonly history: boolean;
}

/** Events of the element, by name, with what they carry. */
export interface ImporterEvents {
  readonly "sluice-file": { readonly name: string; readonly size: number };
  readonly "sluice-start": Import;
  readonly "sluice-end": Import;
  readonly "sluice-repair": Import;
}

const PLACE = "sluice.jobs";
/** While the server is away, it is asked for so often. */
const ASK_AWAY_MS = 2000;

export class Store {
  readonly settings: Settings;
  readonly client: Client;
  readonly format: Format;
  readonly route: Signal<Route>;
  readonly jobs: Signal<readonly Job[]> = signal<readonly Job[]>([]);
  readonly token: Signal<string> = signal("");
  readonly tokenWanted: Signal<boolean> = signal(false);
  /** True if the service has refused the current token. */
  readonly tokenRefused: Signal<boolean> = signal(false);
  /** The server is away, and is asked for until it is back. */
  readonly away: Signal<boolean> = signal(false);
  /** How often it has come back: whatever shows something of it asks again then. */
  readonly back: Signal<number> = signal(0);
  readonly about: Signal<About | undefined> = signal<About | undefined>(undefined);
  /** The fault of the database; undefined if it answers, or if that is not known yet. */
  readonly health: Signal<string | undefined> = signal<string | undefined>(undefined);
  /** The text for users who do not see the page change: screen readers read it. */
  readonly said: Signal<string> = signal("");
  readonly #emit: (name: string, detail: unknown) => void;
  readonly #mendings = new Map<string, Mending>();
  readonly #onHash = (): void => void (this.route.value = parseRoute(location.hash));
  readonly #onLeave = (event: Event): void => {
    if ([...this.#mendings.values()].some((one) => one.isUnsent)) event.preventDefault();
  };
  readonly #onLine = (): void => void (this.away.value && this.#ask());
  #asking: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(settings: Settings, emit: (name: string, detail: unknown) => void) {
    this.settings = settings;
    this.format = new Format(settings.locale);
    this.client = new Client(settings.server, () => this.token.value, {
      onRefused: (token) => this.#askForToken(token),
      onAway: () => this.#waitUntilBack(),
    });
    this.#emit = emit;
    this.route = signal<Route>(settings.hash ? parseRoute(location.hash) : { view: "choose" });
    if (settings.hash) addEventListener("hashchange", this.#onHash);
    addEventListener("beforeunload", this.#onLeave);
    addEventListener("online", this.#onLine);
    this.#restore();
    void this.refresh();
  }

  /** Ends everything that waits. */
  close(): void {
    removeEventListener("hashchange", this.#onHash);
    removeEventListener("beforeunload", this.#onLeave);
    removeEventListener("online", this.#onLine);
    clearTimeout(this.#asking);
    this.#closed = true;
    for (const job of this.jobs.value) job.stop();
  }

  emit<Name extends keyof ImporterEvents>(name: Name, detail: ImporterEvents[Name]): void {
    this.#emit(name, detail);
  }

  say(text: string): void {
    this.said.value = text;
  }

  go(route: Route): void {
    if (this.settings.hash) location.hash = toHash(route);
    this.route.value = route;
  }

  /** Asks which service and which database these are. */
  async refresh(): Promise<void> {
    const [health, about] = await Promise.all([
      this.client.health().catch((error: unknown) => asProblem(error).message),
      // It does not change while the service runs.
      this.about.value ?? this.client.about().catch(() => undefined),
    ]);
    this.health.value = health;
    this.about.value = about ?? this.about.value;
  }

  /** The text that was typed into the rejected rows of an import. */
  mending(importId: string): Mending {
    const known = this.#mendings.get(importId) ?? new Mending(this.client, importId);
    this.#mendings.set(importId, known);
    return known;
  }

  /** Takes files, and shows the first one as soon as it is known what is in it. */
  take(files: readonly File[]): void {
    const { table } = this.settings;
    const choices = table === undefined ? NO_CHOICES : { ...NO_CHOICES, table };
    const jobs = files.map((file) => Job.of(this.client, file, choices));
    if (jobs.length === 0) return;
    this.jobs.value = [...this.jobs.value, ...jobs];
    for (const { name, size } of jobs) this.emit("sluice-file", { name, size });
    void this.#lookAt(jobs);
    this.go({ view: "look", key: jobs[0]!.key });
  }

  job(key: string): Job | undefined {
    return this.jobs.value.find((job) => job.key === key);
  }

  jobOf(importId: string): Job | undefined {
    return this.jobs.value.find((job) => job.importId.value === importId);
  }

  drop(job: Job): void {
    job.stop();
    this.jobs.value = this.jobs.value.filter((one) => one !== job);
    this.store();
  }

  /**
   * Begins the import of a job, or of all sheets of its file, and goes to it unless others are to
   * begin as well.
   */
  async begin(job: Job, { stay = false, all = false } = {}): Promise<Problem | undefined> {
    try {
      const sheet = job.sheet.value;
      const begun = await job.begin(all);
      job.problem.value = undefined;
      if (sheet && !all) keep(sheet, job.choices.value, job.name);
      this.store();
      this.emit("sluice-start", begun);
      if (!stay) this.go({ view: "import", id: begun.id });
      return undefined;
    } catch (error) {
      return (job.problem.value = asProblem(error));
    }
  }

  /** Keeps what a reload needs. */
  store(): void {
    try {
      sessionStorage.setItem(PLACE, JSON.stringify(this.jobs.value.map((job) => job.toStored())));
    } catch {
      // A browser that keeps nothing has nothing after a reload.
      return;
    }
  }

  /** A late answer to a call with an earlier token says nothing about the current one. */
  #askForToken(token: string): void {
    if (token !== this.token.value) return;
    this.tokenRefused.value = token !== "";
    this.tokenWanted.value = true;
  }

  #waitUntilBack(): void {
    if (this.away.value || this.#closed) return;
    this.away.value = true;
    this.#asking = setTimeout(() => void this.#ask(), ASK_AWAY_MS);
  }

  /** Asks whether the server is back. */
  async #ask(): Promise<void> {
    clearTimeout(this.#asking);
    await this.refresh();
    if (this.#closed || !this.away.value) return;
    if (this.health.value !== undefined) {
      clearTimeout(this.#asking);
      this.#asking = setTimeout(() => void this.#ask(), ASK_AWAY_MS);
      return;
    }
    this.away.value = false;
    this.back.value++;
    void this.#lookAt(this.jobs.value.filter((job) => job.goesOn));
  }

  /**
   * Looks at the files one after the other. Several large files at once would only slow the first
   * one down.
   */
  async #lookAt(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      await job.look();
      this.store();
    }
  }

  #restore(): void {
    try {
      const stored = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]") as StoredJob[];
      const jobs = stored.filter(({ upload }) => upload).map((one) => Job.restored(this.client, one));
      this.jobs.value = jobs;
      void this.#lookAt(jobs.filter((job) => job.stage.value === "waiting"));
    } catch {
      return;
    }
  }
}
