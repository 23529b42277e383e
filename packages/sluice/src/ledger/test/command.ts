// The same command, by several processes, as often as it takes: how an import begins and how it
// ends, as a model that can be checked exhaustively. (How its rows go in, in chunks and over
// connections that break, is in protocol.ts; here it is one commit.)
//
// A process takes the mark of the imports that the ledger has of its file, and then looks at them.
// It goes on with an unfinished one, is told the result of a finished one, or prepares the table
// and begins. The begin is one message, which does nothing if the mark is another one by then. When
// the rows are in, the import is settled and the answer is given. Each of these may be the last
// thing that a process does, each message may be done and its answer lost, and what a dead process
// has sent may be done much later. Processes pause for as long as they like, which is that others
// take their turns; a lease may run out at any time.
import type { Model, Step } from "./checker.ts";

/** Parts of the protocol, each of which can be taken out, to see what it is for. */
export interface Command {
  /**
   * What a begin demands, in its own transaction: that the mark is the same; that no other process
   * is at work, by its lease; that no import is unfinished; nothing. `before`: the mark, in a
   * statement of its own before.
   */
  readonly guard: "mark" | "lease" | "unfinished" | "before" | "none";
  /** The mark is taken before the look, not after it. */
  readonly markFirst: boolean;
  /** A finished import is told of, not done once more. */
  readonly refused: boolean;
  /** The rows are counted in the statement that settles, not after it. */
  readonly count: "settle" | "after";
  /** Settling demands the epoch. */
  readonly fencedEnd: boolean;
}

export const COMMAND: Command = {
  guard: "mark",
  markFirst: true,
  refused: true,
  count: "settle",
  fencedEnd: true,
};

export interface CommandSize {
  readonly processes: number;
  /**
   * The server may lose the last commits before the import is settled, which is durable
   * (synchronous_commit).
   */
  readonly forgets: boolean;
}

/** What must hold, in the words of a counterexample. */
export const COMMAND_PROPERTIES = {
  twice: "the rows are in the table twice",
  missing: "the import is finished and its rows are missing",
  answered: "the command has told a result, and the rows are not in the table once",
  stale: "a process that was overtaken ended the import",
} as const;

export type CommandProperty = keyof typeof COMMAND_PROPERTIES;

interface Import {
  readonly state: "running" | "finished";
  readonly leased: boolean;
  /** Which process holds its epoch; −1: that of a process which has died. */
  readonly holder: number;
  /** Its rows are in, and recorded. */
  readonly recorded: boolean;
}

type Process =
  | { readonly at: "off" | "started" }
  /** It has taken the mark, or looked without one. */
  | { readonly at: "marked"; readonly mark: string }
  | { readonly at: "unmarked" }
  | { readonly at: "looked" | "sent" | "checked"; readonly mark: string }
  | { readonly at: "found" | "working" | "loaded" | "settled"; readonly import: number }
  /** It knows the result, of this import or of an earlier one. */
  | { readonly at: "knows" };

interface State {
  readonly imports: readonly Import[];
  /** How often the rows are in the table. */
  readonly rows: number;
  readonly processes: readonly Process[];
  /** A begin on its way whose process is dead. */
  readonly orphan: string | undefined;
  /** The first process has told its result: it is relied on, alone, whatever the others do. */
  readonly told: boolean;
}

interface CommandStep extends Step<State> {
  /** The rows or an import's end were changed by one who does not hold its epoch. */
  readonly stale?: boolean;
  /** A result is told by it. */
  readonly tells?: boolean;
}

const OFF: Process = { at: "off" };

/** The command at a size, held against the given properties. */
export function commandModel(
  size: CommandSize,
  command: Command = COMMAND,
  properties: readonly CommandProperty[] = Object.keys(COMMAND_PROPERTIES) as CommandProperty[],
): Model<State> {
  return {
    first: {
      imports: [],
      rows: 0,
      processes: Array.from({ length: size.processes }, () => OFF),
      orphan: undefined,
      told: false,
    },
    key,
    isDone: ({ told }) => told,
    *steps(state) {
      for (const [i, one] of state.imports.entries()) {
        if (one.leased) {
          const to = withImport(state, i, { leased: false });
          yield { what: `the lease of import ${i} runs out`, to, reliable: true };
        }
        if (size.forgets && one.recorded && one.state === "running") {
          const to = { ...withImport(state, i, { recorded: false }), rows: state.rows - 1 };
          yield { what: `the server restarts without the last commits of import ${i}`, to, reliable: false };
        }
      }
      if (state.orphan !== undefined) {
        const gone = { ...state, orphan: undefined };
        yield { what: "a begin on its way is lost", to: gone, reliable: true };
        const to = begun(gone, -1, state.orphan, command);
        if (to) yield { what: "a begin on its way arrives, and its process is dead", to, reliable: true };
      }
      for (const n of state.processes.keys()) yield* processSteps(state, n, command);
    },
    wrong: (_, step) => {
      const found = properties.find((property) => broken[property](step as CommandStep));
      return found && COMMAND_PROPERTIES[found];
    },
  };
}

const broken: Record<CommandProperty, (step: CommandStep) => boolean> = {
  twice: ({ to }) => to.rows > 1,
  missing: ({ to }) => to.imports.some(({ state, recorded }) => state === "finished" && !recorded),
  answered: ({ to, tells }) => tells === true && to.rows !== 1,
  stale: ({ stale }) => stale === true,
};

/** Processes but the first are alike. */
function key({ imports, rows, processes, orphan, told }: State): string {
  const [first, ...others] = processes.map((process, n) => {
    const { at, mark, import: i } = process as { at: string; mark?: string; import?: number };
    return [at, mark, i, imports.map(({ holder }) => Number(holder === n)).join("")].join();
  });
  const ledger = imports.map((one) => [one.state, one.leased, one.holder < 0, one.recorded].join()).join(";");
  return [ledger, rows, orphan, told, first, ...others.sort()].join("|");
}

function markOf({ imports }: State): string {
  return imports.map(({ state }) => state.charAt(0)).join("");
}

function withImport(state: State, i: number, change: Partial<Import>): State {
  return { ...state, imports: state.imports.with(i, { ...state.imports[i]!, ...change }) };
}

function withProcess(state: State, n: number, process: Process): State {
  return { ...state, processes: state.processes.with(n, process) };
}

/**
 * The database takes a begin: the state with one import more, or undefined if the guard refuses it.
 */
function begun(state: State, holder: number, mark: string, { guard }: Command): State | undefined {
  const { imports } = state;
  const refused =
    guard === "mark"
      ? markOf(state) !== mark
      : guard === "lease"
        ? imports.some((one) => one.state === "running" && one.leased && one.holder !== holder)
        : guard === "unfinished" && imports.some((one) => one.state === "running");
  if (refused) return undefined;
  return { ...state, imports: [...imports, { state: "running", leased: true, holder, recorded: false }] };
}

function* processSteps(state: State, n: number, command: Command): Generator<CommandStep> {
  const process = state.processes[n]!;
  const step = (what: string, to: State, more: Partial<CommandStep> = {}): CommandStep => ({
    what: `process ${n} ${what}`,
    to,
    reliable: n === 0,
    ...more,
  });
  const become = (next: Process, from: State = state): State => withProcess(from, n, next);
  const tells = (what: string): CommandStep =>
    step(what, { ...become(OFF), told: state.told || n === 0 }, { tells: true });

  if (process.at === "off") {
    yield step("starts", become({ at: "started" }));
    return;
  }
  yield* deaths(state, n, step);

  switch (process.at) {
    case "started":
      if (command.markFirst) yield step("takes the mark", become({ at: "marked", mark: markOf(state) }));
      else yield look(state, command, become, step, undefined);
      return;
    case "marked":
      yield look(state, command, become, step, process.mark);
      return;
    case "unmarked":
      yield step("takes the mark", become({ at: "looked", mark: markOf(state) }));
      return;
    case "looked":
      if (command.guard !== "before") {
        yield step("sends its begin", become({ ...process, at: "sent" }));
      } else {
        const same = markOf(state) === process.mark;
        yield step("compares the mark", become(same ? { ...process, at: "checked" } : { at: "started" }));
      }
      return;
    case "sent":
    case "checked": {
      const to = begun(state, n, process.mark, command);
      if (!to) {
        yield step("finds its begin refused, and looks again", become({ at: "started" }));
        return;
      }
      yield step("begins", become({ at: "working", import: state.imports.length }, to));
      yield step("begins, and loses the answer", become(OFF, dead(to, n)));
      return;
    }
    case "found": {
      const { state: is, leased } = state.imports[process.import]!;
      if (is === "finished") yield step("finds it finished, and looks again", become({ at: "started" }));
      else if (leased) yield step("is told that it is being imported right now, and ends", become(OFF));
      else {
        const claimed = withImport(state, process.import, { leased: true, holder: n });
        yield step("claims it", become({ at: "working", import: process.import }, claimed));
      }
      return;
    }
    case "working": {
      const mine = state.imports[process.import]!;
      const loaded = become({ at: "loaded", import: process.import });
      if (mine.recorded) yield step("finds the rows in", loaded);
      else if (mine.holder !== n || mine.state !== "running")
        yield step("is told that it was overtaken, and ends", become(OFF));
      else {
        const done = withImport({ ...loaded, rows: state.rows + 1 }, process.import, { recorded: true });
        yield step("commits the rows", done);
      }
      return;
    }
    case "loaded":
      yield* settles(state, n, process.import, command, become, step);
      return;
    case "settled":
      if (command.count === "after" && !state.imports[process.import]!.recorded)
        yield step("counts, and fails", become(OFF));
      else yield tells("tells its result");
      return;
    case "knows":
      yield tells("tells the result of the import that had finished before");
  }
}

/** What a look at the ledger leads to. */
function look(
  state: State,
  { refused }: Command,
  become: (next: Process) => State,
  step: (what: string, to: State) => CommandStep,
  mark: string | undefined,
): CommandStep {
  const open = state.imports.findIndex((one) => one.state === "running");
  if (open >= 0) return step(`finds import ${open} unfinished`, become({ at: "found", import: open }));
  if (refused && state.imports.length > 0) return step("finds that it is finished", become({ at: "knows" }));
  return step("finds nothing", become(mark === undefined ? { at: "unmarked" } : { at: "looked", mark }));
}

function* settles(
  state: State,
  n: number,
  i: number,
  { count, fencedEnd }: Command,
  become: (next: Process, from?: State) => State,
  step: (what: string, to: State, more?: Partial<CommandStep>) => CommandStep,
): Generator<CommandStep> {
  const one = state.imports[i]!;
  const stale = one.holder !== n;
  if (stale && fencedEnd) {
    yield step("is told that it was overtaken, and ends", become(OFF));
  } else if (count === "settle" && !one.recorded) {
    const given = withImport(state, i, { leased: false });
    yield step("finds rows missing, and leaves the import for the next one", become(OFF, given));
  } else {
    const ended = withImport(state, i, { state: "finished", leased: false });
    const more = { stale: stale && one.state !== "finished" };
    yield step("settles the import", become({ at: "settled", import: i }, ended), more);
    // It settles once more then, which changes nothing.
    yield step("settles the import, and loses the answer", become({ at: "loaded", import: i }, ended), more);
  }
}

/**
 * Epochs that a process held are nobody's when it is dead: when it starts again, it is another one.
 */
function dead(state: State, n: number): State {
  const imports = state.imports.map((one) => (one.holder === n ? { ...one, holder: -1 } : one));
  return { ...state, imports };
}

/** kill -9, or a failure that ends it: what it has sent may be done all the same. */
function* deaths(state: State, n: number, step: (what: string, to: State) => CommandStep): Generator<CommandStep> {
  const process = state.processes[n]!;
  const to = withProcess(dead(state, n), n, OFF);
  yield step("is killed", to);
  if ((process.at === "sent" || process.at === "checked") && state.orphan === undefined)
    yield step("is killed, and its begin is on its way", { ...to, orphan: process.mark });
}
