import { expect, test } from "vitest";
import type { HttpFailure } from "./failure.ts";
import { createGuard, isLoopback, type GuardOptions } from "./guard.ts";

const status = (options: Partial<GuardOptions>, method: string, headers: Record<string, string>): number => {
  try {
    createGuard({ host: "127.0.0.1", token: undefined, origins: [], ...options })(method, headers);
    return 200;
  } catch (error) {
    return (error as HttpFailure).status;
  }
};
const host = "localhost:8080";

test.each([
  ["localhost", true],
  ["LOCALHOST", true],
  ["app.localhost", true],
  ["127.0.0.1", true],
  ["127.8.9.1", true],
  ["::1", true],
  ["[::1]", true],
  ["0.0.0.0", false],
  ["127.0.0.1.evil.example", false],
  ["localhost.evil.example", false],
  ["notlocalhost", false],
])("isLoopback(%j) is %j", (name, expected) => {
  expect(isLoopback(name)).toBe(expected);
});

test.each([
  ["a program without browser headers", { host }, 200],
  ["the page itself", { host, origin: "http://localhost:8080", "sec-fetch-site": "same-origin" }, 200],
  ["the page in a browser without Sec-Fetch-Site", { host, origin: "http://localhost:8080" }, 200],
  ["another site's form", { host, origin: "https://evil.example", "sec-fetch-site": "cross-site" }, 403],
  ["another site in an old browser", { host, origin: "https://evil.example" }, 403],
  ["another port of this machine", { host, origin: "http://localhost:9999", "sec-fetch-site": "same-site" }, 403],
  ["a page without an origin", { host, origin: "null" }, 403],
  ["a name of another site that points here", { host: "evil.example:8080", origin: "http://evil.example:8080" }, 403],
  ["no host at all", {}, 403],
])("a POST by %s", (_, headers, expected) => {
  expect(status({}, "POST", headers)).toBe(expected);
});

test("on an address that others can reach, every host name counts", () => {
  expect(status({ host: "0.0.0.0" }, "POST", { host: "importer.internal:8080" })).toBe(200);
  expect(status({ host: "0.0.0.0" }, "POST", { host: "importer.internal", origin: "https://evil.example" })).toBe(403);
});

test("an origin that is allowed may post, and its host name is answered to", () => {
  const origins = ["https://import.example.com"];
  const headers = { origin: "https://import.example.com", "sec-fetch-site": "cross-site" };
  expect(status({ origins }, "POST", { host: "import.example.com", ...headers })).toBe(200);
  expect(status({ origins }, "POST", { host, ...headers })).toBe(200);
  expect(status({ origins }, "POST", { host: "other.example.com", ...headers })).toBe(403);
});

test("a token is asked of what changes something, and of nothing else", () => {
  const token = "s3cret";
  expect(status({ token }, "GET", { host })).toBe(200);
  expect(status({ token }, "POST", { host })).toBe(401);
  expect(status({ token }, "POST", { host, authorization: "Bearer wrong" })).toBe(401);
  expect(status({ token }, "POST", { host, authorization: "s3cret" })).toBe(401);
  expect(status({ token }, "POST", { host, authorization: "Bearer s3cret" })).toBe(200);
  expect(status({ token }, "POST", { host, authorization: "bearer s3cret" })).toBe(200);
});
