import type { WavHeader } from './wavHeader.js';

/** Says how much of a WAV file is missing when it is shorter than its header says; partial frames do not count. */
export function wavNotes(
  { claimedBytes, dataBytes, frameBytes, sampleRateHz }: WavHeader,
  label: string,
): string[] {
  if (claimedBytes === null || claimedBytes - dataBytes < frameBytes) return [];
  const seconds = (bytes: number): string => (bytes / frameBytes / sampleRateHz).toFixed(1);
  return [`${label}: ${seconds(dataBytes)} s of ${seconds(claimedBytes)} s are there`];
}
