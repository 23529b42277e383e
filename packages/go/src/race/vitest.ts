// A setup file for Vitest: detects races, and fails the test in which one is found.

import { afterEach } from "vitest";
import { detect, failTests } from "./index.ts";

detect();
failTests((check) => afterEach(check));
