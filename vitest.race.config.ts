// The importer's tests and the examples under the race detector: `npm run race`. A job of its own,
// as it takes several times as long as the tests alone.
import { configDefaults, mergeConfig, type ViteUserConfig } from "vitest/config";
import { race } from "./packages/go/src/race/vite.ts";
import base from "./vitest.config.ts";

const config: ViteUserConfig = mergeConfig(base, {
  plugins: [race()],
  // A test takes several times as long.
  test: { setupFiles: ["packages/go/src/race/vitest.ts"], testTimeout: 900_000, hookTimeout: 900_000 },
});
if (config.test) {
  config.test.include = ["packages/sluice/src/**/*.test.ts", "examples/**/*.test.ts"];
  // It starts no goroutine. It keeps millions of objects, each of which would have a record.
  config.test.exclude = [...configDefaults.exclude, "packages/sluice/src/ledger/model.test.ts"];
}

export default config;
