// Commands with each option and each place of the database, and what is written while a lock is
// waited for.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Assumption } from "../options.ts";
import { DEFAULT_FOLDER } from "../database/open.ts";
import { asTyped, importCommandFor, leftAside, placeOf, readAs, rejectsCommand, rejectsOfDryRun, resumeCommand, sayWaits, serverAddress, showCommand } from "./common.ts"; // prettier-ignore

beforeEach(() => vi.stubEnv("DATABASE_URL", ""));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const RULES = { map: new Map<string, string>(), type: new Map<string, string>(), onConflict: "error", empty: "null" } as const; // prettier-ignore

test("where a command leads", () => {
  const addresses = [undefined, "postgres://h/d", "postgres://ada@h/d", "postgres://ada:x@h/d", "postgres://ada:p%40%3A@h:5433/d?a=b", "postgresql://:x@h/d", "not an address", "", "postgres://h/d e"]; // prettier-ignore
  const of = (): unknown => addresses.map((to) => [to, placeOf({ ...(to === undefined ? {} : { to }), data: "my data" }), placeOf({ ...(to === undefined ? {} : { to }), data: DEFAULT_FOLDER })]); // prettier-ignore
  expect(of()).toMatchSnapshot("without DATABASE_URL");
  vi.stubEnv("DATABASE_URL", "postgres://env/d");
  expect([of(), serverAddress({}), serverAddress({ to: "t" })]).toMatchSnapshot("with DATABASE_URL");
});

test("each command", () => {
  const here = { data: DEFAULT_FOLDER };
  const there = { data: "d's" };
  expect([
    showCommand("i1", here), showCommand("i1", there), rejectsCommand("i1", here), rejectsCommand("i1", there, "F.csv"), rejectsOfDryRun(), rejectsOfDryRun("F.csv"), resumeCommand("a b.csv", "i1", here), resumeCommand("a.csv", "i1", { ...there, rawRejects: false, maxErrors: 5 }),
    importCommandFor("a.csv", "t", { ...RULES, ...here }), importCommandFor("-a.csv", "s.t u", { ...RULES, ...there, onConflict: "skip", empty: "keep", key: [] }), leftAside("a\nb.csv", "it is\u001b[31m bad"),
  ]).toMatchSnapshot("as it is shown"); // prettier-ignore
  const texts = [
    "sluice imports k3m9x2w7qa", "sluice imports short", "sluice imports delete k3m9x2w7qa --force --yes", "sluice imports k3m9x2w7qa --rejects x", "sluice imports cancel k3m9x2w7qa.", "sluice imports", "sluice preview x and sluice import y", "nothing",
  ]; // prettier-ignore
  expect(texts.map((text) => [asTyped(text, here), asTyped(text, there)])).toMatchSnapshot("as it is typed");
});

test("how a file was read is stated for its repaired rows, but for what was stated already", () => {
  const assumptions: Assumption[] = [
    { about: "types", said: "x", option: "--type", values: ["z=text"] },
    { about: "notations", said: "x", option: "--type", values: ["a=numeric(1.234,56)", "b=date(DD.MM.YYYY)", "c=x=y"] },
    { about: "marks", said: "x", option: "--null", values: ["a=n/a", "b=-", "c=a=b", "d="] },
    { about: "notations", said: "x", option: "--type" },
  ];
  const of = (more: object, from = assumptions): unknown => {
    const { type, null: nulls } = readAs({ ...RULES, ...more }, from);
    return [[...type], nulls];
  };
  expect([
    of({}), of({ type: new Map([["b", "date"], ["y", "text"]]) }), of({ null: ["-"] }), of({ null: ["a=b", "x"] }), of({ schema: "s.ts", type: new Map([["b", "date"]]) }), of({ schema: "s.ts", null: ["-"] }), of({}, []),
  ]).toMatchSnapshot(); // prettier-ignore
});

test("what is written while a lock is waited for", () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
  sayWaits([]);
  const holder = { pid: 7, application: "psql", user: "ada", state: "active", since: "12:00" };
  sayWaits([
    { on: 'the table "t"', holders: [holder] },
    { on: "a\nb", holders: [{ ...holder, pid: 0 }, { ...holder, application: "", user: null }, { ...holder, application: "", user: null, state: null }] },
  ]); // prettier-ignore
  expect(written).toMatchSnapshot();
});
