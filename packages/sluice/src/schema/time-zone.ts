// Times without a zone, in a stated zone: which moment they are.
//
// A zone is a name of the IANA's (`Europe/Berlin`) or an offset (`+02:00`). An hour that a zone
// passes over in spring does not exist, and one that it has twice in autumn can be read in two
// ways; neither becomes a moment.

/** The explanation of how a zone is written, for messages. */
export const TIME_ZONE_HELP = "UTC, a name such as Europe/Berlin, or an offset such as +02:00";

/** The offset of a local time, such as `+02:00`, or why it has none. */
export type OffsetOf = (local: string) => { readonly offset: string } | "never" | "twice";

const zones = new Map<string, OffsetOf | undefined>();

/** Reports whether a text names a zone. */
export function isTimeZone(zone: string): boolean {
  return offsetIn(zone) !== undefined;
}

/**
 * A function that finds the offset of local times (`2020-03-29T02:30:00.000`, with a blank or a T)
 * in a zone; undefined if the text does not name a zone.
 */
export function offsetIn(zone: string): OffsetOf | undefined {
  if (!zones.has(zone)) zones.set(zone, make(zone));
  return zones.get(zone);
}

function make(zone: string): OffsetOf | undefined {
  if (/^[+-](?:0\d|1[0-5]):?(?:[0-5]\d)?$/.test(zone)) {
    const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)!;
    const offset = `${sign}${hours}:${minutes ?? "00"}`;
    return () => ({ offset });
  }
  if (!/^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/.test(zone)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", era: "short", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
      second: "numeric",
    }); // prettier-ignore
  } catch {
    return undefined;
  }
  const secondsAt = (moment: number): number => Math.round((localOf(format, moment) - moment) / 1000);
  return (local) => {
    const wanted = Date.parse(`${local.replace(" ", "T")}Z`);
    // No zone is further than a day from UTC, and none changes twice in two days.
    const offsets = new Set([wanted - 86_400_000, wanted + 86_400_000].map(secondsAt));
    const fitting = [...offsets].filter((seconds) => secondsAt(wanted - seconds * 1000) === seconds);
    if (fitting.length !== 1) return fitting.length === 0 ? "never" : "twice";
    return { offset: offsetText(fitting[0]!) };
  };
}

/** The time on the clocks of a zone at a moment, as if they were UTC. */
function localOf(format: Intl.DateTimeFormat, moment: number): number {
  const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
  const [year, month, day, hour, minute, second] = ["year", "month", "day", "hour", "minute", "second"].map((name) =>
    Number(parts[name]),
  ) as [number, number, number, number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(parts["era"] === "BC" ? 1 - year : year, month - 1, day);
  return date.setUTCHours(hour, minute, second, moment - Math.floor(moment / 1000) * 1000);
}

/** Before there were zones, offsets had seconds. */
function offsetText(seconds: number): string {
  const size = Math.abs(seconds);
  const fields = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60].map((n) =>
    String(n).padStart(2, "0"),
  );
  return (seconds < 0 ? "-" : "+") + (size % 60 === 0 ? fields.slice(0, 2) : fields).join(":");
}
