import type { WavHeader } from './wavHeader.js';

/** Shortest difference that is told, in seconds: less is padding, or a header that was rounded. */
const LEAST_SECONDS = 0.01;
/** Bytes of no known kind behind the samples that are told. */
const LEAST_BYTES = 256;

/**
 * Says where a WAV file and its header differ in length: what is missing, what was read beyond it, and what was not read.
 * Partial frames do not count.
 */
export function wavNotes(header: WavHeader, label: string): string[] {
  const { claimedBytes, dataBytes, unread, frameBytes, sampleRateHz } = header;
  const seconds = (bytes: number): number => bytes / frameBytes / sampleRateHz;
  const [read, claimed] = [seconds(dataBytes), seconds(claimedBytes ?? dataBytes)];
  const notes: string[] = [];
  if (claimedBytes !== null && claimedBytes - dataBytes >= frameBytes) {
    notes.push(`${label}: ${read.toFixed(1)} s of ${claimed.toFixed(1)} s are there`);
  }
  if (read - claimed >= LEAST_SECONDS) {
    const found = `the file holds ${read.toFixed(2)} s, and all of it was read`;
    notes.push(`${label}: the header says ${claimed.toFixed(2)} s; ${found}`);
  }
  if (unread.seconds >= LEAST_SECONDS) {
    const found = `${unread.seconds.toFixed(2)} s that follow were not (files that were joined, or a second "data" chunk)`;
    notes.push(`${label}: the first ${read.toFixed(2)} s were read; ${found}`);
  }
  if (unread.bytes >= LEAST_BYTES) {
    notes.push(`${label}: ${unread.bytes} bytes behind its ${read.toFixed(2)} s were not read`);
  }
  return notes;
}
