import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
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
import { outputPaths } from './outputPaths.js';
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

function writeTranscript(path: string, text: string): void {
  makeOutputFolder(dirname(path));
  try {
    writeWhole(path, text);
  } catch (cause) {
    throw fileError(`${path}: cannot be written`, cause);
  }
}
