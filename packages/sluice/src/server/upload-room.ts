// How much the uploads may take on the disk together: so many files, so many bytes, counted as they come.
import { HttpFailure } from "./failure.ts";
import type { UploadLimits } from "../upload-limits.ts";

/** When it makes sense to ask again. */
const RETRY_SECONDS = 30;

/** One upload's share. It is given back by `Symbol.dispose`, when the file is gone. */
export interface Share extends Disposable {
  /** Counts bytes before they are written. @throws HttpFailure 503 where there is no room for them */
  take(bytes: number): void;
}

/** The room that there is for uploads. */
export class UploadRoom {
  readonly #limits: Pick<UploadLimits, "maxUploads" | "maxUploadBytes">;
  #uploads = 0;
  #bytes = 0;

  constructor(limits: Pick<UploadLimits, "maxUploads" | "maxUploadBytes">) {
    this.#limits = limits;
  }

  /** @param announced how many bytes the request says that it has; NaN where it does not @throws HttpFailure 503 where there is no room */
  enter(announced: number): Share {
    if (this.#uploads >= this.#limits.maxUploads)
      throw busy("too_many_uploads", "This server has as many uploads as it takes at a time.");
    if (this.#bytes + announced > this.#limits.maxUploadBytes) throw noRoom();
    this.#uploads++;
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
        this.#bytes -= taken;
      },
    };
  }
}

function noRoom(): HttpFailure {
  return busy("no_room", "The uploads that wait on this server take all the room that it has for them.");
}

function busy(code: string, what: string): HttpFailure {
  const message = `${what} Send the file again in ${RETRY_SECONDS} seconds.`;
  return new HttpFailure(503, message, { "retry-after": String(RETRY_SECONDS) }, code);
}
