// Makes the running goroutine known after every await of a program in the page. It is loaded before
// the program's module begins.

import { followAwaits } from "@sluice/go/src/race/awaits.ts";

followAwaits();
