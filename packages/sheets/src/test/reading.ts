// Everything that a workbook gives, as plain data.
import { SheetError, type SheetErrorCode } from "../errors.ts";
import { open, type OpenOptions } from "../workbook.ts";
import type { SheetState } from "../book.ts";
import type { Row } from "../cells/rows.ts";
import { collect, source } from "./workbook-writer.ts";

export interface Reading {
  readonly sheets: readonly { readonly name: string; readonly state: SheetState; readonly rows: readonly Row[] }[];
}

/** Reads all sheets, or gives the code of the refusal. Fails with what is no SheetError. */
export async function reading(bytes: Uint8Array, options?: OpenOptions): Promise<Reading | SheetErrorCode> {
  try {
    await using book = await open(source(bytes), options);
    const sheets = [];
    for (const { name, index, state } of book.sheets)
      sheets.push({ name, state, rows: await collect(book.sheet(index).rows()) });
    return { sheets };
  } catch (error) {
    if (error instanceof SheetError) return error.code;
    throw error;
  }
}
