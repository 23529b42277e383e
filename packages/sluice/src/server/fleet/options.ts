// The settings by which a process joins a fleet.
/** The database and the file store of a fleet. */
export interface FleetOptions {
  /** The PostgreSQL server that has the queue: that of the rows. */
  readonly dsn: string;
  /** The store of files: a folder that all machines share, or `s3://bucket/prefix`. */
  readonly files: string;
}

/** Takes a line of the log. @param about the import that it is about, if there is one */
export type Log = (line: string, about?: { readonly import?: string }) => void;
