// The callers that the server answers, checked before a body is read. The defaults are for a
// program on the user's machine. Pages of other sites cannot post to it (Origin, Sec-Fetch-Site).
// They cannot reach it through another name that points here either (Host).
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { HttpFailure } from "./failure.ts";

/** The callers that are allowed. */
export interface GuardOptions {
  /**
   * The address on which the server listens. On a loopback address it answers to loopback names
   * only, and to those of `origins`.
   */
  readonly host: string;
  /** Asked of every request that changes something, as `Authorization: Bearer …`. */
  readonly token: string | undefined;
  /**
   * Origins besides the server's own whose pages may post, e.g. `https://import.example.com` in
   * front of it.
   */
  readonly origins: readonly string[];
  /** The header in which the operator's proxy names the user; asked for wherever the token is. */
  readonly userHeader?: string | undefined;
}

/**
 * A check of one request. `isPrivate`: it may read what was imported, so it is checked as one that
 * changes something.
 */
export type Guard = (method: string, headers: IncomingHttpHeaders, isPrivate?: boolean) => void;

/**
 * The headers of every answer. The page runs its own script and style only, and talks to this
 * server only.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** The headers that decide who calls, from where, and for what. */
const ONCE: readonly string[] = [
  "authorization",
  "content-type",
  "host",
  "idempotency-key",
  "last-event-id",
  "origin",
  "sec-fetch-site",
];

/**
 * Refuses a request that a proxy in front of the server may read in another way than the server
 * does. (Node refuses two lengths, and a length beside a transfer coding.)
 *
 * @param userHeader the header in which the proxy names the user
 * @throws HttpFailure 400 if a header comes twice that may come once, or the address is not a path
 */
export function expectUnambiguous(
  { url = "", rawHeaders }: Pick<IncomingMessage, "url" | "rawHeaders">,
  userHeader?: string,
): void {
  if (!url.startsWith("/"))
    throw new HttpFailure(400, "The address in the first line of the request must begin with a slash.");
  const names = rawHeaders.filter((_, n) => n % 2 === 0).map((name) => name.toLowerCase());
  const once = userHeader === undefined ? ONCE : [...ONCE, userHeader.toLowerCase()];
  const twice = once.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined) throw new HttpFailure(400, `The header ${twice} comes more than once: send it once.`);
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * @returns a check of one request.
 * @throws HttpFailure (from the check) 401 without the token, 403 from where nobody may call
 */
export function createGuard(options: GuardOptions): Guard {
  const origins = new Set(options.origins.map((origin) => new URL(origin).origin));
  const hosts = new Set([...origins].map((origin) => new URL(origin).hostname));
  const loopbackOnly = isLoopback(options.host);
  const token = options.token === undefined ? undefined : digest(options.token);

  const userHeader = options.userHeader?.toLowerCase();

  return (method, headers, isPrivate = false) => {
    const name = hostName(headers.host);
    if (loopbackOnly && !(name !== undefined && (isLoopback(name) || hosts.has(name)))) {
      throw new HttpFailure(403, "This server answers to the names of its own machine only, such as localhost.");
    }
    if (SAFE_METHODS.has(method) && !isPrivate) return;
    if (!fromHere(headers, origins)) throw new HttpFailure(403, "Uploads from pages of other sites are not allowed.");
    if (token && !timingSafeEqual(token, digest(bearer(headers.authorization)))) {
      throw new HttpFailure(401, "A token is needed: Authorization: Bearer …", { "www-authenticate": "Bearer" });
    }
    if (userHeader !== undefined && (headers[userHeader] ?? "") === "")
      throw new HttpFailure(401, "This server is for users who have signed in at the proxy in front of it.");
  };
}

/** `localhost`, names below it, and the addresses that never leave the machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/.test(name);
}

/**
 * Programs other than browsers send neither header, and no page can make a browser leave both out.
 */
function fromHere(headers: IncomingHttpHeaders, origins: ReadonlySet<string>): boolean {
  const { origin } = headers;
  const site = headers["sec-fetch-site"];
  if (origin !== undefined && origins.has(origin)) return true;
  if (site !== undefined) return site === "same-origin" || site === "none";
  if (origin === undefined) return true;
  return URL.canParse(origin) && headers.host !== undefined && new URL(origin).host === headers.host.toLowerCase();
}

function hostName(host: string | undefined): string | undefined {
  const url = `http://${host ?? ""}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

function bearer(authorization: string | undefined): string {
  return /^bearer +(.*)$/i.exec(authorization ?? "")?.[1] ?? "";
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
