// The file that is read must be the file whose hash the ledger has. Otherwise rows of one content
// would be in under the hash of another, and that one would be refused as imported.
import { SluiceError } from "../errors.ts";
import { hashFile, stateOf } from "../hash.ts";
import type { Run } from "./run.ts";

/** The code of an import whose file was changed while it was read. */
export const FILE_CHANGED = "file_changed";

export function fileChanged(file: string): SluiceError {
  return new SluiceError(
    FILE_CHANGED,
    `${file} was changed or replaced while it was read. Import it when nobody writes it, or import a copy.`,
  );
}

/**
 * Looks at the file once more when all of it has been read. Another file may have its name by then,
 * because the one that was read is open.
 *
 * @throws SluiceError (`file_changed`) if somebody has written into it
 */
export async function expectSameFile({ options, names, contentHash, fileState }: Run): Promise<void> {
  const { file, limits } = options;
  const now = await stateOf(file);
  if (now === undefined || fileState === undefined || now === fileState) return;
  const identity = (state: string): string => state.split(" ", 2).join(" ");
  if (identity(now) !== identity(fileState)) return;
  // A file that was only touched has the same content.
  const { content, packed } = await hashFile(file, limits);
  if (content !== contentHash && packed !== contentHash) throw fileChanged(names.file);
}
