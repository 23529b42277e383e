// The ends of Excel's binary files. They are sequences of records, and the last one says that it is
// the last. The library reads the records that are there, so a part that is cut off would be read
// as fewer rows. That is found out here.
//
//   .xls   A stream of [type: u16, length: u16, bytes]: a substream for the workbook and one for each
//          sheet, from BOF to EOF. The workbook's lists the places of the others ([MS-XLS] 2.1).
//   .xlsb  Parts of [type: 1 or 2 bytes, length: 1 to 4 bytes, bytes]. Type and length have 7 bits in
//          a byte; the high bit says that another one follows ([MS-XLSB] 2.1.4).

/**
 * Parts of an .xlsb by the record that begins them, with the one that ends them: workbook, shared
 * strings, styles, sheet.
 */
const ENDS: ReadonlyMap<number, number> = new Map([
  [131, 132],
  [159, 160],
  [278, 279],
  [129, 130],
]);
/** The usual names of these parts. */
const HAS_END = /(?:^|\/)(?:workbook|sharedStrings|styles|sheet\d+)\.bin$/i;

/** The records of a part of an .xlsb, as its bytes come, up to the one that ends it. */
export class PartRecords {
  readonly #named: boolean;
  #first: number | undefined;
  #ended = false;
  /**
   * The type and the length of the record that begins, as far as they are read, and the number of
   * their bytes.
   */
  #type = 0;
  #length = 0;
  #typeBytes = 0;
  #lengthBytes = 0;
  #inType = true;
  /** Bytes of a record that are left to pass over. */
  #left = 0;

  constructor(part: string) {
    this.#named = HAS_END.test(part);
  }

  /** True if the part has an end, and it has not come. */
  get cutOff(): boolean {
    return !this.#ended && (this.#first === undefined ? this.#named : ENDS.has(this.#first));
  }

  add(piece: Uint8Array): void {
    for (let at = 0; at < piece.length && !this.#ended;) {
      const passed = Math.min(this.#left, piece.length - at);
      this.#left -= passed;
      at += passed;
      if (passed === 0) this.#head(piece[at++]!);
      else if (this.#left === 0) this.#close();
    }
  }

  /** A byte of type or length. */
  #head(byte: number): void {
    if (this.#inType) {
      this.#type |= (byte & 0x7f) << (7 * this.#typeBytes++);
      this.#inType = byte >= 0x80 && this.#typeBytes < 2;
      return;
    }
    this.#length |= (byte & 0x7f) << (7 * this.#lengthBytes++);
    if (byte >= 0x80 && this.#lengthBytes < 4) return;
    this.#left = this.#length;
    if (this.#left === 0) this.#close();
  }

  /** A record is whole. */
  #close(): void {
    this.#first ??= this.#type;
    this.#ended = this.#type === ENDS.get(this.#first);
    [this.#type, this.#length, this.#typeBytes, this.#lengthBytes, this.#inType] = [0, 0, 0, 0, true];
  }
}

/** BOF of BIFF 2, 3, 4, and 5 and 8. */
const BEGINS: ReadonlySet<number> = new Set([0x0009, 0x0209, 0x0409, 0x0809]);
const EOF = 0x000a;
const BOUND_SHEET = 0x0085;

/**
 * The number of the sheet of an .xls that is cut off, from 1. 0 means the workbook's own part;
 * undefined means that nothing is cut off.
 *
 * @param stream the stream of its records
 */
export function cutOffIn(stream: Buffer): number | undefined {
  const places: number[] = [];
  const whole = passSubstream(stream, 0, (type, at, length) => {
    if (type === BOUND_SHEET && length >= 4) places.push(stream.readUInt32LE(at));
  });
  if (!whole) return 0;
  const cut = places.findIndex(
    (place) => place + 2 > stream.length || (isBegin(stream, place) && !passSubstream(stream, place)),
  );
  return cut < 0 ? undefined : cut + 1;
}

function isBegin(stream: Buffer, at: number): boolean {
  return BEGINS.has(stream.readUInt16LE(at));
}

/**
 * Passes over a substream, with those inside of it, such as charts; false if the stream ends before
 * it does.
 */
function passSubstream(
  stream: Buffer,
  from: number,
  seen: (type: number, at: number, length: number) => void = () => {},
): boolean {
  let depth = 0;
  for (let at = from; at + 4 <= stream.length;) {
    const type = stream.readUInt16LE(at);
    const length = stream.readUInt16LE(at + 2);
    if (at + 4 + length > stream.length) return false;
    if (BEGINS.has(type)) depth++;
    else if (type === EOF && --depth <= 0) return true;
    seen(type, at + 4, length);
    at += 4 + length;
  }
  return false;
}
