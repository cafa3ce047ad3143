import { accessSync, constants } from 'node:fs';
import { QwenAsrError } from '../error.js';
import { fileError } from '../model/fileError.js';
import { makeOutputFolder } from '../model/makeOutputFolder.js';
import { printableLine, printableText } from '../printable.js';
import type { TranscriptFormatName } from '../transcribe/formats/transcriptFormat.js';
import { checkOutputs, modelFiles, recordingFiles } from './checkOutputs.js';
import { directorySink, outputPaths } from './directorySink.js';
import type { Inputs } from './inputRecordings.js';
import { jsonLinesSink, jsonSink } from './jsonSinks.js';
import { LiveText } from './liveText.js';
import { ProgressLine, type Status, terminalColumns } from './progressLine.js';
import type { ResultSink } from './resultSink.js';
import type { CommandContext } from './runCommand.js';
import { TerminalScreen } from './terminalScreen.js';
import { streamSink, textListSink } from './textSinks.js';

/** The options that say where results go, and how. */
export interface SinkOptions {
  readonly format?: TranscriptFormatName;
  readonly json?: true;
  readonly logprobs?: true;
  readonly 'output-dir'?: string;
}

/**
 * Refuses what could not be written, or would take the place of what is read, before anything slow begins, and makes the
 * output directory.
 *
 * @param model the model directory, whose files are not to be replaced either
 * @throws QwenAsrError `usage`, or `file` for an output directory that is none
 */
export function checkSink(options: SinkOptions, { recordings, several }: Inputs, model: string): void {
  const format = formatOf(options);
  const directory = options['output-dir'];
  if (options.logprobs && format !== 'json' && format !== 'jsonl') {
    throw new QwenAsrError('usage', `--logprobs: expected -o json or -o jsonl, found ${format}`);
  }
  if (directory !== undefined) {
    if (directory === '') throw new QwenAsrError('usage', '--output-dir: expected a directory, found ""');
    const paths = new Set(outputPaths(recordings, directory, format).values());
    makeOutputFolder(directory);
    checkWritable(directory);
    checkOutputs(
      [...paths].map((path) => ({ path, label: path })),
      [...recordingFiles(recordings.map(({ input }) => input)), ...modelFiles(model)],
    );
  } else if (several && (format === 'srt' || format === 'vtt')) {
    throw new QwenAsrError('usage', `-o ${format}: expected --output-dir for several recordings, found none`);
  }
}

/** The sink that the options ask for, and where progress is shown beside it. */
export function openSink(
  options: SinkOptions,
  { recordings, several }: Inputs,
  { out, err, outIsTerminal, errIsTerminal }: CommandContext,
): { sink: ResultSink; progress: Status } {
  const line = new ProgressLine({ err, errIsTerminal });
  const format = formatOf(options);
  const directory = options['output-dir'];
  const context = { logProbabilities: options.logprobs === true };
  if (directory !== undefined) {
    const onFile = (path: string): void => out(`${outIsTerminal ? printableLine(path) : path}\n`);
    return { sink: directorySink(recordings, { directory, format, context, onFile }), progress: line };
  }
  if (format === 'json') return { sink: jsonSink(out, context, several), progress: line };
  if (format === 'jsonl') return { sink: jsonLinesSink(out, context), progress: line };
  const show = outIsTerminal ? (text: string): void => out(printableText(text)) : out;
  if (several) return { sink: textListSink(show), progress: line };
  if (format !== 'txt' || !outIsTerminal) {
    const sink = streamSink(show, format, { ...context, input: recordings[0]?.input ?? '' });
    return { sink, progress: line };
  }
  if (!errIsTerminal) return { sink: new LiveText(show), progress: line };
  const screen = new TerminalScreen(out, terminalColumns);
  return { sink: new LiveText((text) => screen.print(printableText(text))), progress: screen };
}

function checkWritable(directory: string): void {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw fileError(`${directory}: cannot be written to`, cause);
  }
}

function formatOf({ format, json }: SinkOptions): TranscriptFormatName {
  return json ? 'json' : (format ?? 'txt');
}
