// Opens the store that an address means, and loads nothing of the other one.
import type { FileStore } from "./file-store.ts";

/**
 * Opens the store that a text means: `s3://bucket/prefix`, or a folder that all machines share.
 *
 * @throws SluiceError (`file_store`) for an address that names no bucket
 */
export async function openFileStore(place: string): Promise<FileStore> {
  if (/^[a-z][\w+.-]*:\/\//i.test(place)) {
    const { S3Store } = await import("./s3-store.ts");
    return new S3Store(place);
  }
  const { FolderStore } = await import("./folder-store.ts");
  return new FolderStore(place);
}
