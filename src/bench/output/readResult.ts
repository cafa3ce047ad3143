import { readFileSync } from 'node:fs';
import { QwenAsrError } from '../../error.js';
import { summarizeResult } from '../analysis/summarizeResult.js';
import { type BenchEvent, EVENTS } from '../record/benchEvent.js';
import { ResultBuilder } from '../record/resultRecorder.js';
import {
  BENCH_RESULT_SCHEMA,
  BENCH_RESULT_VERSION,
  type BenchResult,
  benchResultSchema,
} from '../schema/benchResult.js';
import { findViolation, withArticle } from '../schema/jsonSchema.js';
import type { Fields } from '../schema/shape.js';

/**
 * Reads a result that qwen_asr_bench wrote as JSON or JSONL, an interrupted JSONL file included.
 *
 * @throws QwenAsrError `file` when it cannot be read; `compare` when it is no result of a known version, naming the
 *   first thing that is wrong
 * @example
 * const { cells } = readResult('before.json');
 */
export function readResult(path: string): BenchResult {
  return parseResult(readText(path), path);
}

/** The same from text; `where` names it in messages. */
export function parseResult(text: string, where: string): BenchResult {
  if (isJsonl(text)) return buildResult(parseEvents(text, where), where);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new QwenAsrError(
      'compare',
      `${where}: expected a result of qwen_asr_bench as JSON or JSONL, found ${describeText(text, error as Error)}`,
      { cause: error },
    );
  }
  return checkBenchResult(value, where);
}

/** How the formats begin that hold less than a result, and what they leave out. */
const OTHER_FORMATS: readonly (readonly [start: RegExp, description: string])[] = [
  [/^kind,run,/, 'CSV, which has the runs but not what was asked for'],
  [/^### qwen_asr_bench/, 'Markdown, which has no single runs'],
  [/^tool +qwen_asr_bench /, 'text, which has no single runs'],
  [/^<!doctype html>/i, 'HTML; its "Download as JSON" gives the result'],
];

function describeText(text: string, { message }: Error): string {
  if (text.trim() === '') return 'an empty file';
  const known = OTHER_FORMATS.find(([start]) => start.test(text));
  if (known === undefined) return `text that is not JSON (${message})`;
  const [, description] = known;
  return description.includes(';') ? description : `${description}; use the .json or .jsonl export`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const found = code === 'ENOENT' ? 'nothing there' : code === 'EISDIR' ? 'a directory' : message;
    throw new QwenAsrError('file', `${path}: expected a result of qwen_asr_bench, found ${found}`, {
      cause: error,
    });
  }
}

/** Its first line is a whole event; the first line of an indented document is a brace. */
function isJsonl(text: string): boolean {
  const [line = ''] = text.split('\n', 1);
  try {
    return Object.hasOwn(JSON.parse(line), 'event');
  } catch {
    return false;
  }
}

/**
 * The events of a JSONL file. A last line that was cut off is left out, events this version does not know too.
 *
 * @throws QwenAsrError `compare` naming the line that is no event
 */
export function parseEvents(text: string, where: string): BenchEvent[] {
  const lines = text.split('\n');
  const events: BenchEvent[] = [];
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    let event: unknown;
    try {
      event = JSON.parse(line);
    } catch {
      // Whole lines end with a line feed; without one the writer was killed while it wrote.
      if (index === lines.length - 1) return;
      throw new QwenAsrError(
        'compare',
        `${where}: line ${index + 1}: expected an event as JSON, found other text`,
      );
    }
    if (isKnownEvent(event, `${where}: line ${index + 1}`)) events.push(event);
  });
  return events;
}

function isKnownEvent(event: unknown, where: string): event is BenchEvent {
  const members = (typeof event === 'object' && event !== null ? event : {}) as Record<string, unknown>;
  const name = members['event'];
  if (typeof name !== 'string') {
    throw new QwenAsrError('compare', `${where}: expected an event, found a line without "event"`);
  }
  if (!Object.hasOwn(EVENTS, name)) return false;
  // The header is checked with the document that it becomes.
  const fields: Fields = name === 'header' ? {} : EVENTS[name as BenchEvent['event']].fields;
  for (const [member, { schema }] of Object.entries(fields)) {
    // What is inside is checked with the document too; building it must find something to look into.
    const written = schema.$ref === undefined ? schema.type : 'object';
    const type = written === 'integer' ? 'number' : written;
    const value = members[member];
    if (typeof type !== 'string' || (typeof value === type && value !== null)) continue;
    const found = value === undefined ? 'none' : JSON.stringify(value).slice(0, 60);
    throw new QwenAsrError('compare', `${where}: ${member}: expected ${withArticle(type)}, found ${found}`);
  }
  return true;
}

function buildResult(events: readonly BenchEvent[], where: string): BenchResult {
  const [header] = events;
  if (header?.event !== 'header') {
    throw new QwenAsrError(
      'compare',
      `${where}: expected a header as the first line, found ${header?.event}`,
    );
  }
  checkSchemaName(header, where);
  const builder = new ResultBuilder(header);
  for (const event of events) {
    try {
      builder.add(event);
    } catch (error) {
      throw new QwenAsrError('compare', `${where}: ${(error as Error).message}`, { cause: error });
    }
  }
  return summarizeResult(checkBenchResult(builder.build(), where));
}

/** The format of the versions before the first release, which had one benchmark and no environment. */
const EARLY_SCHEMA = 'qwen-asr-bench';

/**
 * Checks that a parsed document is a result of version 1: by its name and version first, then by the shipped schema,
 * then that ids are unique and lead somewhere.
 *
 * @param where the file, for the message
 * @returns the same value, typed
 * @throws QwenAsrError `compare` naming the first thing that is wrong
 * @example
 * const result = checkBenchResult(JSON.parse(text), 'before.json');
 */
export function checkBenchResult(value: unknown, where: string): BenchResult {
  checkSchemaName(value, where);
  const found = findViolation(value, benchResultSchema);
  if (found !== null) throw new QwenAsrError('compare', `${where}: ${found}`);
  // The schema has vouched for the shape.
  const result = value as BenchResult;
  checkIds(result, where);
  return result;
}

/**
 * The part of the check that tells formats apart; a header line of JSONL has it too.
 *
 * @throws QwenAsrError `compare` for another format, or another version of this one
 */
function checkSchemaName(value: unknown, where: string): void {
  const { schema: name, version } = (typeof value === 'object' && value !== null ? value : {}) as {
    schema?: unknown;
    version?: unknown;
  };
  if (name === EARLY_SCHEMA) {
    throw new QwenAsrError(
      'compare',
      `${where}: expected a ${BENCH_RESULT_SCHEMA} document, found ${EARLY_SCHEMA} ${String(version)}, the format before the first release; run the benchmark again`,
    );
  }
  if (name !== BENCH_RESULT_SCHEMA) {
    const found = name === undefined ? 'no schema name' : JSON.stringify(name);
    throw new QwenAsrError('compare', `${where}: expected a ${BENCH_RESULT_SCHEMA} document, found ${found}`);
  }
  if (version === BENCH_RESULT_VERSION) return;
  const newer = typeof version === 'number' && version > BENCH_RESULT_VERSION;
  throw new QwenAsrError(
    'compare',
    `${where}: expected version ${BENCH_RESULT_VERSION} of ${BENCH_RESULT_SCHEMA}, found ${JSON.stringify(version) ?? 'none'}${newer ? '; a newer qwen_asr_bench wrote it' : ''}`,
  );
}

function checkIds({ models, audio, cells, comparisons }: BenchResult, where: string): void {
  const modelIds = unique(models, 'models', where);
  const audioIds = unique(audio, 'audio', where);
  const cellIds = unique(cells, 'cells', where);
  cells.forEach(({ settings }, index) => {
    refer(settings.model, modelIds, `${where}: cells[${index}].settings.model`, 'models');
    refer(settings.audio, audioIds, `${where}: cells[${index}].settings.audio`, 'audio');
  });
  comparisons.forEach(({ a, b }, index) => {
    refer(a, cellIds, `${where}: comparisons[${index}].a`, 'cells');
    refer(b, cellIds, `${where}: comparisons[${index}].b`, 'cells');
  });
}

function unique(records: readonly { readonly id: string }[], list: string, where: string): Set<string> {
  const ids = new Set<string>();
  records.forEach(({ id }, index) => {
    if (ids.has(id)) {
      throw new QwenAsrError(
        'compare',
        `${where}: ${list}[${index}].id: expected an id that no other has, found ${JSON.stringify(id)} again`,
      );
    }
    ids.add(id);
  });
  return ids;
}

function refer(id: string | null, ids: ReadonlySet<string>, at: string, list: string): void {
  if (id === null || ids.has(id)) return;
  throw new QwenAsrError('compare', `${at}: expected an id in ${list}, found ${JSON.stringify(id)}`);
}
