import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { fileError, QwenAsrError } from '../error.js';
import { makeOutputFolder, writeWhole } from '../model/writeWhole.js';
import { printableLine, printableText } from '../printable.js';
import {
  type TranscriptFormatName,
  transcriptWriter,
  type WriterContext,
} from '../transcribe/formats/transcriptFormat.js';
import { checkOutputs, modelFiles, recordingFiles } from './checkOutputs.js';
import type { InputRecording, Inputs } from './inputRecordings.js';
import {
  jsonLinesSink,
  jsonSink,
  LiveTranscript,
  type ResultSink,
  streamSink,
  textListSink,
} from './resultSinks.js';
import type { CommandContext } from './runCommand.js';
import { ProgressLine, type Status, TerminalScreen, terminalColumns } from './terminalScreen.js';

/** The options that say where results go, and how. */
interface SinkOptions {
  readonly format?: readonly (readonly TranscriptFormatName[])[];
  readonly json?: true;
  readonly logprobs?: true;
  readonly 'output-dir'?: string;
}

/** The formats that were asked for, each once; `txt` without any. */
export function formatsOf({ format = [], json }: SinkOptions): readonly TranscriptFormatName[] {
  const formats = new Set([...format.flat(), ...(json ? (['json'] as const) : [])]);
  return formats.size === 0 ? ['txt'] : [...formats];
}

/**
 * Refuses what could not be written, or would take the place of what is read, before anything slow begins, and makes the
 * output directory.
 *
 * @param model the model directory, whose files are not to be replaced either
 * @throws QwenAsrError `usage`, or `file` for an output directory that is none
 */
export function checkSink(options: SinkOptions, { recordings, several }: Inputs, model: string): void {
  const formats = formatsOf(options);
  const [format] = formats;
  const directory = options['output-dir'];
  if (options.logprobs && !formats.some((name) => name === 'json' || name === 'jsonl')) {
    throw new QwenAsrError('usage', `--logprobs: expected -o json or -o jsonl, found ${formats.join()}`);
  }
  if (directory === '') throw new QwenAsrError('usage', '--output-dir: expected a directory, found ""');
  if (directory !== undefined || formats.length > 1) {
    const paths = formats.flatMap((name) => [...outputPaths(recordings, directory, name).values()]);
    if (directory !== undefined) makeOutputFolder(directory);
    for (const folder of new Set(
      directory === undefined ? paths.map((path) => dirname(path)) : [directory],
    )) {
      checkWritableFolder(folder);
    }
    checkOutputs(
      [...new Set(paths)].map((path) => ({ path, label: path })),
      [...recordingFiles(recordings.map(({ input }) => input)), ...modelFiles(model)],
    );
    if (directory === undefined) for (const path of paths) checkAbsent(path);
  } else if (several && ONE_RECORDING.has(format!)) {
    throw new QwenAsrError('usage', `-o ${format}: expected --output-dir for several recordings, found none`);
  }
}

/** Formats that cannot hold several recordings. */
const ONE_RECORDING: ReadonlySet<TranscriptFormatName> = new Set(['srt', 'vtt', 'lrc', 'tsv']);

/** Beside a recording there may be a text of it that somebody wrote. */
function checkAbsent(path: string): void {
  if (!existsSync(path)) return;
  throw new QwenAsrError(
    'file',
    `${path}: exists already; --output-dir DIR says where files may be replaced`,
  );
}

/** The sink that the options ask for, and where progress is shown beside it. */
export function openSink(
  options: SinkOptions,
  { recordings, several }: Inputs,
  { out, err, outIsTerminal, errIsTerminal }: CommandContext,
): { sink: ResultSink; progress: Status } {
  const line = new ProgressLine({ err, errIsTerminal });
  const formats = formatsOf(options);
  const format = formats[0]!;
  const directory = options['output-dir'];
  const context = { logProbabilities: options.logprobs === true };
  if (directory !== undefined || formats.length > 1) {
    const onFile = (path: string): void => out(`${outIsTerminal ? printableLine(path) : path}\n`);
    return { sink: directorySink(recordings, { directory, formats, context, onFile }), progress: line };
  }
  if (format === 'json') return { sink: jsonSink(out, context, several), progress: line };
  if (format === 'jsonl') return { sink: jsonLinesSink(out, context), progress: line };
  const show = outIsTerminal ? (text: string): void => out(printableText(text)) : out;
  if (several) return { sink: textListSink(show), progress: line };
  if (format !== 'txt' || !outIsTerminal) {
    const sink = streamSink(show, format, { ...context, input: recordings[0]?.input ?? '' });
    return { sink, progress: line };
  }
  if (!errIsTerminal) return { sink: new LiveTranscript(show), progress: line };
  const screen = new TerminalScreen(out, terminalColumns);
  return { sink: new LiveTranscript((text) => screen.print(printableText(text))), progress: screen };
}

function checkWritableFolder(directory: string): void {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw fileError(`${directory}: cannot be written to`, cause);
  }
}

/** How results become files. */
interface DirectoryOptions {
  /** Undefined: each beside its recording. */
  readonly directory: string | undefined;
  readonly formats: readonly TranscriptFormatName[];
  readonly context: Omit<WriterContext, 'input'>;
  /** Told the path of every file that has been written. */
  readonly onFile: (path: string) => void;
}

/**
 * Writes a file in each format for every recording once it is complete, so that no file ever holds half a result.
 *
 * @param recordings all there will be; see {@link outputPaths}
 * @throws QwenAsrError `usage` when two of them would be written to the same file
 */
export function directorySink(
  recordings: readonly InputRecording[],
  { directory, formats, context, onFile }: DirectoryOptions,
): ResultSink {
  const paths = formats.map((format) => ({ format, of: outputPaths(recordings, directory, format) }));
  return {
    segment: () => {},
    finish: (recording, transcript) => {
      for (const { format, of } of paths) {
        const writer = transcriptWriter(format, { ...context, input: recording.input });
        const segments = transcript.segments.map((segment) => writer.segment(segment));
        writeTranscript(of.get(recording)!, [writer.begin(), ...segments, writer.end(transcript)].join(''));
        onFile(of.get(recording)!);
      }
    },
    fail: () => {},
    close: () => {},
  };
}

/**
 * The recording's name with the format's extension in place of its own: `talks/a.mp3` becomes `talks/a.srt`. Recordings
 * that differ in nothing else keep theirs: `a.mp3.srt`, `a.wav.srt`. Those of one name are told apart by the folders that
 * they are in, as few as suffice: `monday/a.srt`, `friday/a.srt`. A recording that is given twice has one file.
 *
 * @param directory undefined: each file is beside its recording
 * @throws QwenAsrError `usage` when two recordings would still be written to the same file, or standard input beside itself
 */
export function outputPaths(
  recordings: readonly InputRecording[],
  directory: string | undefined,
  format: TranscriptFormatName,
): Map<InputRecording, string> {
  if (directory === undefined && recordings.some(({ input }) => input === '-')) {
    throw new QwenAsrError('usage', 'standard input: expected --output-dir for several formats, found none');
  }
  const names =
    directory === undefined
      ? new Map(recordings.map((recording) => [recording, recording.input] as const))
      : distinctNames(recordings);
  const short = (name: string): string => name.slice(0, name.length - extname(name).length);
  const counts = new Map<string, number>();
  for (const name of new Set(names.values())) counts.set(short(name), (counts.get(short(name)) ?? 0) + 1);
  const taken = new Map<string, InputRecording>();
  const paths = new Map<InputRecording, string>();
  for (const recording of recordings) {
    const name = names.get(recording)!;
    const path = join(directory ?? '', `${counts.get(short(name)) === 1 ? short(name) : name}.${format}`);
    const other = taken.get(path) ?? recording;
    if (locationOf(other) !== locationOf(recording)) {
      const both = `both ${other.input} and ${recording.input}`;
      throw new QwenAsrError('usage', `${path}: ${both} would be written to it`);
    }
    taken.set(path, recording);
    paths.set(recording, path);
  }
  return paths;
}

/** Every recording's name, behind those of so many folders above it that no other recording has the same. */
function distinctNames(recordings: readonly InputRecording[]): Map<InputRecording, string> {
  const placesByName = new Map<string, Set<string>>();
  for (const recording of recordings) {
    const places = placesByName.get(recording.name) ?? new Set();
    placesByName.set(recording.name, places.add(locationOf(recording)));
  }
  const names = new Map<InputRecording, string>();
  for (const recording of recordings) {
    const places = placesByName.get(recording.name)!;
    const folders = places.size === 1 ? [] : foldersAbove(recording, places);
    names.set(recording, join(...folders, recording.name));
  }
  return names;
}

/** The last folders of a recording's place, as many as make it differ from all others. */
function foldersAbove(recording: InputRecording, places: ReadonlySet<string>): string[] {
  const above = (place: string): string[] =>
    place
      .slice(0, place.length - recording.name.length)
      .split(sep)
      .filter((part) => part !== '');
  const all = [...places].map(above);
  const own = above(locationOf(recording));
  const longest = Math.max(...all.map(({ length }) => length));
  for (let count = 1; count < longest; count++) {
    const tails = new Set(all.map((parts) => parts.slice(-count).join(sep)));
    if (tails.size === places.size) return own.slice(-count);
  }
  return own;
}

/** Where a recording is, however it was written. */
function locationOf({ input }: InputRecording): string {
  return input === '-' ? input : resolve(input);
}

function writeTranscript(path: string, text: string): void {
  makeOutputFolder(dirname(path));
  try {
    writeWhole(path, text);
  } catch (cause) {
    throw fileError(`${path}: cannot be written`, cause);
  }
}
