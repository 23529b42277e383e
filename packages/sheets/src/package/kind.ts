// Which spreadsheet an archive is, by the names of its parts. What is neither of these is read as
// .xlsx, whose errors say what is missing.
import type { Archive } from "./zip.ts";

/** True if an archive is a spreadsheet of OpenDocument. */
export const isOds = ({ names }: Archive): boolean =>
  names.includes("content.xml") && names.some((name) => name === "mimetype" || name === "META-INF/manifest.xml");

/** True if an archive is a workbook of Excel in its binary form. */
export const isXlsb = ({ names }: Archive): boolean =>
  names.some((name) => /(?:^|\/)workbook\.bin$/i.test(name)) &&
  !names.some((name) => /^xl\/workbook\.xml$/i.test(name));
