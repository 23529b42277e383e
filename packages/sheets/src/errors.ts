// The errors of this package. Every failure is a SheetError with a stable code and the place at
// which it was found.

/**
 * The codes that a {@link SheetError} can have. They are stable; docs/limits.md explains each of
 * them.
 */
export type SheetErrorCode =
  | "file_not_found"
  | "not_a_file"
  | "unreadable"
  | "empty_file"
  | "not_a_workbook"
  | "legacy_xls"
  | "unsupported_format"
  | "encrypted"
  | "truncated"
  | "bad_archive"
  | "bad_compression"
  | "crc_mismatch"
  | "unsupported_compression"
  | "no_workbook"
  | "no_sheets"
  | "missing_part"
  | "unknown_sheet"
  | "bad_xml"
  | "unterminated_xml"
  | "doctype"
  | "bad_encoding"
  | "unclosed_quote"
  | "bad_reference"
  | "row_out_of_range"
  | "column_out_of_range"
  | "shared_string_out_of_range"
  | "limit"
  | "temporary_file"
  | "bad_option"
  | "closed";

/**
 * The place at which something was found. `offset` counts bytes: in the inflated part if there is a
 * part, else in the file.
 */
export interface Place {
  readonly file?: string | undefined;
  readonly part?: string | undefined;
  readonly sheet?: string | undefined;
  readonly cell?: string | undefined;
  readonly offset?: number | undefined;
}

/**
 * A file that cannot be read, or a request that does not fit the file. The message says what is
 * wrong, what was expected, what to do, and in which place.
 */
export class SheetError extends Error {
  override readonly name: string = "SheetError";
  readonly code: SheetErrorCode;
  declare readonly file?: string;
  declare readonly part?: string;
  declare readonly sheet?: string;
  declare readonly cell?: string;
  declare readonly offset?: number;

  constructor(code: SheetErrorCode, message: string, place: Place = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    for (const key of ["file", "part", "sheet", "cell", "offset"] as const)
      if (place[key] !== undefined) Object.assign(this, { [key]: place[key] });
  }

  /** The same failure, with the missing parts of its place filled in. */
  at(place: Place): SheetError {
    const { file, part, sheet, cell, offset } = this;
    const known = Object.fromEntries(
      Object.entries({ file, part, sheet, cell, offset }).filter(([, v]) => v !== undefined),
    );
    return new SheetError(
      this.code,
      this.message,
      { ...place, ...known },
      this.cause === undefined ? undefined : { cause: this.cause },
    );
  }

  /** The form that programs print: the code, the message and the place. */
  toJSON(): { code: SheetErrorCode; message: string } & Place {
    const { code, message, file, part, sheet, cell, offset } = this;
    return { code, message, file, part, sheet, cell, offset };
  }
}
