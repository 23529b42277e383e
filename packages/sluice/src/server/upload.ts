// An upload's way to the disk: streamed, under a name of our own in a private folder, gone again
// unless it is complete. What the client calls its file is data; it never becomes part of a path.
import { createHash, randomUUID, type Hash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { unescape } from "node:querystring";
import { pipeline } from "node:stream/promises";
import type { MultipartFile, MultipartValue } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { SheetError } from "@sluice/sheets";
import { openWorkbook } from "../rejects/as-source.ts";
import { isText } from "../sheet/source.ts";
import type { UploadLimits } from "./upload-limits.ts";
import { HttpFailure, NO_FILE, NOT_EXCEL } from "./failure.ts";
import type { FormFields } from "./form.ts";
import type { Share, UploadRoom } from "./upload-room.ts";

/** The folder for uploads, and their limits. */
export interface UploadPlace {
  readonly folder: string;
  readonly room: UploadRoom;
  readonly limits: UploadLimits;
}

/** A complete upload. Its owner disposes of it, which removes the file. */
export interface Upload extends AsyncDisposable {
  readonly path: string;
  /** The client's name for the file, without folders. */
  readonly fileName: string;
  /** Other files of the form, which are not read. */
  readonly others: readonly string[];
  /** SHA-256 of its bytes, in hex. */
  readonly hash: string;
}

/** The form that a route takes. */
export interface FormRules {
  /** The client that sends it, for the limits of each client. */
  readonly client: string;
  /** Only Excel's formats are taken, by name and by content. */
  readonly excelOnly: boolean;
  /** A form without a file is complete if it has this field. */
  readonly insteadOfFile?: string;
  /** Called for each field. What it throws refuses the form. Without it, fields are not read. */
  readonly expectField?: (name: string) => void;
  /**
   * Called with the file's name, and the fields before it, before its bytes are read. What it
   * throws refuses the upload.
   */
  readonly admit: (fileName: string, fields: FormFields) => Promise<void>;
}

/** A form that was read to its end. */
export interface Form {
  readonly upload: Upload | undefined;
  readonly fields: FormFields;
}

/** The parts that a form may have; more are not read. */
const LIMITS = { parts: 32, files: 8, fields: 24, fieldSize: 64 * 1024, headerPairs: 64 } as const;
/** The same, if the fields say what to do: a sheet has many columns, each with its field. */
const WITH_FIELDS = { ...LIMITS, parts: 4096, fields: 4000 } as const;
/** A request may be larger than its file by the form around it. */
const FORM_BYTES = 2 * 1024 * 1024;
/** No timer can be longer. */
const LONGEST_MS = 2 ** 31 - 1;
/** The time for which a client that was answered early may continue sending. */
const DRAIN_MS = 30_000;
/** The time over which the rate of an upload is measured. */
const PACE_MS = 5000;

/**
 * Reads the form of a request up to its end and keeps the first file of the field `file`.
 *
 * @throws HttpFailure 400 if there is no file, it is not of a format that is taken, or a field is
 *   refused, 408 if it takes too long or comes too slowly, 413 if it is too large, 503 if there is
 *   no room for it. Nothing stays on the disk then.
 */
export async function receiveForm(request: FastifyRequest, place: UploadPlace, rules: FormRules): Promise<Form> {
  const { maxFileBytes, uploadSeconds, silenceSeconds, minUploadRate } = place.limits;
  if (!request.isMultipart()) throw noFile();
  if (Number(request.headers["content-length"]) > maxFileBytes + FORM_BYTES) throw tooLarge(maxFileBytes);
  const { raw } = request;
  const { socket } = raw;
  const reading = new Reading(request, place, rules);
  const late = Promise.withResolvers<never>();
  const giveUp = (failure: HttpFailure): void => {
    late.reject(failure);
    reading.stop(failure);
  };
  const timer = setTimeout(() => giveUp(tooSlow(uploadSeconds)), Math.min(uploadSeconds * 1000, LONGEST_MS));
  const onSilence = (): void => giveUp(silent(silenceSeconds));
  socket.setTimeout(Math.min(silenceSeconds * 1000, LONGEST_MS));
  raw.on("timeout", onSilence);
  let before = socket.bytesRead;
  // While the disk, or a check of ours, holds the client back, nothing is asked of it.
  const pace = setInterval(() => {
    const came = socket.bytesRead - before;
    before = socket.bytesRead;
    if (!raw.isPaused() && !reading.busy && came < (minUploadRate * PACE_MS) / 1000) giveUp(dripping(minUploadRate));
  }, PACE_MS);
  try {
    return await Promise.race([reading.run(), late.promise]);
  } catch (error) {
    await reading.discard();
    throw formFailure(error, reading.hasFile);
  } finally {
    clearTimeout(timer);
    clearInterval(pace);
    raw.off("timeout", onSilence);
    socket.setTimeout(0);
  }
}

/**
 * Receives a form as {@link receiveForm} does. The form must have a file, and its fields are not
 * read.
 */
export async function receiveUpload(
  request: FastifyRequest,
  place: UploadPlace,
  client: string,
  admit: (fileName: string) => Promise<void>,
): Promise<Upload> {
  const { upload } = await receiveForm(request, place, { client, excelOnly: true, admit });
  return upload!;
}

/** A form that is being read. The reading may be given up at any moment. */
class Reading {
  readonly #request: FastifyRequest;
  readonly #place: UploadPlace;
  readonly #rules: FormRules;
  #stopped: HttpFailure | undefined;
  #file: Readable | undefined;
  #saving: Promise<void> | undefined;
  #upload: (Upload & { hash: string }) | undefined;
  #fieldBytes = 0;
  readonly #fields = new Map<string, string[]>();
  readonly #others: string[] = [];
  /** The form waits for us, not for its client. */
  busy = false;

  constructor(request: FastifyRequest, place: UploadPlace, rules: FormRules) {
    this.#request = request;
    this.#place = place;
    this.#rules = rules;
  }

  get hasFile(): boolean {
    return this.#upload !== undefined;
  }

  async run(): Promise<Form> {
    const { excelOnly, expectField, insteadOfFile } = this.#rules;
    const limits = { ...(expectField ? WITH_FIELDS : LIMITS), fileSize: this.#place.limits.maxFileBytes };
    for await (const part of this.#request.parts({ limits })) {
      if (part.type === "file") await this.#takeFile(part);
      else if (expectField) this.#takeField(part, expectField);
    }
    this.busy = true;
    if (this.#stopped) throw this.#stopped;
    if (this.#upload && excelOnly) await checkSignature(this.#upload.path, this.#upload.fileName);
    const isComplete = this.#upload !== undefined || (insteadOfFile !== undefined && this.#fields.has(insteadOfFile));
    if (!isComplete) throw noFile();
    return { upload: this.#upload, fields: this.#fields };
  }

  async #takeFile(part: MultipartFile): Promise<void> {
    const { folder, room, limits } = this.#place;
    const { maxFileBytes } = limits;
    const { client, excelOnly, admit } = this.#rules;
    if (this.#upload || part.fieldname !== "file" || !part.filename) {
      if (part.filename) this.#others.push(displayName(part.filename));
      part.file.resume();
      return;
    }
    const fileName = displayName(part.filename);
    if (excelOnly && !/\.(?:xlsx|xlsm|xls)$/i.test(fileName)) throw new HttpFailure(400, NOT_EXCEL);
    this.busy = true;
    await admit(fileName, this.#fields);
    this.busy = false;
    if (this.#stopped) throw this.#stopped;
    const share = room.enter(Number(this.#request.headers["content-length"]), client);
    const path = join(folder, randomUUID());
    const hash = createHash("sha256");
    this.#upload = { path, fileName, others: this.#others, hash: "", [Symbol.asyncDispose]: () => remove(path, share) };
    this.#file = part.file;
    this.#saving = save(part.file, path, share, hash, maxFileBytes);
    await this.#saving;
    this.#upload.hash = hash.digest("hex");
  }

  #takeField(
    { fieldname, value, valueTruncated, fieldnameTruncated }: MultipartValue,
    expect: (name: string) => void,
  ): void {
    expect(fieldname);
    const text = String(value);
    this.#fieldBytes += Buffer.byteLength(text);
    if (valueTruncated || fieldnameTruncated || this.#fieldBytes > FORM_BYTES)
      throw new HttpFailure(400, `The field ${JSON.stringify(fieldname)} is too long.`, {}, "bad_field");
    const texts = this.#fields.get(fieldname);
    if (texts) texts.push(text);
    else this.#fields.set(fieldname, [text]);
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
 * Resolves when the client has sent all of its request or has gone; one that takes too long is cut
 * off. A server that closes while its client still sends makes the client's system throw the answer
 * away, so an early answer waits for this.
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

async function save(
  file: MultipartFile["file"],
  path: string,
  share: Share,
  hash: Hash,
  maxFileBytes: number,
): Promise<void> {
  file.once("limit", () => file.destroy(tooLarge(maxFileBytes)));
  // A file that came in one piece may have passed its limit before the listener was added.
  if (file.truncated) file.destroy(tooLarge(maxFileBytes));
  const counted = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      share.take(piece.length);
      hash.update(piece);
      yield piece;
    }
  };
  await pipeline(file, counted, createWriteStream(path, { flags: "wx", mode: 0o600 }));
}

/**
 * Every workbook is a zip archive or an OLE container; anything else in Excel's clothes is turned
 * away by its first bytes. One thing goes through: a table as text that is called .xls, which many
 * programs write and Excel opens.
 */
async function checkSignature(path: string, fileName: string): Promise<void> {
  await using handle = await open(path);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  const head = buffer.subarray(0, bytesRead).toString("hex");
  if (head.startsWith("504b") || head === "d0cf11e0a1b11ae1") return;
  if (!/\.xls$/i.test(fileName) || !(await isTextTable(path))) throw new HttpFailure(400, NOT_EXCEL);
}

async function isTextTable(path: string): Promise<boolean> {
  try {
    await using workbook = await openWorkbook(path, { formats: "streaming" });
    return isText(workbook);
  } catch (error) {
    if (error instanceof SheetError) return false;
    throw error;
  }
}

/** The form parser's error, in our words. */
function formFailure(error: unknown, hasFile: boolean): unknown {
  const code = (error as { code?: unknown }).code;
  if (error instanceof HttpFailure || !(error instanceof Error)) return error;
  if (code === "FST_FILES_LIMIT" || code === "FST_PARTS_LIMIT" || code === "FST_FIELDS_LIMIT") {
    return new HttpFailure(400, "The form has too many parts. Expected: one file in the field `file`.");
  }
  if (code === "FST_PROTO_VIOLATION") {
    return new HttpFailure(
      400,
      "A field of the form has a name that every object has. Leave it out.",
      {},
      "unknown_field",
    );
  }
  // A file system's failure is ours; all others come from the form.
  if (typeof code === "string" && !code.startsWith("FST_") && !code.startsWith("ERR_STREAM")) return error;
  return hasFile ? new HttpFailure(400, "The upload broke off before its end. Send the file again.") : noFile();
}

function noFile(): HttpFailure {
  return new HttpFailure(400, NO_FILE);
}

function tooLarge(maxFileBytes: number): HttpFailure {
  const size = maxFileBytes >= 1024 * 1024 ? `${Math.floor(maxFileBytes / 1024 / 1024)} MiB` : `${maxFileBytes} bytes`;
  return new HttpFailure(413, `The file is too large: at most ${size} are allowed.`);
}

function tooSlow(seconds: number): HttpFailure {
  return late(`The upload was not complete after ${seconds} s, and was given up. Send it over a faster connection.`);
}

function dripping(rate: number): HttpFailure {
  return late(
    `Fewer than ${rate} bytes a second came, so the upload was given up. Send the file over a faster connection.`,
  );
}

function silent(seconds: number): HttpFailure {
  return late(`Nothing came for ${seconds} s, so the upload was given up. Send the file again.`);
}

function late(message: string): HttpFailure {
  return new HttpFailure(408, message, { connection: "close" }, "upload_too_slow");
}

/**
 * The name of a file as it is shown: without folders and control characters, and no longer than a
 * name on a disk can be. Browsers escape three characters as `%22`, `%0D` and `%0A` (HTML standard,
 * "multipart/form-data encoding algorithm").
 */
function displayName(sent: string): string {
  const name = sent.replaceAll(/%(22|0D|0A)/g, (escaped) => unescape(escaped));
  const bare = name.replace(/^.*[\\/]/s, "").replaceAll(/\p{Cc}/gu, "\uFFFD");
  return bare.length <= 255 ? bare : bare.slice(0, 200) + "…" + bare.slice(-50);
}
