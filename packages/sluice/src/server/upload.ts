// An upload's way to the disk: streamed, under a name of our own in a private folder, gone again unless it is complete.
// What the client calls its file is data; it never becomes part of a path.
import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import type { UploadLimits } from "../upload-limits.ts";
import { HttpFailure, NO_FILE, NOT_EXCEL } from "./failure.ts";
import type { Share, UploadRoom } from "./upload-room.ts";

/** Where uploads go, and how much they may take. */
export interface UploadPlace {
  readonly folder: string;
  readonly room: UploadRoom;
  readonly limits: UploadLimits;
}

/** A complete upload. Its owner disposes of it, which removes the file. */
export interface Upload extends AsyncDisposable {
  readonly path: string;
  /** As the client calls it, without folders. */
  readonly fileName: string;
}

/** What a form needs besides the file; more is not read. */
const LIMITS = { parts: 32, files: 8, fields: 24, fieldSize: 64 * 1024, headerPairs: 64 } as const;
/** A request may be larger than its file by the form around it. */
const FORM_BYTES = 2 * 1024 * 1024;
/** No timer can be longer. */
const LONGEST_MS = 2 ** 31 - 1;
/** How long a client that was answered early may go on sending. */
const DRAIN_MS = 30_000;

/**
 * Reads the form of a request up to its end and keeps the first file of the field `file`.
 *
 * @param admit called with the file's name before its bytes are read; what it throws refuses the upload
 * @throws HttpFailure 400 where there is no file or it is no spreadsheet, 408 where it takes too long, 413 where it is too large,
 * 503 where there is no room for it. Nothing stays on the disk then.
 */
export async function receiveUpload(
  request: FastifyRequest,
  place: UploadPlace,
  admit: (fileName: string) => Promise<void>,
): Promise<Upload> {
  const { maxFileBytes, uploadSeconds, silenceSeconds } = place.limits;
  if (!request.isMultipart()) throw new HttpFailure(400, NO_FILE);
  if (Number(request.headers["content-length"]) > maxFileBytes + FORM_BYTES) throw tooLarge(maxFileBytes);
  const { raw } = request;
  const { socket } = raw;
  const reading = new Reading(request, place, admit);
  const late = Promise.withResolvers<never>();
  const giveUp = (failure: HttpFailure): void => {
    late.reject(failure);
    reading.stop(failure);
  };
  const timer = setTimeout(() => giveUp(tooSlow(uploadSeconds)), Math.min(uploadSeconds * 1000, LONGEST_MS));
  const onSilence = (): void => giveUp(silent(silenceSeconds));
  socket.setTimeout(Math.min(silenceSeconds * 1000, LONGEST_MS));
  raw.on("timeout", onSilence);
  try {
    return await Promise.race([reading.run(), late.promise]);
  } catch (error) {
    await reading.discard();
    throw formFailure(error, reading.hasFile);
  } finally {
    clearTimeout(timer);
    raw.off("timeout", onSilence);
    socket.setTimeout(0);
  }
}

/** One form that is being read, which may be given up at any moment. */
class Reading {
  readonly #request: FastifyRequest;
  readonly #place: UploadPlace;
  readonly #admit: (fileName: string) => Promise<void>;
  #stopped: HttpFailure | undefined;
  #file: Readable | undefined;
  #saving: Promise<void> | undefined;
  #upload: Upload | undefined;

  constructor(request: FastifyRequest, place: UploadPlace, admit: (fileName: string) => Promise<void>) {
    this.#request = request;
    this.#place = place;
    this.#admit = admit;
  }

  get hasFile(): boolean {
    return this.#upload !== undefined;
  }

  async run(): Promise<Upload> {
    const { folder, room, limits } = this.#place;
    const { maxFileBytes } = limits;
    for await (const part of this.#request.parts({ limits: { ...LIMITS, fileSize: maxFileBytes } })) {
      if (part.type !== "file") continue;
      if (this.#upload || part.fieldname !== "file" || !part.filename) {
        part.file.resume();
        continue;
      }
      const fileName = displayName(part.filename);
      if (!/\.(?:xlsx|xlsm|xls)$/i.test(fileName)) throw new HttpFailure(400, NOT_EXCEL);
      await this.#admit(fileName);
      if (this.#stopped) throw this.#stopped;
      const share = room.enter(Number(this.#request.headers["content-length"]));
      const path = join(folder, randomUUID());
      this.#upload = { path, fileName, [Symbol.asyncDispose]: () => remove(path, share) };
      this.#file = part.file;
      this.#saving = save(part.file, path, share, maxFileBytes);
      await this.#saving;
    }
    if (!this.#upload) throw new HttpFailure(400, NO_FILE);
    await checkSignature(this.#upload.path);
    return this.#upload;
  }

  /** Ends it with a failure. */
  stop(failure: HttpFailure): void {
    this.#stopped = failure;
    this.#file?.destroy(failure);
  }

  /** Removes what has been kept of the file. */
  async discard(): Promise<void> {
    await this.#saving?.catch(() => undefined);
    await this.#upload?.[Symbol.asyncDispose]();
  }
}

async function remove(path: string, share: Share): Promise<void> {
  await rm(path, { force: true });
  share[Symbol.dispose]();
}

/**
 * Resolves when the client has sent all of its request or has gone; one that takes too long is cut off. A server that
 * closes while its client still sends makes the client's system throw the answer away, so an early answer waits for this.
 */
export async function drain(raw: IncomingMessage): Promise<void> {
  if (raw.readableEnded || raw.destroyed) return;
  raw.unpipe();
  raw.resume();
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(() => raw.socket.destroy(), DRAIN_MS);
    raw.once("end", resolve).once("close", resolve);
  });
  clearTimeout(timer);
}

async function save(file: MultipartFile["file"], path: string, share: Share, maxFileBytes: number): Promise<void> {
  file.once("limit", () => file.destroy(tooLarge(maxFileBytes)));
  // A file that came in one piece may have passed its limit before anybody could listen.
  if (file.truncated) file.destroy(tooLarge(maxFileBytes));
  const counted = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      share.take(piece.length);
      yield piece;
    }
  };
  await pipeline(file, counted, createWriteStream(path, { flags: "wx", mode: 0o600 }));
}

/** Every workbook is a zip archive or an OLE container; a text in Excel's clothes is turned away by its first bytes. */
async function checkSignature(path: string): Promise<void> {
  await using handle = await open(path);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  const head = buffer.subarray(0, bytesRead).toString("hex");
  if (!head.startsWith("504b") && head !== "d0cf11e0a1b11ae1") throw new HttpFailure(400, NOT_EXCEL);
}

/** What the form parser reports, in our words. */
function formFailure(error: unknown, hasFile: boolean): unknown {
  const code = (error as { code?: unknown }).code;
  if (error instanceof HttpFailure || !(error instanceof Error)) return error;
  if (code === "FST_FILES_LIMIT" || code === "FST_PARTS_LIMIT" || code === "FST_FIELDS_LIMIT") {
    return new HttpFailure(400, "The form has too many parts. Expected: one file in the field `file`.");
  }
  // A file system's failure is ours; all others come from the form.
  if (typeof code === "string" && !code.startsWith("FST_") && !code.startsWith("ERR_STREAM")) return error;
  return new HttpFailure(400, hasFile ? "The upload broke off before its end. Send the file again." : NO_FILE);
}

function tooLarge(maxFileBytes: number): HttpFailure {
  const size = maxFileBytes >= 1024 * 1024 ? `${Math.floor(maxFileBytes / 1024 / 1024)} MiB` : `${maxFileBytes} bytes`;
  return new HttpFailure(413, `The file is too large: at most ${size} are allowed.`);
}

function tooSlow(seconds: number): HttpFailure {
  return late(`The upload was not complete after ${seconds} s, and was given up. Send it over a faster connection.`);
}

function silent(seconds: number): HttpFailure {
  return late(`Nothing came for ${seconds} s, so the upload was given up. Send the file again.`);
}

function late(message: string): HttpFailure {
  return new HttpFailure(408, message, { connection: "close" }, "upload_too_slow");
}

/** Without folders and control characters, and no longer than a name on a disk can be. */
function displayName(name: string): string {
  const bare = name.replace(/^.*[\\/]/s, "").replaceAll(/\p{Cc}/gu, "\uFFFD");
  return bare.length <= 255 ? bare : bare.slice(0, 200) + "…" + bare.slice(-50);
}
