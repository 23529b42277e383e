// The private folder that uploads are kept in: made by each server for itself, and removed when it
// closes. One that a server left that was killed is removed by the next one.
import { rm } from "node:fs/promises";
import { isPrivateFolder, makeOwnFolder, removeLeftFolders } from "@sluice/sheets";
import { SluiceError } from "../errors.ts";

const KIND = "sluice-uploads";
const ADVICE = "Name another folder with --upload-dir.";

/**
 * Makes the folder.
 * @throws SluiceError (`upload_folder`) if it cannot be made, or would not be private
 */
export async function makeUploadFolder(parent: string): Promise<string> {
  let folder: string;
  try {
    folder = await makeOwnFolder(parent, KIND);
  } catch (error) {
    const { message } = error as Error;
    throw new SluiceError("upload_folder", `no folder for uploads can be made in ${parent}: ${message}. ${ADVICE}`, {
      cause: error,
    });
  }
  if (await isPrivateFolder(folder)) return folder;
  await rm(folder, { recursive: true, force: true });
  throw new SluiceError(
    "upload_folder",
    `uploads cannot be kept from other users in ${parent}: its file system does not keep modes and owners. ${ADVICE}`,
  );
}

/**
 * Removes what servers of this user left there that are not alive any more. Returns the folders'
 * names.
 */
export function removeLeftUploads(parent: string): Promise<string[]> {
  return removeLeftFolders(parent, KIND);
}
