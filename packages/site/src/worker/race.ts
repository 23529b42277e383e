// Starts the race detector in a program of the page, before the program's module begins.

import { detect } from "@sluice/go/race";
import { followAwaits } from "@sluice/go/src/race/awaits.ts";

detect(followAwaits);
