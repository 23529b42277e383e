import { createRequire } from "node:module";

const { worker } = createRequire(new URL("../peers/package.json", import.meta.url))("workerpool");
worker({ add: (a, b) => a + b });
