import { createRequire } from "node:module";

const { ThreadWorker } = createRequire(new URL("../peers/package.json", import.meta.url))("poolifier");
export default new ThreadWorker(([a, b]) => a + b);
