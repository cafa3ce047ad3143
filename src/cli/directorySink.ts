import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { QwenAsrError } from '../error.js';
import {
  type TranscriptFormatName,
  transcriptWriter,
  type WriterContext,
} from '../transcribe/formats/transcriptFormat.js';
import type { InputRecording } from './inputRecordings.js';
import type { ResultSink } from './resultSink.js';

/** How results become files. */
export interface DirectoryOptions {
  readonly directory: string;
  readonly format: TranscriptFormatName;
  readonly context: Omit<WriterContext, 'input'>;
  /** Told the path of every file that has been written. */
  readonly onFile: (path: string) => void;
}

/**
 * Writes a file for every recording once it is complete, so that no file ever holds half a result.
 *
 * @param recordings all there will be; see {@link outputPaths}
 * @throws QwenAsrError `usage` when two of them would be written to the same file
 */
export function directorySink(
  recordings: readonly InputRecording[],
  { directory, format, context, onFile }: DirectoryOptions,
): ResultSink {
  const paths = outputPaths(recordings, directory, format);
  return {
    segment: () => {},
    finish: (recording, transcript) => {
      const path = paths.get(recording)!;
      const writer = transcriptWriter(format, { ...context, input: recording.input });
      const segments = transcript.segments.map((segment) => writer.segment(segment));
      writeWhole(path, [writer.begin(), ...segments, writer.end(transcript)].join(''));
      onFile(path);
    },
    fail: () => {},
    close: () => {},
  };
}

/**
 * The recording's name with the format's extension in place of its own: `talks/a.mp3` becomes `talks/a.srt`. Recordings
 * that differ in nothing else keep theirs: `a.mp3.srt`, `a.wav.srt`.
 */
export function outputPaths(
  recordings: readonly InputRecording[],
  directory: string,
  format: TranscriptFormatName,
): Map<InputRecording, string> {
  const short = (name: string): string => name.slice(0, name.length - extname(name).length);
  const counts = new Map<string, number>();
  for (const { name } of recordings) counts.set(short(name), (counts.get(short(name)) ?? 0) + 1);
  const taken = new Map<string, InputRecording>();
  const paths = new Map<InputRecording, string>();
  for (const recording of recordings) {
    const { name, input } = recording;
    const path = join(directory, `${counts.get(short(name)) === 1 ? short(name) : name}.${format}`);
    const other = taken.get(path);
    if (other !== undefined) {
      throw new QwenAsrError('usage', `${path}: both ${other.input} and ${input} would be written to it`);
    }
    taken.set(path, recording);
    paths.set(recording, path);
  }
  return paths;
}

function writeWhole(path: string, text: string): void {
  const partial = `${path}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    try {
      writeFileSync(partial, text);
      renameSync(partial, path);
    } catch (error) {
      rmSync(partial, { force: true });
      throw error;
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QwenAsrError('file', `${path}: cannot be written (${reason})`, { cause });
  }
}
