import { QwenAsrError } from '../../error.js';
import {
  BENCH_RESULT_SCHEMA,
  BENCH_RESULT_VERSION,
  type BenchResult,
  benchResultSchema,
} from './benchResult.js';
import { findViolation } from './jsonSchema.js';

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
export function checkSchemaName(value: unknown, where: string): void {
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
