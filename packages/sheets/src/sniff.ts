// Finds out which kind of file it is: a format to read, or a name for the error message. The
// content decides, not the extension. A name decides only whether a text without any columns may be
// a table, since the content cannot tell that.
import { hasColumns } from "./csv/dialect.ts";
import { asciiView } from "./encoding.ts";
import { SheetError } from "./errors.ts";
import { readFully, type Source } from "./source.ts";
import { endsAsArchive } from "./package/zip.ts";

/**
 * A zip archive, delimited text, a gzip file (of such text), flat OpenDocument, a format without an
 * archive that the library reads, or another file.
 */
export type Kind = "zip" | "text" | "gzip" | "fods" | "xls" | "html" | "xml" | "other";

const HEAD_BYTES = 4096;
/** The part of a page that is searched for its first table. */
const PAGE_BYTES = 2 ** 20;
const textNames = /\.(?:csv|tsv|tab|txt)$/i;
const workbookNames = /\.(?:xls|xls[xmb]|xlt[xm]|ods|fods|numbers)$/i;

/**
 * The kind of a file, by its content. It has more than 15 branches because it is a list: archives
 * by their signature, then other signatures, then text by its looks. The name decides only between
 * text and nothing.
 *
 * @param csv given if the caller says that the file is delimited text, with the encoding if that is
 * known
 */
export async function sniff(source: Source, csv?: { readonly encoding?: string }): Promise<Kind> {
  const head = await readFully(source, 0, HEAD_BYTES);
  if (/^PK(?:[\x00-\x08]|$)/.test(head.toString("latin1", 0, 3))) return "zip";
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head.subarray(0, 8).equals(cfbSignature)) {
    const streams = await cfbNames(source, head);
    return isEncrypted(streams) || !(streams.has("workbook") || streams.has("book")) ? "other" : "xls";
  }
  if (await endsAsArchive(source)) return "zip";
  const looks = looksLike(head, csv?.encoding);
  const name = source.file ?? "";
  if (looks.kind === "html") return (await hasTable(source)) ? "html" : "other";
  if (looks.kind) return looks.kind;
  if (csv || textNames.test(name)) return looks.text ? "text" : "other";
  const { content, table } = looks;
  return table || (content === "plain text" && looks.lines && !workbookNames.test(name)) ? "text" : "other";
}

async function hasTable(source: Source): Promise<boolean> {
  return /<table\b/i.test(asciiView(await readFully(source, 0, PAGE_BYTES), undefined));
}

/** True if the streams of a compound file are those of an encrypted .xlsx. */
const isEncrypted = (streams: ReadonlySet<string>): boolean =>
  streams.has("encryptedpackage") || streams.has("encryptioninfo");

const cfbSignature = Buffer.from("d0cf11e0a1b11ae1", "hex");

/** True if bytes may be the beginning of a delimited text. */
export function isText(head: Buffer, encoding: string | undefined): boolean {
  return !/^PK[\x00-\x08]|^\x1f\x8b/.test(head.toString("latin1", 0, 3)) && looksLike(head, encoding).text;
}

/** The error for a file of the kind "other". */
export async function unreadable(source: Source): Promise<SheetError> {
  const { file } = source;
  const name = file ?? "the file";
  const head = await readFully(source, 0, HEAD_BYTES);
  if (head.subarray(0, 8).equals(cfbSignature)) {
    const streams = await cfbNames(source, head);
    if (isEncrypted(streams))
      return new SheetError(
        "encrypted",
        `${name} is an encrypted workbook: it opens with a password only. Open it in Excel, remove the password (File → Info → Protect Workbook) and save it again.`,
        { file },
      );
    return new SheetError(
      "not_a_workbook",
      `${name} is an OLE container, as encrypted workbooks and old .xls files are, but no workbook can be found in it: it is damaged, or another kind of Office document. A workbook was expected; if Excel opens it, save it as "Excel Workbook (.xlsx)" without a password.`,
      { file },
    );
  }
  const { content, advice = PLAIN_ADVICE } = looksLike(head);
  return new SheetError(
    "not_a_workbook",
    `${name} is not a spreadsheet: it looks like ${content}. Expected: a workbook (.xlsx, .xls, .xlsb, .ods), or delimited text (CSV, TSV). ${advice}`,
    { file },
  );
}

const PLAIN_ADVICE = `Save the data as "Excel Workbook (.xlsx)"; if it is text in UTF-16, set the option encoding.`;
/**
 * The format "Single File Web Page" of Excel. Excel and other programs also call such files .xls.
 */
const SAVED_PAGE = `Open it in Excel, whatever its name ends in (a browser does not help), and choose File → Save As → "Excel Workbook (.xlsx)".`;

interface Looks {
  /** The kind of file that it is read as, if it can be read. */
  readonly kind?: "fods" | "xls" | "html" | "xml";
  /** The name of its kind, for messages. */
  readonly content: string;
  /** The way to make a workbook of it, if that is not obvious. */
  readonly advice?: string;
  /** True if it may be delimited text, provided that the caller says so. */
  readonly text: boolean;
  /** True if it is text in columns. */
  readonly table: boolean;
  /** True if it is text of more than one line. */
  readonly lines: boolean;
}

/**
 * Names what the first bytes look like. It has more than 15 branches because it is a list: the
 * first test that fits decides, and the surest ones are first.
 */
function looksLike(head: Buffer, encoding?: string): Looks {
  const other = (content: string): Looks => ({ content, text: false, table: false, lines: false });
  const starts = (text: string): boolean => head.toString("latin1", 0, text.length) === text;
  if (head.every((byte) => byte === 0)) return other("nothing but zero bytes");
  if (starts("%PDF")) return other("a PDF document");
  if (starts("\x89PNG") || starts("\xff\xd8\xff") || starts("GIF8")) return other("a picture");
  if (starts("7z\xbc\xaf") || starts("Rar!")) return other("a 7-Zip or RAR archive");
  if (starts("SQLite format 3")) return other("an SQLite database");
  if (starts("PAR1")) return other("a Parquet file");
  if (head[0] === 0x09 && head[1]! <= 8 && head[2]! <= 0x10 && head[3] === 0)
    return { ...other("an Excel 2–4 worksheet"), kind: "xls" };
  const view = asciiView(head, encoding);
  if (isBinary(view)) return other("a binary file of another kind");
  const markup = (content: string): Looks => ({ content, text: true, table: false, lines: false });
  const text = view.trimStart();
  if (/^(<!doctype html|<html|<head|<body|<table|<meta)/i.test(text)) return { ...other("an HTML page"), kind: "html" };
  if (/^<\?xml/i.test(text) && text.includes("urn:schemas-microsoft-com:office:spreadsheet"))
    return { ...other("an XML spreadsheet of Excel 2003"), kind: "xml" };
  if (/^<(?:\?xml|\w+:document\b)/i.test(text) && text.includes("urn:oasis:names:tc:opendocument:xmlns:office:"))
    return { ...other("a flat OpenDocument file"), kind: "fods" };
  if (text.startsWith("<")) return markup("an XML document");
  if (/^[\w-]+:[ \t]/.test(text) && /^(?:MIME-Version:|Content-Type:\s*multipart\/related)/im.test(text))
    return { ...other("a saved web page (MIME)"), advice: SAVED_PAGE };
  if (/^(?:\{\s*["}]|\[\s*["[{\]\d])/.test(text)) return markup("JSON");
  if (text.startsWith("{\\rtf")) return markup("an RTF document");
  if (hasColumns(view)) return { content: "delimited text", text: true, table: true, lines: true };
  return { content: "plain text", text: true, table: false, lines: /[^\r\n][\r\n]+[^\r\n]/.test(view) };
}

const CONTROL = /[^\t\x20-\uffff]/;

/**
 * True if there are more control characters than in a damaged text. NULs are usual in damaged text,
 * and other control characters are not. A first line that has columns and no control character is a
 * header. Then the rest is data, however strange.
 */
function isBinary(text: string): boolean {
  const [header = ""] = text.split(/[\r\n]/, 1);
  if (header.length < text.length && hasColumns(header) && !CONTROL.test(header)) return false;
  let nuls = 0;
  let controls = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0) nuls++;
    else if (code < 0x20 && (code < 0x09 || code > 0x0d) && code !== 0x1a && code !== 0x1b) controls++;
  }
  return nuls * 4 > text.length || controls * 50 > text.length;
}

/**
 * The names in the directory of a compound file, in lower case for lookups. It follows chains of
 * sectors only for a bounded number of steps, so that a cycle ends.
 */
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
      if (length >= 2 && length <= 64) names.add(entries.toString("utf16le", at, at + length - 2).toLowerCase());
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
