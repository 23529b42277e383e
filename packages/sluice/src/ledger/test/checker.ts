// An exhaustive checker of small models: breadth first, so that the trace to what is wrong is a
// shortest one.
//
// A model gives a first state and all steps from a state. Every reachable state is visited once;
// each step is held against the properties. Afterwards the steps that may be relied on are walked
// backwards from the states where all is done: a state from which they do not lead there is stuck.

/** What may happen next. */
export interface Step<State> {
  /** A sentence for the trace. */
  readonly what: string;
  readonly to: State;
  /**
   * It happens by itself, or one process can do it alone: whoever waits for the end may rely on it.
   */
  readonly reliable: boolean;
}

export interface Model<State, S extends Step<State> = Step<State>> {
  readonly first: State;
  /** Two states of one key are the same, or as good as the same. */
  key(state: State): string;
  steps(state: State): Iterable<S>;
  /** What is wrong with a step, or undefined. */
  wrong(from: State, step: Step<State>): string | undefined;
  /** Where the model may end. */
  isDone(state: State): boolean;
}

export interface Verdict {
  readonly states: number;
  readonly steps: number;
  /** What is wrong, and how it comes to that from the first state; undefined where nothing is. */
  readonly counterexample: { readonly wrong: string; readonly trace: readonly string[] } | undefined;
}

/** Visits everything. @throws RangeError where there are more than `limit` states */
export function check<State>(model: Model<State>, limit = 2_000_000): Verdict {
  const index = new Map<string, number>([[model.key(model.first), 0]]);
  const states: State[] = [model.first];
  const parents: number[] = [-1];
  const reasons: string[] = ["it begins"];
  /** The reliable steps, backwards: pairs of from and to. */
  const froms: number[] = [];
  const tos: number[] = [];
  let steps = 0;

  const trace = (at: number): string[] => {
    const way: string[] = [];
    for (let n = at; n > 0; n = parents[n]!) way.push(reasons[n]!);
    return way.toReversed();
  };

  for (let n = 0; n < states.length; n++) {
    const from = states[n]!;
    for (const step of model.steps(from)) {
      steps++;
      const wrong = model.wrong(from, step);
      if (wrong !== undefined) {
        return { states: states.length, steps, counterexample: { wrong, trace: [...trace(n), step.what] } };
      }
      const key = model.key(step.to);
      let to = index.get(key);
      if (to === undefined) {
        to = states.length;
        if (to === limit) throw new RangeError(`the model has more than ${limit} states`);
        index.set(key, to);
        states.push(step.to);
        parents.push(n);
        reasons.push(step.what);
      }
      if (step.reliable) {
        froms.push(n);
        tos.push(to);
      }
    }
  }
  const stuck = firstStuck(
    states.map((state) => model.isDone(state)),
    froms,
    tos,
  );
  const counterexample =
    stuck === undefined ? undefined : { wrong: "from here it cannot come to an end", trace: trace(stuck) };
  return { states: states.length, steps, counterexample };
}

/** The first state from which no steps lead to one that is done. */
function firstStuck(done: readonly boolean[], froms: readonly number[], tos: readonly number[]): number | undefined {
  // By counting sort: the steps into state s are sources[starts[s]] … sources[starts[s + 1] − 1].
  const starts = new Int32Array(done.length + 1);
  for (const to of tos) starts[to + 1]!++;
  for (let s = 0; s < done.length; s++) starts[s + 1]! += starts[s]!;
  const free = starts.slice();
  const sources = new Int32Array(tos.length);
  for (const [n, to] of tos.entries()) sources[free[to]!++] = froms[n]!;

  const leads = Uint8Array.from(done, Number);
  const queue = [...done.keys()].filter((s) => done[s]);
  for (let s = queue.pop(); s !== undefined; s = queue.pop()) {
    for (let n = starts[s]!; n < starts[s + 1]!; n++) {
      const source = sources[n]!;
      if (leads[source] === 1) continue;
      leads[source] = 1;
      queue.push(source);
    }
  }
  const stuck = leads.indexOf(0);
  return stuck < 0 ? undefined : stuck;
}
