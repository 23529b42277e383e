// The file that --rejects names, and what the command line says about it. It says nothing of the
// file's content before the file is closed, because a disk may be full until then. A file that
// cannot be written does not stop an import, because the ledger has all rejects.
import { COMMAND } from "./command.ts";
import { describeError, failureOf, SluiceError } from "../errors.ts";
import { rowsAre } from "../run/failure.ts";
import type { RejectFile } from "../rejects/file.ts";
import type { Reject } from "../reject.ts";
import {
  importCommandFor,
  readAs,
  rejectsCommand,
  rejectsOfDryRun,
  type RowFlags,
  type TargetFlags,
} from "./common.ts";
import type { Header, ImportResult } from "../options.ts";

type Flags = TargetFlags & RowFlags & { readonly dryRun?: boolean };

/** The file to try instead, of a kind that holds any cell. */
const FILE = "FILE.csv";

/** An import with rejects, and how what is repaired goes in. */
interface Reported {
  readonly result: ImportResult;
  readonly command: string;
}

export class RejectReport implements AsyncDisposable {
  readonly #file: RejectFile;
  readonly #flags: Flags;
  readonly #imports: Reported[] = [];
  /** True if an import of this call has put its rows in now. */
  #hasNew = false;
  /** When the first of the others began. */
  #begun: Date | undefined;
  #failure: unknown;

  constructor(file: RejectFile, flags: Flags) {
    this.#file = file;
    this.#flags = flags;
  }

  /**
   * Writes rejects. If that fails, the rest is passed over and `close` says so.
   *
   * @param begun when the import began, if it was done before: then a file that was changed since
   *   may have its rejects, repaired
   */
  async write(headers: readonly Header[], rejects: readonly Reject[], begun: Date | undefined): Promise<void> {
    if (begun === undefined) this.#hasNew = true;
    else if (this.#begun === undefined || begun < this.#begun) this.#begun = begun;
    this.#file.keptSince = this.#hasNew ? undefined : this.#begun;
    if (this.#failure === undefined) this.#failure = await failureOf(this.#file.write(headers, rejects));
  }

  /** An import whose rejects have been written. @param schema the schema file that it went by */
  add(result: ImportResult, schema: string | undefined): void {
    if (result.rejected === 0) return;
    const path = this.#file.paths.at(-1) ?? this.#file.path;
    const flags = { ...this.#flags, schema };
    const command = importCommandFor(path, result.table, { ...flags, ...readAs(flags, result.assumptions) });
    this.#imports.push({ result, command });
  }

  /**
   * Closes the file.
   *
   * @returns lines that name the file and say what to do next; empty if there are no rejects
   * @throws SluiceError (`reject_file`) if the file is not whole; it says how to get it all the
   *   same
   */
  async close(): Promise<string[]> {
    const failure = await failureOf(this.#file[Symbol.asyncDispose]());
    if ((this.#failure ??= failure) !== undefined) throw this.#explained(this.#failure);
    if (this.#imports.length === 0) return [];
    if (this.#file.isKept) {
      return [
        `${this.#file.path} has other content, so it stays as it is: its cells may have been repaired. All rejects again:`,
        ...this.#imports.map(({ result: { id } }) => `  ${rejectsCommand(id, this.#flags, FILE)}`),
      ];
    }
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
    const file = this.#file.isKept ? "The file that was there stays as it is." : "The file is not complete.";
    const lines = [`${message}. ${file}`, ...this.#otherWays()];
    return new SluiceError(code, lines.join("\n"), { exitCode, cause: failure });
  }

  /** Lines that say how to get the rejects without this file. */
  #otherWays(): string[] {
    if (this.#flags.dryRun) return [`All rejects, with their cells: ${rejectsOfDryRun(FILE)}`];
    // An import that failed is not among those that were reported.
    if (this.#imports.length === 0) {
      const command = rejectsCommand("ID", this.#flags, FILE);
      return [`The ledger has all rejects: ${command}, and ${COMMAND} imports lists the imports by their IDs.`];
    }
    return this.#imports.map(({ result: { id, table, inserted, updated } }) => {
      const n = inserted + updated;
      const rows = `${rowsAre(n)} in the table "${table}" and stay${n === 1 ? "s" : ""} there`;
      return `${rows}; the ledger has all rejects: ${rejectsCommand(id, this.#flags, FILE)}`;
    });
  }
}
