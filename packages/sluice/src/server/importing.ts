// From an upload to an answer: which table, when it is its turn, and what the numbers are called.
import { basename } from "node:path";
import { SheetError } from "@sluice/sheets";
import type { Context } from "@sluice/go/context";
import { Weighted } from "@sluice/go/semaphore";
import { businesses } from "../businesses.ts";
import { goDuration } from "../duration.ts";
import { isInterrupted, SluiceError } from "../errors.ts";
import { METHODS, runImport, type ImportOptions, type ImportResult, type Method } from "../import.ts";
import type { Reject } from "../reject.ts";
import type { Target } from "../targets/target.ts";

import { HttpFailure } from "./failure.ts";
import type { Upload } from "./upload.ts";

/** What was asked for in the query of `POST /upload`. */
export interface Wish {
  readonly method: Method;
  /** Where the rows go; without one it is `businesses`. Made where there is none. */
  readonly table: string | undefined;
}

/** The body of a successful upload; the keys stand in this order. */
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

/** Schemas that PostgreSQL keeps for itself. */
const SYSTEM_SCHEMA = /^(?:pg_.*|information_schema)(?:\.|$)/i;

/** @throws HttpFailure 400 for a method that there is none of */
export function parseMethod(method: unknown): Method {
  if (method === undefined) return "batch";
  const known = METHODS.find((name) => name === method);
  if (!known) throw new HttpFailure(400, "Invalid method. Use: sequential, concurrent, batch or copy");
  return known;
}

/** @throws HttpFailure 400 for what can be no table that rows may go to */
export function parseTable(table: unknown): string | undefined {
  if (table === undefined || table === businesses.name) return undefined;
  if (typeof table !== "string" || table.trim() === "" || table.includes("\0") || table.length > 200) {
    throw new HttpFailure(
      400,
      "Invalid table. Use the name of one existing table, such as table=customers or table=shop.customers",
    );
  }
  if (SYSTEM_SCHEMA.test(table)) throw new HttpFailure(400, `Invalid table. "${table}" belongs to the database itself`);
  return table;
}

/** Runs imports, some at the same time and the rest in the order in which they came. */
export class Imports {
  readonly #target: Target;
  readonly #room: Weighted;

  /** @param limit how many run at the same time */
  constructor(target: Target, limit: number) {
    this.#target = target;
    this.#room = new Weighted(limit);
  }

  /**
   * Waits for its turn and imports. Who asked may hang up; `ctx` alone stops it, after the chunks in flight, and the same file goes on
   * from there.
   *
   * @throws HttpFailure 503 where it was stopped before its end
   */
  async run(ctx: Context, upload: Upload, wish: Wish): Promise<UploadAnswer> {
    try {
      await this.#room.acquire(ctx, 1);
    } catch {
      throw new HttpFailure(503, NOT_BEGUN);
    }
    try {
      const result = await this.#import(ctx, upload, wish);
      if (result.interrupted) throw new HttpFailure(503, stopped(result));
      return toAnswer(result);
    } catch (error) {
      if (isInterrupted(error)) throw new HttpFailure(503, NOT_BEGUN);
      throw inUploadTerms(error, upload);
    } finally {
      this.#room.release(1);
    }
  }

  async #import(ctx: Context, upload: Upload, wish: Wish): Promise<ImportResult> {
    return await runImport(ctx, {
      file: upload.path,
      fileName: upload.fileName,
      target: this.#target,
      method: wish.method,
      ...(await this.#tableFor(wish)),
    });
  }

  /** The directory's own checks hold for every table of its shape, and a new table gets that shape; any other is as it stands. */
  async #tableFor({ table }: Wish): Promise<Pick<ImportOptions, "schema" | "table">> {
    if (table === undefined) return { schema: businesses };
    const existing = await this.#target.describe(table);
    const has = new Set(existing?.columns.map((column) => column.name));
    const ours = !existing || businesses.columns.every((column) => column.generated || has.has(column.name));
    return ours ? { schema: businesses, table } : { table };
  }
}

const NOT_BEGUN =
  "The server is stopping, and nothing of the file was imported. Send it again when the server is back.";

function stopped({ id, table, total, inserted, updated }: ImportResult): string {
  const rows = (inserted + updated).toLocaleString("en");
  return (
    `The server is stopping: of the first ${total.toLocaleString("en")} rows ${rows} are in the table "${table}" and stay there (import ${id}). ` +
    `Send the same file again when the server is back: it goes on from there.`
  );
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

/** The failure as the one who uploaded can understand it: with the file's own name, without options of the command line. */
function inUploadTerms(error: unknown, upload: Upload): unknown {
  if (!(error instanceof SluiceError || error instanceof SheetError)) return error;
  const named = error.message
    .replaceAll(upload.path, upload.fileName)
    .replaceAll(basename(upload.path), upload.fileName);
  const sentences = named.split(/(?<=[.?!])\s+(?=\p{Lu})/u);
  const plain = sentences.filter((sentence) => !/(?:^|\s)--[a-z]/.test(sentence));
  error.message = (plain.length > 0 ? plain : sentences).join(" ");
  return error;
}
