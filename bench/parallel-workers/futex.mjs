import { workerData as memory } from "node:worker_threads";

for (;;) {
  Atomics.wait(memory, 0, 0);
  memory[2] = memory[1] + 1;
  Atomics.store(memory, 0, 0);
  Atomics.notify(memory, 0);
}
