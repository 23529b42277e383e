// A small S3 for tests: one bucket in memory, over HTTP. It asks for a signature of the right key
// and scope, and does not verify it: that is the SDK's business. It compares the SHA-256 that comes
// with a file, as S3 does.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const KEY = "AKIATESTTESTTEST";
export const SECRET = "secret-of-the-store";

export interface S3Server extends AsyncDisposable {
  readonly url: string;
  readonly objects: Map<string, Buffer>;
  /** Variables of the environment with which the SDK finds it. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on it answers 503. */
  fail(failing: boolean): void;
}

/** Starts a server with the bucket `files`. */
export async function startS3(): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  let failing = false;
  const server = createServer((request, response) => {
    void answer(request, response, objects, failing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    objects,
    env: {
      AWS_ENDPOINT_URL_S3: url,
      AWS_ACCESS_KEY_ID: KEY,
      AWS_SECRET_ACCESS_KEY: SECRET,
      AWS_REGION: "eu-test-1",
      AWS_MAX_ATTEMPTS: "1",
    },
    fail: (now) => (failing = now),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  objects: Map<string, Buffer>,
  failing: boolean,
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://s3");
  const refuse = (status: number, code: string): void =>
    void response
      .writeHead(status, { "content-type": "application/xml" })
      .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  if (failing) return refuse(503, "SlowDown");
  const signed = new RegExp(
    `^AWS4-HMAC-SHA256 Credential=${KEY}/\\d{8}/eu-test-1/s3/aws4_request, SignedHeaders=.*, Signature=[0-9a-f]{64}$`,
  );
  if (!signed.test(request.headers.authorization ?? "")) return refuse(403, "InvalidAccessKeyId");
  const [, bucket, ...rest] = pathname.split("/");
  const key = decodeURIComponent(rest.join("/"));
  if (bucket !== "files") return refuse(404, "NoSuchBucket");
  if (request.method === "PUT") {
    const stated = request.headers["x-amz-checksum-sha256"];
    if (stated !== createHash("sha256").update(body).digest("base64")) return refuse(400, "BadDigest");
    objects.set(key, body);
    return void response.writeHead(200).end();
  }
  if (request.method === "DELETE") {
    objects.delete(key);
    return void response.writeHead(204).end();
  }
  if (key === "" && request.method === "HEAD") return void response.writeHead(200).end();
  if (searchParams.get("list-type") === "2") {
    const prefix = searchParams.get("prefix") ?? "";
    const found = [...objects.keys()].filter((one) => one.startsWith(prefix));
    const items = found.map(
      (one) => `<Contents><Key>${one}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>`,
    );
    return void response
      .writeHead(200, { "content-type": "application/xml" })
      .end(
        `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>${items.join("")}</ListBucketResult>`,
      );
  }
  const object = objects.get(key);
  return object ? void response.writeHead(200).end(object) : refuse(404, "NoSuchKey");
}
