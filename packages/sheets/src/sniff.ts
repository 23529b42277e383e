// What a file is that is not a zip archive: for the message of the error only. Content decides, never the extension.
import { SheetError } from "./errors.ts";
import { readFully, type Source } from "./source.ts";

const cfbSignature = Buffer.from("d0cf11e0a1b11ae1", "hex");

/** The error for a file that does not begin as a zip archive does. */
export async function notAnArchive(source: Source): Promise<SheetError> {
  const { file } = source;
  const name = file ?? "the file";
  const head = await readFully(source, 0, 4096);
  if (head.subarray(0, 8).equals(cfbSignature)) {
    const streams = await cfbNames(source, head);
    if (streams.has("EncryptedPackage") || streams.has("EncryptionInfo"))
      return new SheetError(
        "encrypted",
        `${name} is an encrypted workbook: it opens with a password only. Open it in Excel, remove the password (File → Info → Protect Workbook) and save it again.`,
        { file },
      );
    if (streams.has("Workbook") || streams.has("Book"))
      return new SheetError(
        "legacy_xls",
        `${name} is a workbook of Excel 97–2003 (.xls), whatever its extension; an .xlsx workbook was expected. Open it in Excel and save it as "Excel Workbook (.xlsx)".`,
        { file },
      );
    return new SheetError(
      "not_a_workbook",
      `${name} is an OLE container, as encrypted workbooks and old .xls files are, but no workbook can be found in it: it is damaged, or another kind of Office document. An .xlsx workbook was expected; if Excel opens it, save it as "Excel Workbook (.xlsx)" without a password.`,
      { file },
    );
  }
  return new SheetError(
    "not_a_workbook",
    `${name} is not an .xlsx workbook: it looks like ${looksLike(head)}. An .xlsx workbook is a zip archive that begins with the bytes "PK"; save the data as "Excel Workbook (.xlsx)".`,
    { file },
  );
}

function looksLike(head: Buffer): string {
  const starts = (text: string): boolean => head.subarray(0, text.length).toString("latin1") === text;
  if (head.every((byte) => byte === 0)) return "nothing but zero bytes";
  if (starts("%PDF")) return "a PDF document";
  if (starts("\x89PNG") || starts("\xff\xd8\xff") || starts("GIF8")) return "a picture";
  if (starts("\x1f\x8b")) return "a gzip file; unpack it first";
  if (starts("7z\xbc\xaf") || starts("Rar!")) return "a 7-Zip or RAR archive";
  if (starts("SQLite format 3")) return "an SQLite database";
  if (starts("PAR1")) return "a Parquet file";
  if (head[0] === 0x09 && head[1]! <= 8 && head[2]! <= 0x10 && head[3] === 0) return "an Excel 2–4 worksheet";
  const utf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  const text = (
    utf16 ? new TextDecoder(head[0] === 0xff ? "utf-16le" : "utf-16be").decode(head) : head.toString("latin1")
  )
    .replace(/^(\ufeff|\xef\xbb\xbf)/, "")
    .trimStart();
  if (/^(<!doctype html|<html|<head|<body|<table|<meta)/i.test(text)) return "an HTML page";
  if (/^<\?xml/i.test(text) && text.includes("urn:schemas-microsoft-com:office:spreadsheet"))
    return "an XML spreadsheet of Excel 2003";
  if (text.startsWith("<")) return "an XML document";
  if (/^MIME-Version:/i.test(text)) return "a saved web page (MIME)";
  if (/^[[{]/.test(text)) return "JSON";
  if (text.startsWith("{\\rtf")) return "an RTF document";
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x08\x0e-\x1f]/.test(text)) return "a binary file of another kind";
  const line = text.split(/\r?\n/, 1)[0]!;
  if (line.includes("\t")) return "tab-separated text (TSV)";
  if (/[,;|]/.test(line)) return "comma-separated text (CSV)";
  return "plain text";
}

/** Names in the directory of a compound file; chains are followed for a bounded number of sectors, so that a cycle ends. */
async function cfbNames(source: Source, head: Buffer): Promise<Set<string>> {
  const names = new Set<string>();
  if (head.length < 512) return names;
  const shift = head.readUInt16LE(30);
  if (shift < 7 || shift > 16) return names;
  const size = 1 << shift;
  let sector = head.readUInt32LE(48);
  for (let steps = 0; steps < 256 && sector < 0xfffffffa; steps++) {
    const entries = await readFully(source, (sector + 1) * size, size);
    for (let at = 0; at + 128 <= entries.length; at += 128) {
      const length = entries.readUInt16LE(at + 64);
      if (length >= 2 && length <= 64) names.add(entries.toString("utf16le", at, at + length - 2));
    }
    const perSector = size / 4;
    const fatIndex = Math.floor(sector / perSector);
    if (fatIndex >= 109 || entries.length < size) break;
    const fat = await readFully(
      source,
      (head.readUInt32LE(76 + 4 * fatIndex) + 1) * size + 4 * (sector % perSector),
      4,
    );
    if (fat.length < 4) break;
    sector = fat.readUInt32LE(0);
  }
  return names;
}
