// Records stacks in a program of the page, as SLUICE_STACKS=1 in the environment does elsewhere.

import { recordStacks } from "@sluice/go/src/internal/stacks.ts";

recordStacks(true);
