import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A recording that the demo model was not trained on; the README of its folder. */
export interface HeldOutClip {
  readonly file: string;
  readonly language: string;
  readonly text: string;
  /** Where each unit lies; some have none. */
  readonly words?: readonly (readonly [unit: string, startMs: number, endMs: number])[];
}

/** All clips of the held-out folder, in its order. */
export function heldOutClips(directory: string): HeldOutClip[] {
  const lines = readFileSync(join(directory, 'clips.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}
