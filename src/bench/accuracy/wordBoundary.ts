/*
 * Python's \b, which the published rules are written with, treats every Unicode letter and digit as part of a word.
 * JavaScript's knows ASCII only and would see a word begin after "é". These are to be used with the flag u.
 */
const WORD = '[\\p{L}\\p{N}_]';

/** Pattern for the place before the first character of a word. */
export const WORD_START = `(?<!${WORD})`;

/** Pattern for the place after the last character of a word. */
export const WORD_END = `(?!${WORD})`;
