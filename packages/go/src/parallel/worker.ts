// The entry module of a worker: it loads the library, which finds out that it is in a worker. The
// worker imports modules when their functions are called. A diagnostic that also looks at workers
// has left the address of its module.

import { threads } from "./host.ts";
import "./index.ts";

// It is not awaited: some bundlers make a script of a worker, and a script has no top-level await.
const diagnostic = threads?.getEnvironmentData?.("@sluice/go: in workers");
if (typeof diagnostic === "string") void import(/* webpackIgnore: true */ /* @vite-ignore */ diagnostic);
