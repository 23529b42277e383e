// Runs tests with another text for one source file, for scripts/conditions.ts. The file itself
// stays as it is.
import { mergeConfig, type ViteUserConfig } from "vitest/config";
import base from "../vitest.config.ts";

const { file, text } = JSON.parse(process.env["SLUICE_CONDITION"] ?? "{}") as { file?: string; text?: string };

const config: ViteUserConfig = mergeConfig(base, {
  plugins: [{ name: "another text", enforce: "pre" as const, load: (id: string) => (id === file ? text : undefined) }],
  // What hangs has been noticed, too.
  test: { bail: 1, testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 10_000 } } },
} satisfies ViteUserConfig);
// Merging would add to the list.
config.test!.reporters = ["json"];

export default config;
