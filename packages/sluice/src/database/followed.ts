// Compares the commits that a database has acknowledged with its ledger, over each new connection.
//
// A server can lose commits that it has acknowledged: a replica without them takes over, a backup
// is restored, or the disk forgets. Rows and ledger are of one database, so they are lost together,
// and an import that continues by the ledger is right. Only a process that is in the middle of it
// believes in rows that are gone. A server that loses commits loses its connections too, so each
// new connection asks, before anything else is done over it.
//
// Connections are numbered as they are made. A connection that lives has seen no loss since it was
// made. So what was found over connection n holds for all older ones that still live.
import { SluiceError } from "../errors.ts";
import { OWNER } from "../ledger/ledger.ts";
import { isOrphaned } from "../ledger/sound.ts";
import { type ChunkState, type Claim, type Connection, type QueryResult, isDatabaseError } from "../target.ts";

/** The code of an import that the database knows less of than it has said. */
export const COMMITS_LOST = "commits_lost";

/** The database has lost commits of an import. */
export class CommitsLost extends SluiceError {
  readonly claim: Claim;
  /** The ledger still has the import's entry. */
  readonly known: boolean;

  constructor(claim: Claim, known: boolean, name: string) {
    super(
      COMMITS_LOST,
      `${name} has lost commits that it had acknowledged, as happens when a replica takes over that did not have them, or when a backup is restored. ` +
        (known ? "The ledger lost them with the rows." : `It knows nothing of the import ${claim.id} any more.`),
    );
    this.claim = claim;
    this.known = known;
  }
}

/**
 * The state of an import in the ledger, seen by the process of a claim. `changed`: chunks are gone
 * that no server can have lost. `orphaned`: so is the entry. `unknown`: all of it is gone, or the
 * ledger is; `deleted`: so it is, and no server can have lost it.
 */
export type Standing = "ours" | "taken over" | "lost" | "changed" | "orphaned" | "unknown" | "deleted";

const STANDING = `select i.epoch, i.state, l.owner, c.n, c.done
  from sluice.imports i left join sluice.leases l on l.import = i.id left join sluice.chunks c on c.import = i.id and $2::boolean
  where i.id = $1`;

/** The commits of an import's chunks that the server acknowledged to this process. */
export class Followed {
  readonly claim: Claim;
  /** The number of settled rows of each chunk. */
  readonly #told = new Map<number, number>();
  /** The latest connection over which the ledger was found to have all of it. */
  #checked = 0;

  constructor(claim: Claim, chunks: ReadonlyMap<number, ChunkState>) {
    this.claim = claim;
    for (const [n, state] of chunks) this.tell(n, state);
  }

  /** The database has said that a chunk is so far. */
  tell(n: number, { done }: ChunkState): void {
    this.#told.set(n, done); // race:ignore: a loader tells of its own chunks
  }

  /** Asks the ledger over a connection, if that can tell anything new. @throws CommitsLost */
  async check(connection: Connection, always = false): Promise<Standing> {
    const { born = 0 } = connection;
    const seen = born <= this.#checked; // race:ignore: at worst the ledger is asked once more
    if (seen && !always) return "ours";
    // What is told from here on may be too late for the answer.
    const told = new Map(this.#told); // race:ignore: a copy is one step
    const { standing, chunks } = await standingOf(connection, this.claim, true);
    // A connection that was there at the last look, and lives, has seen no loss.
    const isLossless = seen && connection.born !== undefined;
    if (standing !== "ours") return standing === "unknown" && isLossless ? "deleted" : standing;
    const missing = isLossless ? "changed" : "lost";
    for (const [n, done] of told) if ((chunks.get(n) ?? -1) < done) return missing;
    this.#checked = Math.max(this.#checked, born); // race:ignore: it only grows
    return "ours";
  }
}

/**
 * Ends the lease of an earlier epoch of this process, which came back with a loss: nobody is at
 * work on that any more.
 */
export async function releaseEarlier(connection: Pick<Connection, "query">, { id, epoch }: Claim): Promise<void> {
  await connection.query(
    "update sluice.leases set expires_at = '-infinity' where import = $1 and owner = $2 and epoch < $3",
    [id, OWNER, String(epoch)],
  );
}

/**
 * Asks the ledger for the state of an import. If rows were acknowledged, it also asks how many rows
 * of each of its chunks are settled.
 */
export async function standingOf(
  connection: Pick<Connection, "query">,
  { id, epoch }: Claim,
  withChunks = false,
): Promise<{ standing: Standing; chunks: ReadonlyMap<number, number> }> {
  let [rows, isThere]: [QueryResult["rows"], boolean] = [[], true];
  try {
    ({ rows } = await connection.query(STANDING, [id, String(withChunks)]));
  } catch (error) {
    // The ledger itself may be younger than what the database was put back to.
    if (!isDatabaseError(error) || (error.code !== "42P01" && error.code !== "3F000")) throw error;
    isThere = false;
  }
  const [now, state, owner] = rows[0] ?? [];
  const chunks = new Map(rows.filter(([, , , n]) => n !== null).map(([, , , n, done]) => [Number(n), Number(done)]));
  if (now === undefined)
    return { standing: isThere && (await isOrphaned(connection, id)) ? "orphaned" : "unknown", chunks };
  // An epoch that comes again after a loss may be another process's.
  if (Number(now) < epoch) return { standing: "lost", chunks };
  const ours = Number(now) === epoch && state === "running" && owner === OWNER;
  return { standing: ours ? "ours" : "taken over", chunks };
}
