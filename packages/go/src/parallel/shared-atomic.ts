// The numbers of /atomic travel as the memory that they live in.

import { Bool, Int32, Int64, Uint32, Uint64, Value } from "../atomic.ts";
import { Channel } from "../internal/channel.ts";
import { Mutex } from "../sync/mutex.ts";
import { RWMutex } from "../sync/rwmutex.ts";
import { WaitGroup } from "../sync/waitgroup.ts";
import { Once } from "../sync/once.ts";
import { Cond } from "../sync/cond.ts";
import { registerAmbassador } from "./codec.ts";

const numbers = { Int32, Uint32, Int64, Uint64, Bool };
type Name = keyof typeof numbers;

for (const name of Object.keys(numbers) as Name[]) {
  const type = numbers[name];
  registerAmbassador({
    name,
    matches: (value) => value instanceof type,
    send: (number: { readonly memory: SharedArrayBuffer }) => number.memory,
    receive: (memory: SharedArrayBuffer) => type.at(memory),
  });
}

const local: readonly [Function, string][] = [
  [Channel, "a Chan, whose ends are on one thread; use sharedChan"],
  [Mutex, "a Mutex of one thread; use SharedMutex"],
  [RWMutex, "an RWMutex of one thread; use SharedRWMutex"],
  [WaitGroup, "a WaitGroup of one thread; use SharedWaitGroup"],
  [Once, "a Once of one thread; use SharedOnce"],
  [Cond, "a Cond of one thread; use SharedCond"],
  [Value, "a Value, which holds an object of one thread; send the object, or use a sharedChan"],
];
for (const [type, text] of local) {
  registerAmbassador({
    name: "",
    matches: (value) => value instanceof type && !(value instanceof Channel && value.across !== undefined),
    send: () => {
      throw new TypeError(text);
    },
    receive: () => undefined,
  });
}
