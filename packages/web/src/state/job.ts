// A file on its way into a table: sent once, looked at as often as a choice changes, and then
// imported.
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Client, Source } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { GridRow, Import, Preview, SheetPreview } from "../api/shapes.ts";
import { chooseAllSheets, NO_CHOICES, toFields, type Choices, type Shown } from "./choices.ts";

export type Stage = "waiting" | "sending" | "reading" | "ready" | "failed" | "imported";

/** The part of a job that survives a reload of the page, as long as its tab is open. */
export interface StoredJob {
  readonly key: string;
  readonly name: string;
  readonly size: number;
  readonly upload: string | undefined;
  readonly choices: Choices;
  readonly importId: string | undefined;
}

/** An upload that broke off so often in a row is sent again only if somebody says so. */
const MOST_BREAKS = 3;
/** The time in which several changes make one preview. */
const PAUSE_MS = 300;

export class Job {
  readonly key: string;
  readonly name: string;
  readonly size: number;
  readonly stage: Signal<Stage> = signal<Stage>("waiting");
  /** The part of the file that is sent, from 0 to 1. */
  readonly sent: Signal<number> = signal(0);
  /** The last preview that succeeded. */
  readonly preview: Signal<Preview | undefined> = signal<Preview | undefined>(undefined);
  readonly choices: Signal<Choices> = signal<Choices>(NO_CHOICES);
  /** The problem with which the last preview or the import was refused. */
  readonly problem: Signal<Problem | undefined> = signal<Problem | undefined>(undefined);
  /** A new preview is on its way; the old one is shown meanwhile. */
  readonly looking: Signal<boolean> = signal(false);
  readonly importId: Signal<string | undefined> = signal<string | undefined>(undefined);
  readonly sheet: ReadonlySignal<SheetPreview | undefined> = computed(() => this.preview.value?.imports[0]);
  /** The sheets that were looked at, by name, each as it was then. */
  readonly looked: Signal<ReadonlyMap<string, SheetPreview>> = signal<ReadonlyMap<string, SheetPreview>>(new Map());
  /** The first rows of the sheet as they are. */
  readonly grid: ReadonlySignal<readonly GridRow[]> = computed(
    () => this.preview.value?.sheets.find(({ name }) => name === this.sheet.value?.sheet)?.grid ?? [],
  );
  readonly #client: Client;
  #file: File | undefined;
  #upload: string | undefined;
  /** How often in a row the server was away. */
  #breaks = 0;
  #running: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(client: Client, key: string, name: string, size: number) {
    this.#client = client;
    this.key = key;
    this.name = name;
    this.size = size;
  }

  static of(client: Client, file: File, choices: Choices): Job {
    const job = new Job(client, crypto.randomUUID().slice(0, 8), file.name, file.size);
    job.#file = file;
    job.choices.value = choices;
    return job;
  }

  /** A job of before a reload: its file is on the server only. */
  static restored(client: Client, stored: StoredJob): Job {
    const job = new Job(client, stored.key, stored.name, stored.size);
    job.#upload = stored.upload;
    job.choices.value = stored.choices;
    job.importId.value = stored.importId;
    if (stored.importId) job.stage.value = "imported";
    return job;
  }

  toStored(): StoredJob {
    const { key, name, size, choices, importId } = this;
    return { key, name, size, upload: this.#upload, choices: choices.value, importId: importId.value };
  }

  /**
   * True if it waits for a server that is away, and continues by itself when the server is back.
   */
  get goesOn(): boolean {
    return this.problem.value?.isAway === true && !this.looking.value && this.#breaks < MOST_BREAKS;
  }

  /**
   * Gets a preview with the current choices. An earlier one that is still on its way is given up.
   */
  async look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#running?.abort();
    const running = (this.#running = new AbortController());
    const { signal } = running;
    this.looking.value = true;
    try {
      const preview = await this.#ask((source, onSent) =>
        this.#client.preview(source, toFields(this.choices.value, this.#shown()), { signal, onSent }),
      );
      this.preview.value = preview;
      this.#keep(preview.imports);
      this.#upload = preview.upload;
      this.#breaks = 0;
      this.problem.value = undefined;
      this.stage.value = "ready";
    } catch (error) {
      // One that was given up says nothing: the next one does.
      if (this.#running !== running) return;
      const problem = asProblem(error);
      if (problem.isAway) this.#breaks++;
      this.problem.value = problem;
      if (!this.preview.value) this.stage.value = "failed";
    } finally {
      if (this.#running === running) this.looking.value = false;
    }
  }

  /** Takes a choice, and shows its effect soon. */
  choose(choices: Choices): void {
    this.choices.value = choices;
    this.looking.value = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(), PAUSE_MS);
  }

  /** Previews an import of all sheets. @throws Problem if the service refuses it */
  async lookAtAll(): Promise<readonly SheetPreview[]> {
    const fields = toFields(chooseAllSheets(this.choices.value));
    const { imports, upload } = await this.#ask((source, onSent) => this.#client.preview(source, fields, { onSent }));
    this.#upload = upload;
    this.#keep(imports);
    return imports;
  }

  /**
   * Begins the import of the sheet that is shown, or of all sheets, and returns it, or the first.
   * @throws Problem if the service refuses it
   */
  async begin(all = false): Promise<Import> {
    clearTimeout(this.#timer);
    const fields = all ? toFields(chooseAllSheets(this.choices.value)) : toFields(this.choices.value, this.#shown());
    const begun = await this.#ask((source, onSent) => this.#client.begin(source, fields, { onSent }));
    this.importId.value = begun.id;
    this.stage.value = "imported";
    return begun;
  }

  /** Gives up what is on its way. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#running?.abort();
  }

  #keep(sheets: readonly SheetPreview[]): void {
    this.looked.value = new Map([...this.looked.value, ...sheets.map((one) => [one.sheet, one] as const)]);
  }

  #shown(): Shown | undefined {
    const { sheet, columns } = this.sheet.value ?? {};
    const several = (this.preview.value?.sheets.length ?? 0) > 1;
    return columns && { columns, sheet: several ? sheet : undefined };
  }

  /**
   * Asks with the token of the upload, or sends the file, if the service does not have it (any
   * more).
   */
  async #ask<T>(ask: (source: Source, onSent: (fraction: number) => void) => Promise<T>): Promise<T> {
    if (this.#upload !== undefined) {
      try {
        return await ask({ upload: this.#upload }, () => undefined);
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== "upload_gone") throw error;
        if (!this.#file) throw gone(this.name);
      }
    }
    if (!this.#file) throw gone(this.name);
    this.stage.value = "sending";
    return await ask({ file: this.#file }, (fraction) => {
      this.sent.value = fraction;
      if (fraction >= 1) this.stage.value = "reading";
    });
  }
}

function gone(name: string): Problem {
  return new Problem(404, "upload_gone", `The server does not have “${name}” any more. Choose the file again.`);
}

/** @returns a problem to show for whatever was thrown */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DOMException && error.name === "AbortError")
    return new Problem(0, "cancelled", "It was cancelled.");
  return new Problem(0, "page_failed", error instanceof Error ? error.message : String(error));
}
