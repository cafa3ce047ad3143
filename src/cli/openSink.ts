import { statSync } from 'node:fs';
import { QwenAsrError } from '../error.js';
import type { TranscriptFormatName } from '../transcribe/formats/transcriptFormat.js';
import { directorySink, outputPaths } from './directorySink.js';
import type { Inputs } from './inputRecordings.js';
import { jsonLinesSink, jsonSink } from './jsonSinks.js';
import { LiveText } from './liveText.js';
import type { ResultSink } from './resultSink.js';
import type { CommandContext } from './runCommand.js';
import { streamSink, textListSink } from './textSinks.js';

/** The options that say where results go, and how. */
export interface SinkOptions {
  readonly format?: TranscriptFormatName;
  readonly json?: true;
  readonly logprobs?: true;
  readonly 'output-dir'?: string;
}

/**
 * Refuses what could not be written, before anything slow begins.
 *
 * @throws QwenAsrError `usage`, or `file` for an output directory that is none
 */
export function checkSink(options: SinkOptions, { recordings, several }: Inputs): void {
  const format = formatOf(options);
  const directory = options['output-dir'];
  if (options.logprobs && format !== 'json' && format !== 'jsonl') {
    throw new QwenAsrError('usage', `--logprobs: expected -o json or -o jsonl, found ${format}`);
  }
  if (directory !== undefined) {
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === false) {
      throw new QwenAsrError('file', `${directory}: expected a directory, found a file`);
    }
    outputPaths(recordings, directory, format);
  } else if (several && (format === 'srt' || format === 'vtt')) {
    throw new QwenAsrError('usage', `-o ${format}: expected --output-dir for several recordings, found none`);
  }
}

/** The sink that the options ask for. */
export function openSink(
  options: SinkOptions,
  { recordings, several }: Inputs,
  { out, outIsTerminal }: CommandContext,
): ResultSink {
  const format = formatOf(options);
  const directory = options['output-dir'];
  const context = { logProbabilities: options.logprobs === true };
  if (directory !== undefined) {
    const onFile = (path: string): void => out(`${path}\n`);
    return directorySink(recordings, { directory, format, context, onFile });
  }
  if (format === 'json') return jsonSink(out, context, several);
  if (format === 'jsonl') return jsonLinesSink(out, context);
  if (several) return textListSink(out);
  if (format === 'txt' && outIsTerminal) return new LiveText(out);
  return streamSink(out, format, { ...context, input: recordings[0]?.input ?? '' });
}

function formatOf({ format, json }: SinkOptions): TranscriptFormatName {
  return json ? 'json' : (format ?? 'txt');
}
