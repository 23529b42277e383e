#!/usr/bin/env node
// Starts the command: a published package runs from dist, a checkout from the sources, which Node
// 24 and later run as they are.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("..", import.meta.url);
const checkout = !/[\\/]node_modules[\\/]/.test(fileURLToPath(root)) && existsSync(new URL("src", root));
if (checkout && Number.parseInt(process.versions.node, 10) < 24) {
  console.error(`sluice-go: a checkout needs Node 24 or later, and this is Node ${process.versions.node}`);
  process.exit(1);
}
await import(new URL(checkout ? "src/trace/main.ts" : "dist/trace/main.js", root));
