// The limits of what a caller may ask of the server. Each limit is an option of `createServer` and
// of `sluice serve`.

const MIB = 1024 * 1024;

/** The limits of uploads. */
export interface UploadLimits {
  /** Bytes of one file. */
  readonly maxFileBytes: number;
  /**
   * Files on the disk at the same time, whether they are being sent, wait, or are being imported.
   */
  readonly maxUploads: number;
  /** Bytes of all of these. */
  readonly maxUploadBytes: number;
  /** The time for one upload to arrive. */
  readonly uploadSeconds: number;
  /** The time that an upload may pause on its way. */
  readonly silenceSeconds: number;
  /** Files of one client on the disk at the same time. */
  readonly maxClientUploads: number;
  /** The fewest bytes a second, over five seconds, with which an upload may come. */
  readonly minUploadRate: number;
}

export const DEFAULT_MAX_FILE_BYTES: number = 512 * MIB;
/** Imports that run at the same time. */
export const DEFAULT_MAX_IMPORTS = 4;
export const DEFAULT_MAX_UPLOADS = 1000;
export const DEFAULT_UPLOAD_SECONDS = 3600;
export const DEFAULT_SILENCE_SECONDS = 60;

export const DEFAULT_MAX_CLIENT_UPLOADS = 200;
export const DEFAULT_MIN_UPLOAD_RATE = 100;
/** Imports of one client that wait or run. */
export const DEFAULT_MAX_CLIENT_IMPORTS = 100;
/** Requests of one client a minute that bring a file or repaired rows. */
export const DEFAULT_MAX_CLIENT_RATE = 600;

/** Readers of events at the same time. */
export const DEFAULT_MAX_READERS = 1000;

/** The default limit for all uploads together: room for some of the largest. */
export function defaultUploadBytes(maxFileBytes: number): number {
  return Math.max(8 * DEFAULT_MAX_FILE_BYTES, 2 * maxFileBytes);
}
