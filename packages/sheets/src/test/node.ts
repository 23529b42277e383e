// The Node of the workspace, which runs the sources as they are. The tests themselves may run on an
// older one.
import { join } from "node:path";

export const nodeOfWorkspace: string =
  Number.parseInt(process.versions.node) >= 24
    ? process.execPath
    : join(import.meta.dirname, "../../../../node_modules/.bin/node");
