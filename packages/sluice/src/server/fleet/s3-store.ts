// A store in a bucket of S3, or of anything that speaks its protocol. Region, endpoint and
// credentials come from where the AWS SDK finds them: the environment, its files, or the machine's
// role. They are never part of the address.
import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { SluiceError, usageError } from "../../errors.ts";
import { compare, missing, unreachable, type FileStore, type LocalFile, type StoredFile } from "./file-store.ts";

/**
 * The SDK's own remarks, which are not for the log of imports: what fails is said by whoever asked
 * for it.
 */
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/**
 * A store that is silent for so long is away. Without this a request waits for ever if the network
 * has parted, and its import with it. The SDK tries three times.
 */
const SILENT_MS = 15_000;
/** The most bytes that S3 takes in one request. */
const MAX_OBJECT_BYTES = 5 * 1024 ** 3;

export class S3Store implements FileStore {
  readonly place: string;
  readonly maxFileBytes: number = MAX_OBJECT_BYTES;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;

  /** @param place `s3://bucket` or `s3://bucket/prefix` */
  constructor(place: string) {
    const [, bucket, prefix = ""] = /^s3:\/\/([a-z\d][a-z\d.-]{1,61}[a-z\d])(?:\/([^?#]*))?$/.exec(place) ?? [];
    if (bucket === undefined)
      throw usageError(
        "file_store",
        "the address of the store cannot be read. Expected a folder, or s3://bucket/prefix. Keys are not part of it: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL_S3 have them.",
      );
    this.place = place;
    this.#bucket = bucket;
    this.#prefix = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
    const ownEndpoint = process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"];
    this.#client = new S3Client({
      logger: SILENT,
      requestHandler: { connectionTimeout: SILENT_MS, socketTimeout: SILENT_MS },
      // Servers other than Amazon's mostly have one name for all buckets, and ask for no region.
      ...(ownEndpoint ? { forcePathStyle: true, region: process.env["AWS_REGION"] ?? "us-east-1" } : {}),
      // A SHA-256 of ours goes with every file. Not every server knows the checksums that the SDK
      // adds by itself.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  }

  async start(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }));
    } catch (error) {
      const { name, message } = error as Error;
      throw new SluiceError("file_store", `files cannot be kept in ${this.place}: ${name}: ${message}`, {
        cause: error,
      });
    }
  }

  /** The checksum goes along, so a server that has received other bytes refuses them. */
  async keep(path: string, hash: string): Promise<string> {
    const name = randomUUID();
    try {
      await this.#client.send(
        new PutObjectCommand({
          ...this.#object(name),
          Body: createReadStream(path),
          ContentLength: (await stat(path)).size,
          ChecksumSHA256: Buffer.from(hash, "hex").toString("base64"),
        }),
      );
    } catch (error) {
      throw unreachable(error);
    }
    await rm(path, { force: true });
    return name;
  }

  /** Copies the object to this machine, because a workbook is read at any offset. */
  async take(name: string, hash: string, scratch: string): Promise<LocalFile> {
    const path = join(scratch, randomUUID());
    const copy = createWriteStream(path, { flags: "wx", mode: 0o600 });
    const written = finished(copy);
    written.catch(() => undefined);
    try {
      const { Body } = await this.#client.send(new GetObjectCommand(this.#object(name)));
      await compare(Body as Readable, hash, copy);
      copy.end();
      await written;
    } catch (error) {
      copy.destroy();
      await rm(path, { force: true });
      if (error instanceof SluiceError) throw error;
      throw (error as Error).name === "NoSuchKey" ? missing() : unreachable(error);
    }
    return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
  }

  async remove(name: string): Promise<void> {
    try {
      await this.#client.send(new DeleteObjectCommand(this.#object(name)));
    } catch (error) {
      throw unreachable(error);
    }
  }

  async *list(): AsyncGenerator<StoredFile> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: this.#prefix });
    for await (const { Contents = [] } of pages)
      for (const { Key = "", LastModified } of Contents) {
        const name = Key.slice(this.#prefix.length);
        if (LastModified && !name.includes("/")) yield { name, at: LastModified.getTime() };
      }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #object(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + name };
  }
}
