// @sluice/eslint-plugin: the findings of Go's vet, for code that uses @sluice/go. For ESLint, and
// for oxlint as a JS plugin.
//
// Each rule is in a file with its name. The first comment of that file gives the reason for the
// rule.
import type { ESLint, Linter } from "eslint";
import { awaitedOperation } from "./rules/awaited-operation.ts";
import { busyLoop } from "./rules/busy-loop.ts";
import { copiedLocks } from "./rules/copied-locks.ts";
import { deferUsing } from "./rules/defer-using.ts";
import { detachedOperation } from "./rules/detached-operation.ts";
import { lostCancel } from "./rules/lost-cancel.ts";
import { unusedSelect } from "./rules/unused-select.ts";
import { waitgroupAdd } from "./rules/waitgroup-add.ts";

const rules: NonNullable<ESLint.Plugin["rules"]> = {
  "awaited-operation": awaitedOperation,
  "busy-loop": busyLoop,
  "copied-locks": copiedLocks,
  "defer-using": deferUsing,
  "detached-operation": detachedOperation,
  "lost-cancel": lostCancel,
  "unused-select": unusedSelect,
  "waitgroup-add": waitgroupAdd,
};

const NAME = "@sluice";

interface Plugin extends ESLint.Plugin {
  readonly rules: NonNullable<ESLint.Plugin["rules"]>;
  readonly configs: { readonly recommended: Linter.Config };
}

const bare: ESLint.Plugin = { meta: { name: NAME, version: "0.1.0" }, rules };

/** The plugin. `configs.recommended` enables every rule, as an error. */
const plugin: Plugin = {
  ...bare,
  rules,
  configs: {
    recommended: {
      name: "@sluice/recommended",
      plugins: { [NAME]: bare },
      rules: Object.fromEntries(Object.keys(rules).map((rule) => [`${NAME}/${rule}`, "error" as const])),
    },
  },
};

export default plugin;
