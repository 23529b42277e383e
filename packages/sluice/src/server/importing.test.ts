// The failure of an import in the words of who uploaded the file.
import { expect, test } from "vitest";
import { SluiceError, usageError } from "../errors.ts";
import { inUploadTerms } from "./importing.ts";

const UPLOAD = { path: "/var/uploads/4f6b", fileName: "people.csv" };

test.each([
  [
    usageError("bad_type", '--type "v=date": the column "v" is text, and an import changes no column. Import into a new table with --table.'),
    'type "v=date": the column "v" is text, and an import changes no column.',
  ],
  [
    new SluiceError("too_many_errors", "1 row has been rejected, and --max-errors 0 allows no more than that. No row was changed.\nGo on with: the same command and a larger --max-errors"),
    "1 row has been rejected, and maxErrors 0 allows no more than that. No row was changed.",
  ],
  [
    new SluiceError("no_columns", '/var/uploads/4f6b: there is no sheet "x". Choose another sheet with --sheet. It has: a.'),
    'people.csv: there is no sheet "x". It has: a.',
  ],
  [new SluiceError("unfinished_import", "2 rows were put in. End it: sluice imports cancel x."), /^2 rows were put in\. To import all rows .* \?resume=never/],
  [new SluiceError("no_header", "a -- b, and x--y, are no options."), "a -- b, and x--y, are no options."],
] as const)("says what is wrong first, whatever options the engine names: %s", (error, said) => {
  expect((inUploadTerms(error, UPLOAD) as Error).message).toEqual(typeof said === "string" ? said : expect.stringMatching(said));
}); // prettier-ignore
