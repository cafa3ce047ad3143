import { decimalNumber } from './optionValues.js';

/** Longest segment: the length at which the published package splits. */
const MAX_SEGMENT_SECONDS = 1200;

const readLength = decimalNumber(1, MAX_SEGMENT_SECONDS, '0 (never), or seconds');

/** Length of segments, or 0 for none. */
export const segmentSeconds = (text: string, option: string): number =>
  text === '0' ? 0 : readLength(text, option);
