// `POST /upload`, from the file to the answer: the table that it goes into, its turn among other
// imports, and the guide's names for the counts.
import { basename } from "node:path";
import { SheetError, type Limits } from "@sluice/sheets";
import { grouped } from "../grouped.ts";
import { type Formats, METHODS, type ImportResult, type Method } from "../options.ts";
import type { Context } from "@sluice/go/context";
import { businesses } from "../schema/businesses.ts";
import { goDuration } from "../duration.ts";
import { describeError, isInterrupted, SluiceError } from "../errors.ts";
import { FinishedError } from "../ledger/finished.ts";
import { runImport } from "../import.ts";
import type { Reject } from "../reject.ts";
import type { Target } from "../target.ts";
import type { AllowedTables } from "./allowed.ts";
import { HttpFailure } from "./failure.ts";
import type { Rooms } from "./rooms.ts";
import type { Upload } from "./upload.ts";

/** The query of `POST /upload`, parsed. */
export interface UploadQuery {
  readonly method: Method;
  /** The table for the rows; without one it is `businesses`. Made if it does not exist. */
  readonly table: string | undefined;
  /** `never` begins again beside an unfinished import of the file. */
  readonly resume: "auto" | "never";
  /** Imports once more what was imported before. */
  readonly again: boolean;
}

/** The body of a successful upload; the keys are in this order. */
export interface UploadAnswer {
  readonly message: string;
  readonly method: Method;
  readonly stats: {
    readonly total_records: number;
    readonly success_count: number;
    readonly error_count: number;
    readonly duration: string;
    readonly records_per_second: number;
  };
  readonly table: string;
  readonly rejects: readonly Omit<Reject, "file" | "cells">[];
  readonly notes: readonly string[];
}

/** The parameters of a query. */
const PARAMETERS: readonly string[] = ["method", "table", "resume", "again"];

/** Parses the query. @throws HttpFailure 400 for what makes no sense */
export function parseUploadQuery(query: Readonly<Record<string, unknown>>): UploadQuery {
  const unknown = Object.keys(query).filter((name) => !PARAMETERS.includes(name));
  if (unknown.length > 0)
    throw new HttpFailure(
      400,
      `Unknown parameter: ${unknown.map((name) => JSON.stringify(name)).join(", ")}. Use: ${PARAMETERS.join(", ")}`,
    );
  return {
    method: parseMethod(query["method"]),
    table: parseTable(query["table"]),
    resume: parseResume(query["resume"]),
    again: parseAgain(query["again"]),
  };
}

function parseResume(resume: unknown): "auto" | "never" {
  if (resume === undefined || resume === "auto") return "auto";
  if (resume !== "never") throw new HttpFailure(400, "Invalid resume. Use: auto or never");
  return resume;
}

/** @throws HttpFailure 400 for a method that there is none of */
function parseMethod(method: unknown): Method {
  if (method === undefined) return "batch";
  const known = METHODS.find((name) => name === method);
  if (!known) throw new HttpFailure(400, "Invalid method. Use: sequential, concurrent, batch or copy");
  return known;
}

/** @throws HttpFailure 400 for a text that cannot be a table's name */
function parseTable(table: unknown): string | undefined {
  if (table === undefined || table === businesses.name) return undefined;
  if (typeof table !== "string" || table.trim() === "" || table.includes("\0") || isTooLong(table)) {
    throw new HttpFailure(
      400,
      "Invalid table. Use the name of one existing table (at most 63 bytes), such as table=customers or table=shop.customers",
    );
  }
  return table;
}

/** Reports whether PostgreSQL would cut a part of the name, and so mean another table. */
function isTooLong(table: string): boolean {
  return table.split(".").some((part) => Buffer.byteLength(part) > 63);
}

/** @throws HttpFailure 400 for what is neither yes nor no */
function parseAgain(again: unknown): boolean {
  if (again === undefined || again === "false") return false;
  if (again === "true") return true;
  throw new HttpFailure(400, "Invalid again. Use: true or false");
}

/** The format of a file, and the way to read it. */
export interface Reading {
  readonly formats?: Formats;
  readonly limits?: Partial<Limits>;
}

/** Runs the imports of `POST /upload`. */
export class Imports {
  readonly #target: Target;
  readonly #allowed: AllowedTables;
  readonly #rooms: Rooms;
  readonly #reading: Reading;

  constructor(target: Target, allowed: AllowedTables, rooms: Rooms, reading: Reading = {}) {
    this.#target = target;
    this.#allowed = allowed;
    const { formats = "all", limits = {} } = reading;
    this.#reading = { formats, limits };
    this.#rooms = rooms;
  }

  /**
   * Refuses a table that callers may not write to, so that its file need not be sent. A database
   * that does not answer soon does not hold the caller up: `run` asks again.
   *
   * @throws HttpFailure 403
   */
  async admit({ table = businesses.name }: UploadQuery): Promise<void> {
    await this.#allowed.admit(table);
  }

  /**
   * Waits for its turn and imports. The caller may hang up. `ctx` alone stops it, after the chunks
   * in flight, and the same file continues from there.
   *
   * @returns the answer; `before` if it is that of an import which had finished before
   * @throws HttpFailure 503 if it was stopped before its end
   */
  async run(ctx: Context, upload: Upload, query: UploadQuery): Promise<{ answer: UploadAnswer; before: boolean }> {
    using _place = await this.#rooms.enter(ctx, upload.path).catch((error: unknown) => {
      throw ctx.err() === undefined ? error : new HttpFailure(503, NOT_BEGUN);
    });
    try {
      const result = await this.#import(ctx, upload, query);
      if (result.interrupted) throw new HttpFailure(503, stopped(result));
      return { answer: toAnswer(result), before: false };
    } catch (error) {
      if (isInterrupted(error)) throw new HttpFailure(503, NOT_BEGUN);
      if (error instanceof FinishedError) return { answer: toAnswer(withNote(error)), before: error.doneBefore };
      if (describeError(error).code === "import_running") throw new HttpFailure(409, BEING_IMPORTED);
      throw inUploadTerms(error, upload);
    }
  }

  /**
   * The directory's own checks hold for every table of its shape. A new table gets that shape if
   * the sheet has its headers; the columns of any other come from the sheet. An existing one stays
   * as it is.
   */
  async #import(ctx: Context, upload: Upload, { method, table, resume, again }: UploadQuery): Promise<ImportResult> {
    const caller = await this.#allowed.check(table ?? businesses.name);
    const file = { file: upload.path, fileName: upload.fileName, ...this.#reading };
    const options = { ...file, target: this.#target, method, resume, again, caller };
    if (table === undefined) return await runImport(ctx, { ...options, schema: businesses });
    const existing = await this.#target.describe(table);
    const has = new Set(existing?.columns.map((column) => column.name));
    if (existing && !businesses.columns.every((column) => column.generated || has.has(column.name)))
      return await runImport(ctx, { ...options, table });
    try {
      return await runImport(ctx, { ...options, table, schema: businesses });
    } catch (error) {
      if (existing || !(error instanceof SluiceError && OTHER_HEADERS.has(error.code))) throw error;
      return await runImport(ctx, { ...options, table });
    }
  }
}

/** The engine's codes for a sheet that lacks the headers of its schema, before anything is done. */
export const OTHER_HEADERS: ReadonlySet<string> = new Set([
  "ambiguous_header",
  "duplicate_header",
  "generated_column",
  "missing_column",
  "missing_header",
  "no_columns",
  "no_header",
]);
export const NOT_BEGUN =
  "The server is stopping, and nothing of the file was imported. Send it again when the server is back.";

function stopped({ id, table, total, inserted, updated }: ImportResult): string {
  const rows = grouped(inserted + updated);
  return (
    `The server is stopping: of the first ${grouped(total)} rows ${rows} are in the table "${table}" and stay there (import ${id}). ` +
    `Send the same file again when the server is back: it goes on from there.`
  );
}

const BEING_IMPORTED =
  "This file is being imported right now. Nothing was put in by this request. Send it again when that has ended: the answer is its result then.";

/** The result of an import that has finished, with why it comes by an error. */
function withNote({ result, doneBefore }: FinishedError): ImportResult {
  const { notes } = result;
  if (doneBefore) return { ...result, notes: notes.map((note) => `${note}; ?again=true imports it once more`) };
  return {
    ...result,
    notes: [...notes, "its rejects could not be read just now: send the same file again to see them"],
  };
}

function toAnswer(result: ImportResult): UploadAnswer {
  const success = result.inserted + result.updated;
  return {
    message: "Import completed successfully",
    method: result.method,
    stats: {
      total_records: result.total,
      success_count: success,
      error_count: result.rejected,
      duration: goDuration(result.milliseconds),
      records_per_second: result.milliseconds > 0 ? Math.round((success / result.milliseconds) * 1000) : success,
    },
    table: result.table,
    rejects: result.rejects.map(({ sheet, row, column, value, code, reason }) => ({
      sheet,
      row,
      column,
      value,
      code,
      reason,
    })),
    notes: result.notes,
  };
}

const ANYWAY =
  "To import all rows of this file all the same, send it with ?resume=never: rows that are in both would be in the table twice.";

/**
 * The failure as the one who uploaded can understand it: with the file's own name, without options
 * of the command line.
 */
export function inUploadTerms(error: unknown, upload: Pick<Upload, "path" | "fileName">): unknown {
  if (!(error instanceof SluiceError || error instanceof SheetError)) return error;
  const named = error.message
    .replaceAll(upload.path, upload.fileName)
    .replaceAll(basename(upload.path), upload.fileName);
  const sentences = named.split(/(?<=[.?!])\s+(?=\p{Lu})/u);
  const [cause = "", ...advice] = sentences;
  // What is wrong is always said, with an option as the field that it is in a form.
  const plain = [cause.replaceAll(OPTION, asField), ...advice.filter((sentence) => sentence.search(OPTION) < 0)];
  // What ends an unfinished import is a command of those who run the server, and nobody must have
  // to wait for them.
  const own = error instanceof SluiceError && error.code === "unfinished_import" ? [cause, ANYWAY] : plain;
  error.message = own.join(" ");
  return error;
}

const OPTION = /(?<=^|[\s(])--([a-z][a-z-]*)/g;

/** `--max-errors` → `maxErrors` */
function asField(_: string, option: string): string {
  return option.replaceAll(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
}
