// The findings of /race, for diagnostics that need only these and not the detector itself.

export const races: { found: number; last: string } = { found: 0, last: "" };
