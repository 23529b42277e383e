// The ASCII characters that readers look for, as bytes.
export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const BANG = 0x21;
export const QUOTE = 0x22;
export const AMP = 0x26;
export const APOS = 0x27;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const LT = 0x3c;
export const EQUALS = 0x3d;
export const GT = 0x3e;
export const QUESTION = 0x3f;
export const BACKSLASH = 0x5c;
export const UNDERSCORE = 0x5f;
