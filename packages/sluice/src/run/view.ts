// The look that others get at the stages of an import: what each channel holds, and what each
// worker does. A stage notes what it does in a field of its own, which costs one assignment;
// nothing is computed until somebody asks.
import type { ChannelView, PipelineView, WorkerView } from "../options.ts";

/** A goroutine's own note of what it does. */
export class Worker implements WorkerView {
  readonly id: string;
  state: WorkerView["state"] = "idle";
  on?: string;

  constructor(id: string) {
    this.id = id;
  }

  busy(): void {
    this.state = "busy";
    delete this.on;
  }

  waiting(on: string): void {
    this.state = "waiting";
    this.on = on;
  }

  idle(): void {
    this.state = "idle";
    delete this.on;
  }

  /** Waits for something, and is busy again afterwards. */
  async waits<T>(on: string, outcome: Promise<T>): Promise<T> {
    this.waiting(on);
    try {
      return await outcome;
    } finally {
      this.busy();
    }
  }
}

/** The stages of one run. */
export class Stages implements PipelineView {
  read = 0;
  readonly #channels: readonly {
    readonly name: string;
    readonly channel: { readonly len: number; readonly cap: number };
  }[];
  readonly #workers: Worker[] = [];

  constructor(channels: Readonly<Record<string, { readonly len: number; readonly cap: number }>>) {
    this.#channels = Object.entries(channels).map(([name, channel]) => ({ name, channel }));
  }

  worker(id: string): Worker {
    const worker = new Worker(id);
    this.#workers.push(worker);
    return worker;
  }

  rowsRead(): number {
    return this.read; // race:ignore: whoever looks gets the count of the moment
  }

  channels(): ChannelView[] {
    return this.#channels.map(({ name, channel }) => ({ name, length: channel.len, capacity: channel.cap }));
  }

  workers(): WorkerView[] {
    const workers = this.#workers.slice(); // race:ignore: whoever looks gets those of the moment
    return workers.map(({ id, state, on }) => ({ id, state, ...(on === undefined ? {} : { on }) }));
  }
}
