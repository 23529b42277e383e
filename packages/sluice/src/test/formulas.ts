// Texts that spreadsheet programs run, or do not run: one table for every writer of reject files.

/** A text, and what stands for it in a file of text. */
export const FORMULA_CASES: readonly (readonly [text: string, written: string])[] = [
  ["=1+1", "'=1+1"],
  ["+49 30 123", "'+49 30 123"],
  ["-5", "'-5"],
  ["@SUM(1)", "'@SUM(1)"],
  ["\tx", "'\tx"],
  ["\rx", "'\rx"],
  ["\nx", "'\nx"],
  ["＝1+1", "'＝1+1"],
  ["＋1", "'＋1"],
  ["－1", "'－1"],
  ["＠x", "'＠x"],
  ["  =1+1", "'  =1+1"],
  ['"=1+1', `'"=1+1`],
  // Where the program's separator is another one than the file's, the quotes around this do not
  // hold.
  ["a;=1+1", "a;'=1+1"],
  ["a; =1+1", "a;' =1+1"],
  ['a;"=1+1;"', `a;'"=1+1;"`],
  ["a\t@x", "a\t'@x"],
  ["a|-1", "a|'-1"],
  ["a\n=1+1", "a\n'=1+1"],
  ["a\r\n－1", "a\r\n'－1"],
  ["a;;＝1;+2", "a;;'＝1;'+2"],
  ["\t=1", "'\t'=1"],
  // What looks as if it had got an apostrophe already gets one more.
  ["'=1", "''=1"],
  ["a;'=1", "a;''=1"],
  ["'''-x", "''''-x"],
  // No formula, whichever program reads it.
  ["plain", "plain"],
  ["a=1", "a=1"],
  ["a,=1", "a,=1"],
  ["'plain", "'plain"],
  ["a; b", "a; b"],
  ["two\r\nlines", "two\r\nlines"],
  ["a\n\nb", "a\n\nb"],
  ["085232", "085232"],
];

/**
 * What a program begins a formula with: the places behind every separator but the comma, which
 * quotes do protect.
 */
export const FOREIGN_FORMULA: RegExp = /(?:^|[;|\t\r\n])[ "]*[=+\-@＝＋－＠]/;
