// The settings of a service, and which of them make no sense.
import type { Context } from "@sluice/go/context";
import type { Limits } from "@sluice/sheets";
import { usageError } from "../errors.ts";
import type { Formats } from "../options.ts";
import type { Target } from "../target.ts";
import type { FleetOptions } from "./fleet/options.ts";
import {
  DEFAULT_MAX_CLIENT_IMPORTS,
  DEFAULT_MAX_CLIENT_RATE,
  DEFAULT_MAX_CLIENT_UPLOADS,
  DEFAULT_MAX_FILE_BYTES,
  DEFAULT_MAX_IMPORTS,
  DEFAULT_MAX_READERS,
  DEFAULT_MAX_UPLOADS,
  DEFAULT_MIN_UPLOAD_RATE,
  DEFAULT_SILENCE_SECONDS,
  DEFAULT_UPLOAD_SECONDS,
  defaultUploadBytes,
  type UploadLimits,
} from "./upload-limits.ts";

/** The subject of a line of the log. */
export interface LogFields {
  /** The id of an import. */
  readonly import?: string;
}

/** All limits of a service. */
export interface ServiceLimits extends UploadLimits {
  readonly maxImports: number;
  readonly maxClientImports: number;
  readonly maxClientRate: number;
  readonly maxReaders: number;
}

/** The settings of a service. */
export interface ServerOptions {
  /** The database for the rows. The service uses it and leaves it open. */
  readonly target: Target;
  /**
   * The address that {@link createServer}'s caller will listen on, which decides who may call;
   * `127.0.0.1` by default.
   */
  readonly host?: string;
  /** The largest file taken; 512 MiB by default. */
  readonly maxFileBytes?: number;
  /**
   * The most uploads on the disk: on their way, waiting, or being imported; 1,000 by default. More
   * get 503.
   */
  readonly maxUploads?: number;
  /**
   * The most bytes that all of them may have; 4 GiB by default, or twice `maxFileBytes` if that is
   * more. More get 503.
   */
  readonly maxUploadBytes?: number;
  /**
   * The time for one upload to arrive, in seconds; 3,600 by default. One that takes longer gets
   * 408.
   */
  readonly uploadSeconds?: number;
  /** The time that an upload may pause on its way, in seconds; 60 by default. */
  readonly silenceSeconds?: number;
  /** Uploads of one client on the disk at the same time; 200 by default. More get 429. */
  readonly maxClientUploads?: number;
  /**
   * The fewest bytes a second, over five seconds, with which an upload may come; 100 by default. A
   * slower one gets 408.
   */
  readonly minUploadRate?: number;
  /** Imports of one client that wait or run; 100 by default. More get 429. */
  readonly maxClientImports?: number;
  /** Readers of events at the same time; 1,000 by default. More get 503. */
  readonly maxReaders?: number;
  /**
   * Requests of one client a minute that bring a file or repaired rows; 600 by default. More get
   * 429.
   */
  readonly maxClientRate?: number;
  /**
   * The folder in which private ones are made, for uploads and for the imports that wait or run;
   * the system's temporary folder by default. Uploads that a server left which was killed are
   * removed; its imports go on.
   */
  readonly uploadDir?: string;
  /** Another folder for the imports that wait or run; `uploadDir` by default. */
  readonly importDir?: string;
  /**
   * Asked, as `Authorization: Bearer …`, of every request that changes something or reads what was
   * imported; nothing is asked by default.
   */
  readonly token?: string;
  /**
   * The header in which a proxy of the operator's names the user who has signed in. With it, every
   * such request must have it. Without it, no header is believed.
   */
  readonly userHeader?: string;
  /** Serves GET /debug/pprof/goroutine. */
  readonly pprof?: boolean;
  /** Other origins whose pages may upload, and by whose host names this server may be called. */
  readonly origins?: readonly string[];
  /**
   * `"streaming"` takes no file that a library would have to read, such as `.xls`; all by default.
   */
  readonly formats?: Formats;
  /** The limits of what a file may ask for; those of the reader by default. */
  readonly limits?: Partial<Limits>;
  /**
   * The number of imports that run at the same time; 4 by default. The others wait. One more import
   * may be of a file that a library reads.
   */
  readonly maxImports?: number;
  /**
   * Once it is done, callers who wait for an import are answered at once, and the import is left to
   * itself.
   */
  readonly halt?: Context;
  /**
   * Tables that callers may write to: `table` (of the search path) or `schema.table`, `*` for any
   * characters. Without any: `businesses`, and tables that imports through a server made.
   */
  readonly allow?: readonly string[];
  /**
   * Files are kept in a store, and workers run their imports (`sluice worker`); by default this
   * process does both.
   */
  readonly fleet?: FleetOptions;
  /**
   * Called with one line for every import and every failure of ours. It never holds a token, a
   * password or an address. `about` names the import, if there is one.
   */
  readonly log?: (line: string, about?: LogFields) => void;
}

/** @throws SluiceError (`bad_limit`) for one that no upload could keep to */
export function limitsOf(options: ServerOptions): ServiceLimits {
  const { maxFileBytes = DEFAULT_MAX_FILE_BYTES } = options;
  const limits = {
    maxFileBytes,
    maxUploads: options.maxUploads ?? DEFAULT_MAX_UPLOADS,
    maxUploadBytes: options.maxUploadBytes ?? defaultUploadBytes(maxFileBytes),
    uploadSeconds: options.uploadSeconds ?? DEFAULT_UPLOAD_SECONDS,
    silenceSeconds: options.silenceSeconds ?? DEFAULT_SILENCE_SECONDS,
    maxClientUploads: options.maxClientUploads ?? DEFAULT_MAX_CLIENT_UPLOADS,
    minUploadRate: options.minUploadRate ?? DEFAULT_MIN_UPLOAD_RATE,
    maxImports: options.maxImports ?? DEFAULT_MAX_IMPORTS,
    maxClientImports: options.maxClientImports ?? DEFAULT_MAX_CLIENT_IMPORTS,
    maxClientRate: options.maxClientRate ?? DEFAULT_MAX_CLIENT_RATE,
    maxReaders: options.maxReaders ?? DEFAULT_MAX_READERS,
  };
  for (const [name, limit] of Object.entries(limits))
    if (!(limit > 0)) throw usageError("bad_limit", `${name} must be more than 0, and is ${limit}.`);
  if (limits.maxUploadBytes < maxFileBytes)
    throw usageError(
      "bad_limit",
      `all uploads together may have ${limits.maxUploadBytes} bytes, and one of them ${maxFileBytes}: give --max-upload-bytes a larger number, or --max-file-bytes a smaller one.`,
    );
  return limits;
}

/** @throws SluiceError (`bad_token`) for a token or a header's name that no request can carry */
export function checkSignIn({ token, userHeader }: ServerOptions): void {
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw usageError(
      "bad_token",
      "the token is empty, or has characters that no header can carry. Expected: letters, digits and signs of ASCII, without blanks. Leave --token and SLUICE_TOKEN out to ask for none.",
    );
  if (userHeader !== undefined && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(userHeader))
    throw usageError(
      "bad_token",
      `--user-header ${JSON.stringify(userHeader)} is not the name of a header. Expected a name such as X-Forwarded-User.`,
    );
}
