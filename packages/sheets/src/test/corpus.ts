// Where other projects' workbooks lie, if they do: beside the repository. They are no part of it.
import { join } from "node:path";

export const corpus: string = join(import.meta.dirname, "../../../../../shared/corpus");
