// The result of a benchmark, in the format of `go test -bench`, which benchstat reads.

/** The measurements of a benchmark. */
export class BenchmarkResult {
  /** The number of times that the operation was done. */
  readonly n: number;
  /** Milliseconds for all operations together. */
  readonly ms: number;
  /** The bytes that each operation processes, if the benchmark tells. */
  readonly bytes: number;
  /**
   * The bytes of heap that all operations allocated together; `undefined` if that was not measured.
   */
  readonly allocated: number | undefined;
  /** Additional values that the benchmark reports, by unit. */
  readonly extra: ReadonlyMap<string, number>;

  constructor(n: number, ms: number, bytes: number, allocated: number | undefined, extra: ReadonlyMap<string, number>) {
    this.n = n;
    this.ms = ms;
    this.bytes = bytes;
    this.allocated = allocated;
    this.extra = extra;
  }

  nsPerOp(): number {
    return this.extra.get("ns/op") ?? (this.n === 0 ? 0 : (this.ms * 1e6) / this.n);
  }

  mbPerSec(): number {
    return this.extra.get("MB/s") ?? (this.bytes === 0 || this.ms === 0 ? 0 : (this.bytes * this.n) / 1e3 / this.ms);
  }

  allocedBytesPerOp(): number {
    return this.extra.get("B/op") ?? (this.n === 0 ? 0 : Math.round((this.allocated ?? 0) / this.n));
  }

  /** Go's line, without the name: `     100	  12345 ns/op	  12 B/op`. */
  toString(): string {
    const parts = [String(this.n).padStart(8)];
    const ns = this.nsPerOp();
    if (ns !== 0) parts.push(measure(ns, "ns/op"));
    const rate = this.mbPerSec();
    if (rate !== 0) parts.push(`${rate.toFixed(2).padStart(7)} MB/s`);
    const units = [...this.extra].filter(([unit]) => !["ns/op", "MB/s", "B/op"].includes(unit));
    units.sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [unit, value] of units) parts.push(measure(value, unit));
    if (this.allocated !== undefined || this.extra.has("B/op")) {
      parts.push(`${String(this.allocedBytesPerOp()).padStart(8)} B/op`);
    }
    return parts.join("\t");
  }
}

/** A value with the number of digits that Go prints: at least four significant ones. */
function measure(value: number, unit: string): string {
  const size = Math.abs(value);
  const limits = [999.95, 99.995, 9.9995, 0.99995, 0.099995, 0.0099995, 0.00099995];
  const found = limits.findIndex((limit) => size >= limit);
  const digits = value === 0 ? 0 : found < 0 ? limits.length : found;
  // The decimal points of a column are aligned.
  const width = digits === 0 ? 10 : 11 + digits;
  return `${value.toFixed(digits).padStart(width)} ${unit}`;
}
