import { parentPort } from "node:worker_threads";

parentPort.on("message", ({ id, a, b }) => parentPort.postMessage({ id, value: a + b }));
