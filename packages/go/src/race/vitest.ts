// A setup file for Vitest: detects races, and fails the test in which one is found.

import { afterEach } from "vitest";
import { followThreads } from "./across.ts";
import { detect, failTests } from "./index.ts";

detect();
followThreads();
failTests((check) => afterEach(check));
