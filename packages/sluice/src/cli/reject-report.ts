// The file that --rejects names, as the command line speaks of it: nothing is said of what is in it before it is closed, for a
// disk may be full until then, and a file that cannot be written stops no import, since the ledger has all rejects.
import { describeError, failureOf, SluiceError } from "../errors.ts";
import { rowsAre } from "../explain.ts";
import type { ImportResult } from "../import.ts";
import type { Header } from "../mapping.ts";
import type { RejectFile } from "../reject-file.ts";
import type { Reject } from "../reject.ts";
import { importCommandFor, rejectsCommand, REJECTS_OF_DRY_RUN, type RowFlags, type TargetFlags } from "./common.ts";

type Flags = TargetFlags & RowFlags & { readonly dryRun?: boolean };

/** An import with rejects, and how what is repaired goes in. */
interface Reported {
  readonly result: ImportResult;
  readonly command: string;
}

export class RejectReport implements AsyncDisposable {
  readonly #file: RejectFile;
  readonly #flags: Flags;
  readonly #imports: Reported[] = [];
  #failure: unknown;

  constructor(file: RejectFile, flags: Flags) {
    this.#file = file;
    this.#flags = flags;
  }

  /** Writes rejects. Where that fails, the rest is passed over and `close` says so. */
  async write(headers: readonly Header[], rejects: readonly Reject[]): Promise<void> {
    if (this.#failure === undefined) this.#failure = await failureOf(this.#file.write(headers, rejects));
  }

  /** An import whose rejects have been written. @param schema the schema file that it went by */
  add(result: ImportResult, schema: string | undefined): void {
    if (result.rejected === 0) return;
    const path = this.#file.paths.at(-1) ?? this.#file.path;
    this.#imports.push({ result, command: importCommandFor(path, result.table, { ...this.#flags, schema }) });
  }

  /**
   * Closes the file.
   *
   * @returns where the rejects are and what to do next; nothing where there are none
   * @throws SluiceError (`reject_file`) where the file is not whole; it says how to get it all the same
   */
  async close(): Promise<string[]> {
    const failure = await failureOf(this.#file[Symbol.asyncDispose]());
    if ((this.#failure ??= failure) !== undefined) throw this.#explained(this.#failure);
    if (this.#imports.length === 0) return [];
    const commands = new Set(this.#imports.map(({ command }) => command));
    return [
      "",
      `All of them, with what is wrong and with their cells: ${this.#file.paths.join(", ")}`,
      ...[...commands].map((command) => `Repair the cells there, then:  ${command}`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }

  #explained(failure: unknown): SluiceError {
    const { code, message, exitCode } = describeError(failure);
    const lines = [`${message}. The file is not complete.`, ...this.#otherWays()];
    return new SluiceError(code, lines.join("\n"), { exitCode, cause: failure });
  }

  /** How to get the rejects without this file. */
  #otherWays(): string[] {
    if (this.#flags.dryRun) return [`All rejects, with their cells: ${REJECTS_OF_DRY_RUN}`];
    // An import that failed is none of those that were reported.
    if (this.#imports.length === 0) {
      const command = rejectsCommand("ID", this.#flags);
      return [`The ledger has all rejects: ${command}, and npx sluice imports lists the imports by their IDs.`];
    }
    return this.#imports.map(({ result: { id, table, inserted, updated } }) => {
      const n = inserted + updated;
      const rows = `${rowsAre(n)} in the table "${table}" and stay${n === 1 ? "s" : ""} there`;
      return `${rows}; the ledger has all rejects: ${rejectsCommand(id, this.#flags)}`;
    });
  }
}
