import { posix, win32 } from 'node:path';
import { QwenAsrError } from '../error.js';
import { windowsName } from '../model/windowsNames.js';
import type { TranscriptFormatName } from '../transcribe/formats/transcriptFormat.js';
import type { InputRecording } from './inputRecordings.js';

/** Systems whose files mostly go by names of any letter case. */
const FOLDING: ReadonlySet<NodeJS.Platform> = new Set(['win32', 'darwin']);

/**
 * The recording's name with the format's extension in place of its own: `talks/a.mp3` becomes `talks/a.srt`. Recordings
 * that differ in nothing else keep theirs: `a.mp3.srt`, `a.wav.srt`. Those of one name are told apart by the folders that
 * they are in, as few as suffice: `monday/a.srt`, `friday/a.srt`. A recording that is given twice has one file. What
 * Windows does not take is written as `windowsName` says, and names that differ in letter case are one there.
 *
 * @param directory undefined: each file is beside its recording
 * @throws QwenAsrError `usage` when two recordings would still be written to the same file, or standard input beside itself
 */
export function outputPaths(
  recordings: readonly InputRecording[],
  directory: string | undefined,
  format: TranscriptFormatName,
  platform: NodeJS.Platform = process.platform,
): Map<InputRecording, string> {
  if (directory === undefined && recordings.some(({ input }) => input === '-')) {
    throw new QwenAsrError('usage', 'standard input: expected --output-dir for several formats, found none');
  }
  const { join, extname } = pathsOf(platform);
  const names =
    directory === undefined
      ? new Map(recordings.map((recording) => [recording, besideIt(recording, platform)] as const))
      : distinctNames(recordings, platform);
  const short = (name: string): string => name.slice(0, name.length - extname(name).length);
  const counts = new Map<string, number>();
  for (const name of new Set([...names.values()].map((name) => keyOf(name, platform)))) {
    counts.set(short(name), (counts.get(short(name)) ?? 0) + 1);
  }
  const taken = new Map<string, InputRecording>();
  const paths = new Map<InputRecording, string>();
  for (const recording of recordings) {
    const name = names.get(recording)!;
    const isOnly = counts.get(short(keyOf(name, platform))) === 1;
    const path = join(directory ?? '', `${isOnly ? short(name) : name}.${format}`);
    const key = keyOf(path, platform);
    const other = taken.get(key) ?? recording;
    if (locationOf(other, platform) !== locationOf(recording, platform)) {
      const both = `both ${other.input} and ${recording.input}`;
      throw new QwenAsrError('usage', `${path}: ${both} would be written to it`);
    }
    taken.set(key, recording);
    paths.set(recording, path);
  }
  return paths;
}

function besideIt({ input }: InputRecording, platform: NodeJS.Platform): string {
  const { basename } = pathsOf(platform);
  const name = basename(input);
  return input.slice(0, input.length - name.length) + writtenName(name, platform);
}

/** Every recording's name, behind those of so many folders above it that no other recording has the same. */
function distinctNames(
  recordings: readonly InputRecording[],
  platform: NodeJS.Platform,
): Map<InputRecording, string> {
  const { join, sep } = pathsOf(platform);
  const written = (parts: readonly string[]): string =>
    join(...parts.map((part) => writtenName(part, platform)));
  const writtenKey = ({ name }: InputRecording): string => keyOf(written(name.split(sep)), platform);
  const placesByName = new Map<string, Set<string>>();
  for (const recording of recordings) {
    const key = writtenKey(recording);
    const places = placesByName.get(key) ?? new Set();
    placesByName.set(key, places.add(locationOf(recording, platform)));
  }
  const names = new Map<InputRecording, string>();
  for (const recording of recordings) {
    const places = placesByName.get(writtenKey(recording))!;
    const folders = places.size === 1 ? [] : foldersAbove(recording, places, platform);
    names.set(recording, written([...folders, ...recording.name.split(sep)]));
  }
  return names;
}

/** The last folders of a recording's place, as many as make it differ from all others. */
function foldersAbove(
  recording: InputRecording,
  places: ReadonlySet<string>,
  platform: NodeJS.Platform,
): string[] {
  const { resolve, sep } = pathsOf(platform);
  const above = (place: string): string[] =>
    place
      .slice(0, place.length - recording.name.length)
      .split(sep)
      .filter((part) => part !== '');
  const all = [...places].map(above);
  const own = above(resolve(recording.input));
  const longest = Math.max(...all.map(({ length }) => length));
  for (let count = 1; count < longest; count++) {
    const tails = new Set(all.map((parts) => parts.slice(-count).join(sep)));
    if (tails.size === places.size) return own.slice(-count);
  }
  return own;
}

/** Where a recording is, however it was written. */
function locationOf({ input }: InputRecording, platform: NodeJS.Platform): string {
  return input === '-' ? input : keyOf(pathsOf(platform).resolve(input), platform);
}

/** Equal for names that are the same to the system. */
function keyOf(name: string, platform: NodeJS.Platform): string {
  return FOLDING.has(platform) ? name.normalize('NFC').toLowerCase() : name;
}

function writtenName(name: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? windowsName(name) : name;
}

function pathsOf(platform: NodeJS.Platform): typeof posix {
  return platform === 'win32' ? win32 : posix;
}
