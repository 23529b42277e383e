// Numbers as bytes.

const powers: Float64Array = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);

/**
 * The number that a text means; NaN if it is not a number. With up to 15 digits, the quotient of
 * two exact numbers is correctly rounded. Every other text takes the slow way.
 */
export function parseNumber(bytes: Buffer, start: number, end: number): number {
  let pos = start;
  const negative = bytes[pos] === 0x2d;
  if (negative) pos++;
  let mantissa = 0;
  let digits = 0;
  let point = -1;
  for (; pos < end; pos++) {
    const byte = bytes[pos]!;
    const digit = byte - 0x30;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digits++;
    } else if (byte === 0x2e && point < 0) {
      point = digits;
    } else {
      return parseLong(bytes, start, end);
    }
  }
  if (digits === 0 || digits > 15) return parseLong(bytes, start, end);
  const value = point < 0 ? mantissa : mantissa / powers[digits - point]!;
  return negative ? -value : value;
}

function parseLong(bytes: Buffer, start: number, end: number): number {
  if (end - start > 400) return Number.NaN;
  const text = bytes.toString("latin1", start, end);
  return /^[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
}
