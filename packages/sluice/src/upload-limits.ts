// How much a caller may ask of the server. Each limit is an option of `createServer` and of `sluice serve`.

const MIB = 1024 * 1024;

/** What uploads may take. */
export interface UploadLimits {
  /** Bytes of one file. */
  readonly maxFileBytes: number;
  /** Files on the disk at the same time, whether they are being sent, wait, or are being imported. */
  readonly maxUploads: number;
  /** Bytes of all of these. */
  readonly maxUploadBytes: number;
  /** How long one upload may take to arrive. */
  readonly uploadSeconds: number;
  /** How long it may stand still on its way. */
  readonly silenceSeconds: number;
}

export const DEFAULT_MAX_FILE_BYTES: number = 512 * MIB;
/** Imports that run at the same time. */
export const DEFAULT_MAX_IMPORTS = 4;
export const DEFAULT_MAX_UPLOADS = 1000;
export const DEFAULT_UPLOAD_SECONDS = 3600;
export const DEFAULT_SILENCE_SECONDS = 60;

/** For all uploads together, unless told: room for some of the largest. */
export function defaultUploadBytes(maxFileBytes: number): number {
  return Math.max(8 * DEFAULT_MAX_FILE_BYTES, 2 * maxFileBytes);
}
