// Channels and select against a model of them: random operations, one at a time, and after each of
// them everything that has completed in the library must have completed in the model with the same
// result, and nothing else. (The model serves waiters first in, first out, as Go and the library
// happen to; which of several ready cases wins is the library's choice, and so is which of several
// cases of one channel; the model checks only that it was one of them.)
import fc from "fast-check";
import { expect, it } from "vitest";
import { chan, gosched, otherwise, recv, select, send, type Case, type Chan } from "../index.ts";

const panicked = "send on closed channel";

/**
 * An operation that was begun. `result` is set when it is over: the case, what came, and whether it
 * was a value.
 */
interface Op {
  result: unknown;
  /**
   * Of a select: for each case the first one of the same channel and direction, which it cannot be
   * told from.
   */
  readonly twins?: readonly number[];
}

/** A result with a case that any of its twins could be. */
function told({ result }: Op, twins: readonly number[] | undefined): unknown {
  if (twins === undefined || !Array.isArray(result)) return result;
  const [index, ...rest] = result as [number, ...unknown[]];
  return [twins[index] ?? index, ...rest];
}

interface Waiting {
  readonly op: Op;
  readonly index: number;
  readonly value: number;
}

class ModelChan {
  readonly size: number;
  readonly buffer: number[] = [];
  closed = false;
  receivers: Waiting[] = [];
  senders: Waiting[] = [];

  constructor(size: number) {
    this.size = size;
  }

  canReceive(): boolean {
    return this.buffer.length > 0 || this.senders.length > 0 || this.closed;
  }

  canSend(): boolean {
    return this.buffer.length < this.size || this.receivers.length > 0 || this.closed;
  }

  receive(op: Op, index: number): void {
    const first = this.senders.shift();
    if (first !== undefined) {
      this.buffer.push(first.value);
      first.op.result = [first.index];
    }
    const value = this.buffer.shift();
    op.result = [index, value, value !== undefined];
  }

  send(op: Op, index: number, value: number): void {
    if (this.closed) {
      op.result = panicked;
      return;
    }
    op.result = [index];
    const first = this.receivers.shift();
    if (first === undefined) this.buffer.push(value);
    else first.op.result = [first.index, value, true];
  }

  close(): void {
    this.closed = true;
    // An operation may wait here more than once.
    for (const { op, index } of this.receivers) op.result ??= [index, undefined, false];
    for (const { op } of this.senders) op.result ??= panicked;
    this.receivers = [];
    this.senders = [];
  }

  /** Drops those whose select was decided elsewhere. */
  forget(): void {
    this.receivers = this.receivers.filter(({ op }) => op.result === undefined);
    this.senders = this.senders.filter(({ op }) => op.result === undefined);
  }
}

interface Command {
  readonly kind: "send" | "recv" | "close" | "select" | "trySend" | "tryRecv";
  readonly on: number;
  /** Of a select: which channel (3 is the nil one), and whether it sends. */
  readonly cases: readonly { readonly on: number; readonly sends: boolean }[];
  readonly idle: boolean;
}

const commands = fc.array(
  fc.record<Command>({
    kind: fc.constantFrom("send", "send", "recv", "recv", "close", "select", "select", "select", "trySend", "tryRecv"),
    on: fc.nat(2),
    cases: fc.array(fc.record({ on: fc.nat(3), sends: fc.boolean() }), { minLength: 1, maxLength: 4 }),
    idle: fc.boolean(),
  }),
  { maxLength: 40 },
);

it("channels and select do what the model does, in any order of operations", async () => {
  await fc.assert(
    fc.asyncProperty(fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)), commands, async (sizes, list) => {
      const real = sizes.map((size) => chan<number>(size));
      const model = sizes.map((size) => new ModelChan(size));
      const ops: { readonly expected: Op; readonly got: Op }[] = [];
      let value = 0;

      /** Begins an operation in the library; its result is kept as the model keeps it. */
      const begin = (
        promise: Promise<{ readonly case: number; readonly value?: unknown; readonly ok?: boolean }>,
      ): Op => {
        const got: Op = { result: undefined };
        void promise.then(
          (c) => (got.result = "ok" in c ? [c.case, c.value, c.ok] : [c.case]),
          (error: unknown) => (got.result = (error as Error).message),
        );
        return got;
      };

      for (const { kind, on, cases, idle } of list) {
        const [ch, m] = [real[on] as Chan<number>, model[on] as ModelChan];
        const twins = cases.map((c) => cases.findIndex(({ on, sends }) => on === c.on && sends === c.sends));
        const expected: Op = kind === "select" ? { result: undefined, twins } : { result: undefined };
        const v = value++;
        switch (kind) {
          case "close":
            if (m.closed) expect(() => ch.close()).toThrow(/^close of closed channel$/);
            else {
              ch.close();
              m.close();
            }
            break;
          case "trySend":
            if (m.closed) expect(() => ch.trySend(v)).toThrow(panicked);
            else {
              const can = m.canSend();
              if (can) m.send(expected, 0, v);
              expect(ch.trySend(v)).toBe(can);
            }
            break;
          case "tryRecv": {
            const can = m.canReceive();
            if (can) m.receive(expected, 0);
            const got = ch.tryRecv();
            expect(got.ready ? [0, got.value, got.ok] : undefined).toEqual(expected.result);
            break;
          }
          case "send":
            ops.push({ expected, got: begin(ch.send(v).then(() => ({ case: 0 }))) });
            if (m.canSend()) m.send(expected, 0, v);
            else m.senders.push({ op: expected, index: 0, value: v });
            break;
          case "recv":
            ops.push({ expected, got: begin(ch.recvOk().then(([value, ok]) => ({ case: 0, value, ok }))) });
            if (m.canReceive()) m.receive(expected, 0);
            else m.receivers.push({ op: expected, index: 0, value: 0 });
            break;
          case "select": {
            // One of only nil channels would wait for ever.
            if (!idle && cases.every(({ on }) => on === 3)) break;
            const made: Case[] = cases.map(({ on, sends }) => (sends ? send(real[on], v) : recv(real[on])));
            if (idle) made.push(otherwise);
            const got = begin(select(made));
            ops.push({ expected, got });
            const ready = cases.flatMap(({ on, sends }, i) => {
              const c = model[on];
              return c !== undefined && (sends ? c.canSend() : c.canReceive()) ? [i] : [];
            });
            if (ready.length > 0) {
              await gosched();
              // A panic does not tell its case: it must be one that sends on a closed channel.
              const chosen =
                got.result === panicked
                  ? ready.find((i) => cases[i]?.sends === true && model[cases[i].on]?.closed === true)
                  : (got.result as [number] | undefined)?.[0];
              expect(ready).toContain(chosen);
              const { on, sends } = cases[chosen as number] as (typeof cases)[number];
              if (sends) model[on]?.send(expected, chosen as number, v);
              else model[on]?.receive(expected, chosen as number);
            } else if (idle) expected.result = [cases.length];
            else {
              for (const [index, { on, sends }] of cases.entries()) {
                (sends ? model[on]?.senders : model[on]?.receivers)?.push({ op: expected, index, value: v });
              }
            }
          }
        }
        for (const c of model) c.forget();
        await gosched();
        expect(ops.map(({ got, expected }) => told(got, expected.twins))).toEqual(
          ops.map(({ expected }) => told(expected, expected.twins)),
        );
        expect(real.map(({ len }) => len)).toEqual(model.map(({ buffer }) => buffer.length));
      }

      for (const [i, m] of model.entries()) {
        if (!m.closed) {
          m.close();
          real[i]?.close();
        }
        for (const c of model) c.forget();
      }
      await gosched();
      expect(ops.map(({ got, expected }) => told(got, expected.twins))).toEqual(
        ops.map(({ expected }) => told(expected, expected.twins)),
      );
      expect(ops.every(({ got }) => got.result !== undefined)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
