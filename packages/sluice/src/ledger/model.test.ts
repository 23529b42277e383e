// The protocol of the ledger, checked in every order in which its steps can come; see
// test/protocol.ts and test/command.ts for what it says.
import { describe, expect, test } from "vitest";
import { check } from "./test/checker.ts";
import {
  COMMAND,
  COMMAND_PROPERTIES,
  commandModel,
  type Command,
  type CommandProperty,
  type CommandSize,
} from "./test/command.ts";
import { ledgerModel, PROPERTIES, PROTOCOL, type Property, type Protocol, type Size } from "./test/protocol.ts";

const SMALL: Size = { processes: 2, chunks: 1, steps: 1, loaders: 1, unique: false };

describe("nothing goes wrong, and from everywhere one process alone comes to the end", () => {
  test.each<Size>([
    { processes: 3, chunks: 3, steps: 1, loaders: 1, unique: false },
    { processes: 3, chunks: 2, steps: 1, loaders: 1, unique: true },
    { processes: 2, chunks: 3, steps: 1, loaders: 2, unique: true },
    { processes: 2, chunks: 2, steps: 2, loaders: 1, unique: false },
  ])("with %o", (size) => {
    const { states, steps, counterexample } = check(ledgerModel(size));
    console.log(`${JSON.stringify(size)}: ${states.toLocaleString("en")} states, ${steps.toLocaleString("en")} steps`);
    expect(counterexample).toBeUndefined();
    expect(states).toBeGreaterThan(1000);
  });
});

describe("each part of the protocol is needed: without it the checker finds what goes wrong", () => {
  test.each<[without: string, change: Partial<Protocol>, size: Partial<Size>, property: Property | "stuck"]>([
    ["a fence", { fence: "none" }, {}, "overtaken"],
    ["a fence, after the import was cancelled", { fence: "none" }, {}, "ended"],
    ["a fence in the same transaction as the rows", { fence: "before" }, {}, "overtaken"],
    ["an epoch: the lease alone decides", { fence: "lease" }, {}, "overtaken"],
    ["a new epoch for each claim", { bump: false }, {}, "overtaken"],
    ["one transaction for rows and record", { atomic: false }, {}, "twice"],
    ["one transaction for rows and counters", { atomic: false }, {}, "counters"],
    ["refusing what is recorded already", { once: false }, {}, "twice"],
    ["a fence around the lease", { fencedLease: false }, {}, "overtaken"],
    ["counting before it is finished", { countedEnd: false }, {}, "missing"],
    [
      "ending older sessions, where one that is stopped holds what others wait for",
      { terminate: false },
      { unique: true },
      "stuck",
    ],
  ])("without %s", (_, change, size, property) => {
    const properties = property === "stuck" ? [] : [property];
    const model = ledgerModel({ ...SMALL, ...size }, { ...PROTOCOL, ...change }, properties);
    const { counterexample } = check(model);
    expect(counterexample?.wrong).toBe(
      property === "stuck" ? "from here it cannot come to an end" : PROPERTIES[property],
    );
    expect(counterexample?.trace).toMatchSnapshot();
  });
});

describe("the same command puts the rows in once, however often it is given, by whom, and where it was cut off", () => {
  test.each<CommandSize>([
    { processes: 3, forgets: false },
    { processes: 3, forgets: true },
  ])("with %o", (size) => {
    const { states, steps, counterexample } = check(commandModel(size));
    console.log(`${JSON.stringify(size)}: ${states.toLocaleString("en")} states, ${steps.toLocaleString("en")} steps`);
    expect(counterexample).toBeUndefined();
    expect(states).toBeGreaterThan(1000);
  });
});

describe("each part of how an import begins and ends is needed: without it the checker finds what goes wrong", () => {
  test.each<[without: string, change: Partial<Command>, size: Partial<CommandSize>, property: CommandProperty]>([
    ["a second look when it begins", { guard: "none" }, {}, "twice"],
    ["a look past leases that are over", { guard: "lease" }, {}, "twice"],
    ["a look at finished imports", { guard: "unfinished" }, {}, "twice"],
    ["a look in the transaction that begins", { guard: "before" }, {}, "twice"],
    ["a mark from before the look", { markFirst: false }, {}, "twice"],
    ["refusing what is finished", { refused: false }, {}, "twice"],
    ["counting before it is finished", { count: "after" }, { forgets: true }, "missing"],
    ["a fence around its end", { fencedEnd: false }, {}, "stale"],
  ])("without %s", (_, change, size, property) => {
    const model = commandModel({ processes: 2, forgets: false, ...size }, { ...COMMAND, ...change }, [property]);
    const { counterexample } = check(model);
    expect(counterexample?.wrong).toBe(COMMAND_PROPERTIES[property]);
    expect(counterexample?.trace).toMatchSnapshot();
  });
});
