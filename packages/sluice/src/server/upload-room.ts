// The room that all uploads together may take on the disk: a number of files and a number of bytes,
// counted as they come.
//
// An upload enters before its first byte, with the size that it announces. It takes room for each
// piece before the piece is written, since the announced size may be missing or wrong. Files that
// an earlier process has left are counted by keep(), and are never refused.
import type { ErrorCode } from "../errors.ts";
import { HttpFailure } from "./failure.ts";
import type { UploadLimits } from "./upload-limits.ts";

/** The time after which it makes sense to ask again. */
const RETRY_SECONDS = 30;

/** The share of one upload. It is given back by `Symbol.dispose`, when the file is gone. */
export interface Share extends Disposable {
  /** Counts bytes before they are written. @throws HttpFailure 503 if there is no room for them */
  take(bytes: number): void;
}

type Room = Pick<UploadLimits, "maxUploads" | "maxUploadBytes" | "maxClientUploads">;

/** The room that there is for uploads. */
export class UploadRoom {
  readonly #limits: Room;
  #uploads = 0;
  #bytes = 0;
  /** The uploads of each client that has any. */
  readonly #clients = new Map<string, number>();

  constructor(limits: Room) {
    this.#limits = limits;
  }

  /**
   * @param announced the number of bytes that the request states; NaN if it does not
   * @param client who sends it; "" counts as nobody
   * @throws HttpFailure 503 if there is no room, 429 if this client has as many as one may have
   */
  enter(announced: number, client: string = ""): Share {
    const own = this.#clients.get(client) ?? 0;
    if (client !== "" && own >= this.#limits.maxClientUploads) throw tooMany(this.#limits.maxClientUploads);
    if (this.#uploads >= this.#limits.maxUploads)
      throw busy("too_many_uploads", "This server has as many uploads as it takes at a time.");
    if (this.#bytes + announced > this.#limits.maxUploadBytes) throw noRoom();
    this.#uploads++;
    if (client !== "") this.#clients.set(client, own + 1);
    let taken = 0;
    let left = false;
    return {
      take: (bytes) => {
        if (this.#bytes + bytes > this.#limits.maxUploadBytes) throw noRoom();
        this.#bytes += bytes;
        taken += bytes;
      },
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        this.#uploads--;
        this.#leave(client);
        this.#bytes -= taken;
      },
    };
  }

  /** The share of a file that is on the disk already, whatever there is room for. */
  keep(bytes: number): Disposable {
    this.#uploads++;
    this.#bytes += bytes;
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        this.#uploads--;
        this.#bytes -= bytes;
      },
    };
  }

  #leave(client: string): void {
    const left = (this.#clients.get(client) ?? 0) - 1;
    if (left > 0) this.#clients.set(client, left);
    else this.#clients.delete(client);
  }
}

function tooMany(most: number): HttpFailure {
  const message = `This client has ${most} uploads on this server, which is as many as one may have. Send the file again in ${RETRY_SECONDS} seconds.`;
  return new HttpFailure(429, message, { "retry-after": String(RETRY_SECONDS) }, "too_many_uploads");
}

function noRoom(): HttpFailure {
  return busy("no_room", "The uploads that wait on this server take all the room that it has for them.");
}

function busy(code: ErrorCode, what: string): HttpFailure {
  const message = `${what} Send the file again in ${RETRY_SECONDS} seconds.`;
  return new HttpFailure(503, message, { "retry-after": String(RETRY_SECONDS) }, code);
}
