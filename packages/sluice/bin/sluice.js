#!/usr/bin/env node
import { launch } from "@sluice/sheets/launch";

await launch(import.meta.url, "cli/main");
