// The ledger's protocol as a model that can be checked exhaustively: what processes, connections
// and the database may do, in any order, each step as small as it can be interrupted.
//
// A chunk is loaded in steps (one for COPY; one a commit for the methods that commit row by row). A
// step goes in as a transaction: its rows are written (`open`), then one message demands all of
// this at once: my epoch is the import's, this step is the next one of its chunk; then rows, record
// and counters become visible (`sent`, until the database has done it). Processes crash and come
// back, as often as they like. A pause (SIGSTOP) is that others take their turns meanwhile. A
// connection breaks with or without its message on the way; its session in the database may outlive
// the process (`orphan`). A lease may run out at any time.
//
// Epochs are numbers in the database. All that ever counts is whether a process's is the import's,
// so that is what the model holds, and it stays finite however often the import is claimed.
import type { Model, Step } from "./checker.ts";

/** Parts of the protocol, each of which can be taken out, to see what it is for. */
export interface Protocol {
  /**
   * What a commit demands: `epoch` as it is; asked in a statement of its own before; that anybody
   * holds the lease; nothing.
   */
  readonly fence: "epoch" | "before" | "lease" | "none";
  /** A claim raises the epoch. */
  readonly bump: boolean;
  /** Rows and their record commit together. */
  readonly atomic: boolean;
  /** A step that is recorded already is refused. */
  readonly once: boolean;
  /** Renewing and releasing a lease demand the epoch. */
  readonly fencedLease: boolean;
  /** A claim ends the sessions of older epochs, before it waits for anything. */
  readonly terminate: boolean;
  /** `finished` demands that every step is recorded. */
  readonly countedEnd: boolean;
}

export const PROTOCOL: Protocol = {
  fence: "epoch",
  bump: true,
  atomic: true,
  once: true,
  fencedLease: true,
  terminate: true,
  countedEnd: true,
};

export interface Size {
  readonly processes: number;
  readonly chunks: number;
  /** Commits that a chunk takes. */
  readonly steps: number;
  /** Chunks that a process loads at the same time. */
  readonly loaders: number;
  /**
   * The table has a unique index: what one session has written and not committed makes another one
   * wait.
   */
  readonly unique: boolean;
}

/** What must hold, in the words of a counterexample. */
export const PROPERTIES = {
  twice: "a row is in the table twice",
  missing: "the import is finished and a row is missing",
  counters: "the counters are not what is in the table",
  overtaken: "a process that was overtaken changed something",
  ended: "an import that had ended changed",
} as const;

export type Property = keyof typeof PROPERTIES;

/**
 * A transaction in the database, as far as it has come. `rows`: visible and not recorded, where
 * that is not atomic.
 */
interface Session {
  readonly at: "open" | "checked" | "sent" | "rows" | "lost";
  readonly chunk: number;
  readonly step: number;
}

interface Process {
  /** What it holds, against the import's: `none` is a process that does not run. */
  readonly epoch: "none" | "current" | "stale";
  /**
   * Another one has claimed the import since. The protocol does not know this: it is what the
   * properties go by.
   */
  readonly overtaken: boolean;
  /** Steps of each chunk that it knows to be in. */
  readonly known: readonly number[];
  /** In the order of their chunks. */
  readonly sessions: readonly Session[];
}

export interface State {
  /** `taken`: it had ended, and its rows were taken back. */
  readonly status: "running" | "finished" | "cancelled" | "taken";
  /**
   * Its process has given it up with a failure, and nobody has claimed it since: it takes no step
   * meanwhile.
   */
  readonly failed: boolean;
  readonly leased: boolean;
  /** Steps recorded, by chunk. */
  readonly recorded: readonly number[];
  /** How often each step's rows are in the table, by chunk and step. */
  readonly table: readonly (readonly number[])[];
  readonly counter: number;
  /**
   * A session whose process is gone or has given it up. One at a time: others are taken to have
   * died.
   */
  readonly orphan: (Session & Pick<Process, "epoch" | "overtaken">) | undefined;
  /** The first one is relied on: it can end the import alone, whatever the others do. */
  readonly processes: readonly Process[];
}

const OFF: Process = { epoch: "none", overtaken: false, known: [], sessions: [] };

/** The protocol at a size, held against the given properties. */
export function ledgerModel(
  size: Size,
  protocol: Protocol = PROTOCOL,
  properties: readonly Property[] = Object.keys(PROPERTIES) as Property[],
): Model<State, LedgerStep> {
  const chunks = [...Array(size.chunks).keys()];
  return {
    first: {
      status: "running",
      failed: false,
      leased: false,
      recorded: chunks.map(() => 0),
      table: chunks.map(() => Array<number>(size.steps).fill(0)),
      counter: 0,
      orphan: undefined,
      processes: Array.from({ length: size.processes }, () => OFF),
    },
    key,
    isDone: (state) => state.status !== "running",
    *steps(state) {
      if (state.leased) {
        const to = { ...state, leased: false };
        yield { what: "the lease runs out", to, reliable: true, act: { does: "expire" } };
      }
      if (state.status === "running") yield cancel(state);
      // Rows that commit one by one are not known by their transactions.
      else if (size.steps === 1 && rowsIn(state) > 0) yield takeBack(state);
      yield* orphanSteps(state, protocol);
      for (const n of state.processes.keys()) yield* processSteps(state, n, size, protocol);
    },
    wrong: (from, step) => {
      const found = properties.find((property) => broken[property](from, step as LedgerStep, size));
      return found && PROPERTIES[found];
    },
  };
}

/**
 * Who does what in a step, for a replay against a database. What comes of it, the state after it
 * says.
 */
export type Act =
  | { readonly does: "expire" | "cancel" | "take back" | "orphan rolls back" | "orphan commits" | "orphan is refused" }
  | { readonly does: ProcessDoes; readonly process: number; readonly chunk?: number | undefined };

export type ProcessDoes =
  | "claim"
  | "terminate"
  | "renew"
  | "stop"
  | "fail"
  | "finish"
  | "write"
  | "look"
  | "lose"
  | "abandon"
  | "check"
  | "send"
  | "commit"
  | "commit, answer lost"
  | "kill"
  | "kill, abandon";

export interface LedgerStep extends Step<State> {
  /** Whether the one who takes this step had been overtaken before. */
  readonly overtaken?: boolean;
  readonly act: Act;
}

const broken: Record<Property, (from: State, step: LedgerStep, size: Size) => boolean> = {
  twice: (_, { to }) => to.table.some((steps) => steps.some((times) => times > 1)),
  missing: (_, { to }) => to.status === "finished" && to.table.some((steps) => steps.includes(0)),
  counters: (_, { to }) => to.counter !== rowsIn(to),
  overtaken: (from, { to, overtaken }) => overtaken === true && changes(from, to),
  ended: (from, { to, act }) => from.status !== "running" && act.does !== "take back" && changes(from, to),
};

function rowsIn({ table }: State): number {
  return table.flat().reduce((sum, times) => sum + times, 0);
}

/** Whether anything that others can see differs. */
function changes(from: State, to: State): boolean {
  const leased = ({ status, leased }: State): boolean => status === "running" && leased;
  return (
    from.status !== to.status ||
    from.failed !== to.failed ||
    leased(from) !== leased(to) ||
    from.counter !== to.counter ||
    from.recorded !== to.recorded ||
    from.table !== to.table
  );
}

/** Chunks are alike, and so are the processes but the first: their order does not matter. */
function key({ status, failed, leased, recorded, table, counter, orphan, processes }: State): string {
  const [first, ...others] = processes as [Process, ...Process[]];
  const ordered = [first, ...others.sort((a, b) => rank(a) - rank(b))];
  const left = orphan && [orphan];
  const columns = recorded.map((steps, chunk) => {
    let column = `${steps}${table[chunk]!.join("")}${sessionKey(left, chunk)}`;
    for (const { known, sessions } of ordered) column += `${known[chunk] ?? ""}${sessionKey(sessions, chunk)}`;
    return column;
  });
  const whose = (one: Pick<Process, "epoch" | "overtaken">): string => one.epoch.charAt(0) + Number(one.overtaken);
  const rest = `${status.charAt(0)}${Number(failed)}${Number(leased)}${counter}${orphan ? whose(orphan) : ""}`;
  return `${rest},${ordered.map(whose).join("")},${columns.sort().join(",")}`;
}

/** Orders processes by what does not depend on the order of chunks. */
function rank({ epoch, overtaken, known, sessions }: Process): number {
  const number = { none: 0, current: 1, stale: 2 }[epoch];
  const steps = known.reduce((sum, n) => sum + n, 0);
  return sessions.reduce((sum, { at }) => sum * 8 + ORDER[at], (steps * 4 + number) * 2 + Number(overtaken));
}

const ORDER: Record<Session["at"], number> = { open: 1, checked: 2, sent: 3, rows: 4, lost: 5 };

function sessionKey(sessions: readonly Session[] | undefined, chunk: number): string {
  const session = sessions?.find((session) => session.chunk === chunk);
  return session ? session.at.charAt(0) + session.step : "-";
}

/** Somebody cancels: a claim that ends the import. */
function cancel(state: State): LedgerStep {
  const to: State = { ...overtake(state, -1, true), status: "cancelled", failed: false, leased: false };
  return { what: "the import is cancelled", to, reliable: false, act: { does: "cancel" } };
}

/** Somebody takes the rows of an import that has ended back, and notes that none is in. */
function takeBack(state: State): LedgerStep {
  const table = state.table.map((steps) => steps.map(() => 0));
  const to: State = { ...state, status: "taken", table, counter: 0 };
  return { what: "the rows are taken back", to, reliable: false, act: { does: "take back" } };
}

/** All but process `winner` have been overtaken; their epoch is old where a claim raises it. */
function overtake(state: State, winner: number, bump: boolean): State {
  const older = <T extends Pick<Process, "epoch" | "overtaken">>(one: T): T =>
    one.epoch === "none" ? one : { ...one, overtaken: true, epoch: bump ? "stale" : one.epoch };
  return {
    ...state,
    orphan: state.orphan && older(state.orphan),
    processes: state.processes.map((process, n) => (n === winner ? process : older(process))),
  };
}

/**
 * A session without a process: the database does what it was told, or finds out that nobody is
 * there.
 */
function* orphanSteps(state: State, protocol: Protocol): Generator<LedgerStep> {
  const { orphan } = state;
  if (!orphan) return;
  const gone = { ...state, orphan: undefined };
  const name = `the session left behind with chunk ${orphan.chunk}`;
  yield { what: `${name} is rolled back`, to: gone, reliable: true, act: { does: "orphan rolls back" } };
  if (orphan.at !== "sent") return;
  const done = execute(gone, orphan, orphan.epoch, protocol);
  const { overtaken } = orphan;
  const act: Act = { does: "orphan commits" };
  if (done.outcome === "ok") yield { what: `${name} commits`, to: done.state, reliable: true, overtaken, act };
  if (done.outcome === "fenced")
    yield { what: `${name} is refused`, to: gone, reliable: true, act: { does: "orphan is refused" } };
}

/** The database takes a commit message. */
function execute(
  state: State,
  { chunk, step, at }: Session,
  epoch: Process["epoch"],
  protocol: Protocol,
): { state: State; outcome: "ok" | "fenced" | "already" } {
  const passes =
    protocol.fence === "epoch"
      ? epoch === "current" && state.status === "running" && !state.failed
      : protocol.fence === "lease"
        ? state.leased
        : true;
  if (!passes) return { state, outcome: "fenced" };
  if (protocol.once && state.recorded[chunk] !== step) return { state, outcome: "already" };
  const visible = at === "rows" ? state : withRows(state, chunk, step);
  if (!protocol.atomic && at !== "rows") return { state: visible, outcome: "ok" };
  const recorded = state.recorded.with(chunk, Math.max(state.recorded[chunk]!, step + 1));
  return { state: { ...visible, recorded, counter: state.counter + 1 }, outcome: "ok" };
}

function withRows(state: State, chunk: number, step: number): State {
  const steps = state.table[chunk]!;
  return { ...state, table: state.table.with(chunk, steps.with(step, steps[step]! + 1)) };
}

type MakeStep = (does: ProcessDoes, what: string, to: State, chunk?: number) => LedgerStep;

function* processSteps(state: State, n: number, size: Size, protocol: Protocol): Generator<LedgerStep> {
  const process = state.processes[n]!;
  const { epoch, overtaken, known, sessions } = process;
  const name = `process ${n}`;
  const step: MakeStep = (does, what, to, chunk) => ({
    what: `${name} ${what}`,
    to,
    reliable: n === 0,
    overtaken,
    act: { does, process: n, chunk },
  });
  const become = (from: State, change: Partial<Process> | undefined): State => ({
    ...from,
    processes: from.processes.with(n, change === undefined ? OFF : { ...process, ...change }),
  });
  const isNewest = epoch === "current";

  if (epoch === "none") {
    if (state.status !== "running" || state.leased) return;
    const claimed = overtake(state, n, protocol.bump);
    // What is in is read behind the claim: nobody else can add to it any more.
    const mine: Process = { epoch: "current", overtaken: false, known: state.recorded, sessions: [] };
    yield step("claim", "claims the import", {
      ...claimed,
      failed: false,
      leased: true,
      processes: claimed.processes.with(n, mine),
    });
    return;
  }

  yield* crashes(state, process, size, step, become);

  if (isNewest && protocol.terminate) {
    const lost = (session: Session): Session => ({ ...session, at: "lost" });
    yield step("terminate", "ends the sessions of older epochs", {
      ...state,
      orphan: state.orphan?.epoch === "stale" ? undefined : state.orphan,
      processes: state.processes.map((other) =>
        other.epoch === "stale" ? { ...other, sessions: other.sessions.map(lost) } : other,
      ),
    });
  }

  if (sessions.length < size.loaders) {
    for (const [chunk, next] of known.entries()) {
      if (next === size.steps || sessions.some((session) => session.chunk === chunk)) continue;
      if (size.unique && isHeld(state, n, chunk)) continue;
      const opened: Session = { at: "open", chunk, step: next };
      const more = [...sessions, opened].sort((a, b) => a.chunk - b.chunk);
      yield step("write", `writes the rows of chunk ${chunk}`, become(state, { sessions: more }), chunk);
    }
  }

  for (const [i, session] of sessions.entries()) {
    const { at, chunk } = session;
    const others = sessions.toSpliced(i, 1);
    const now = (at: Session["at"]): Session[] => sessions.with(i, { ...session, at });
    const connection = `its connection with chunk ${chunk}`;
    if (at === "lost") {
      // It connects again and looks whether the import is still its own, and what is in.
      const found = { sessions: others, known: known.with(chunk, state.recorded[chunk]!) };
      yield step(
        "look",
        isNewest ? `sees how far chunk ${chunk} has come` : "learns that it was overtaken, and ends",
        become(state, isNewest ? found : undefined),
        chunk,
      );
      continue;
    }
    yield step("lose", `loses ${connection}`, become(state, { sessions: now("lost") }), chunk);
    if (!state.orphan && canMatter(session, size)) {
      const left = { ...session, epoch, overtaken };
      const to = { ...become(state, { sessions: now("lost") }), orphan: left };
      yield step("abandon", `loses ${connection}, and the database does not notice`, to, chunk);
    }
    if (at === "open" && protocol.fence === "before") {
      yield step(
        "check",
        isNewest ? `finds that its epoch is the import's` : "learns that it was overtaken, and ends",
        become(state, isNewest ? { sessions: now("checked") } : undefined),
      );
    } else if (at === "open" || at === "checked") {
      yield step("send", `sends the commit of chunk ${chunk}`, become(state, { sessions: now("sent") }), chunk);
    } else {
      const { state: after, outcome } = execute(state, session, epoch, protocol);
      if (outcome === "fenced") {
        yield step("commit", "is told that it was overtaken, and ends", become(after, undefined), chunk);
      } else if (outcome === "already") {
        const lost = become(after, { sessions: now("lost") });
        yield step("commit", `is told that this step of chunk ${chunk} is in`, lost, chunk);
      } else if (!protocol.atomic && at === "sent") {
        const half = become(after, { sessions: now("rows") });
        yield step("commit", `has the rows of chunk ${chunk} committed`, half, chunk);
      } else {
        const knows = { sessions: others, known: known.with(chunk, session.step + 1) };
        yield step("commit", `has chunk ${chunk} committed`, become(after, knows), chunk);
        const lost = become(after, { sessions: now("lost") });
        yield step("commit, answer lost", `has chunk ${chunk} committed and loses the answer`, lost, chunk);
      }
    }
  }

  const leads = isNewest && state.status === "running";
  if (!state.leased && (leads || !protocol.fencedLease) && state.status === "running")
    yield step("renew", "renews its lease", { ...state, leased: true });
  if (sessions.length > 0) return;
  const released = leads || !protocol.fencedLease ? { ...state, leased: false } : state;
  yield step("stop", "stops in good order", become(released, undefined));
  if (leads) yield step("fail", "ends with a failure", become({ ...released, failed: true }, undefined));
  if (protocol.countedEnd && known.some((next) => next < size.steps)) return;
  yield step(
    "finish",
    "declares the import finished",
    become(leads ? { ...state, status: "finished", leased: false } : state, undefined),
  );
}

/**
 * A session of another process, or one left behind, holds rows of the chunk that nobody can see
 * yet.
 */
function isHeld(state: State, n: number, chunk: number): boolean {
  const holds = (session: Session): boolean => session.chunk === chunk && session.at !== "lost";
  return [state.orphan, ...state.processes.toSpliced(n, 1).flatMap((other) => other.sessions)].some(
    (session) => session && holds(session),
  );
}

/**
 * Whether a session left behind can do anything to others: commit what it was sent, or hold rows.
 */
function canMatter({ at }: Session, { unique }: Size): boolean {
  return at === "sent" || (unique && at !== "lost");
}

/** kill -9: what its sessions were told may still be done by the database. */
function* crashes(
  state: State,
  { epoch, overtaken, sessions }: Process,
  size: Size,
  step: MakeStep,
  become: (from: State, change: undefined) => State,
): Generator<LedgerStep> {
  yield step("kill", "is killed", become(state, undefined));
  if (state.orphan) return;
  for (const session of sessions) {
    if (!canMatter(session, size)) continue;
    const to = { ...become(state, undefined), orphan: { ...session, epoch, overtaken } };
    const what = `is killed, and its session with chunk ${session.chunk} goes on`;
    yield step("kill, abandon", what, to, session.chunk);
  }
}
