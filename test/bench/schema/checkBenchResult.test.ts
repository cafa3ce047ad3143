import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { checkBenchResult } from '../../../src/bench/output/readResult.js';
import { benchResultSchema } from '../../../src/bench/schema/benchResult.js';
import { findViolation, KNOWN_KEYWORDS } from '../../../src/bench/schema/jsonSchema.js';
import { QwenAsrError } from '../../../src/error.js';
import { Random } from '../../support/random.js';
import { closeObjects, type Json } from '../support/closeObjects.js';
import { benchmarkResult, comparisonResult, sweepResult } from '../support/sampleResults.js';
import { segmentedResult } from '../support/segmentedResult.js';

const SAMPLES = {
  benchmark: benchmarkResult(),
  sweep: sweepResult(),
  comparison: comparisonResult(),
  segmented: segmentedResult(),
};
const copy = (value: unknown): Json => JSON.parse(JSON.stringify(value));
const schema = benchResultSchema;

test('the shipped schema is valid JSON Schema, and allows what the tool writes', () => {
  const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(
    schema,
  );
  for (const [name, sample] of Object.entries(SAMPLES)) {
    assert.ok(validate(copy(sample)), `${name}: ${JSON.stringify(validate.errors)}`);
    assert.deepEqual(checkBenchResult(copy(sample), name), sample);
  }
});

test('the tool writes no field that the schema does not describe', () => {
  const closed = new Ajv2020({ allErrors: true }).compile(closeObjects(copy(schema)) as object);
  for (const [name, sample] of Object.entries(SAMPLES)) {
    assert.ok(closed(copy(sample)), `${name}: ${JSON.stringify(closed.errors)}`);
  }
});

test('files from before recordings were cut are read as they are, and damaged segments are refused', () => {
  const document = copy(segmentedResult()) as { cells: { settings: object; runs: { phases: object }[] }[] };
  const remove = (holder: object, ...names: string[]) => {
    for (const name of names)
      assert.ok(Reflect.has(holder, name) && Reflect.deleteProperty(holder, name), name);
  };
  remove(document, 'sets');
  for (const { settings, runs } of document.cells) {
    remove(settings, 'skipSilence');
    for (const run of runs) {
      remove(run, 'segments', 'decodeStepRows');
      remove(run.phases, 'segmentMs');
    }
  }
  assert.equal(checkBenchResult(document, 'older.json').cells.length, 6);
  const damaged = segmentedResult();
  remove(damaged.cells[1]?.runs[0]?.segments?.[2] ?? assert.fail(), 'heardMs');
  assert.throws(() => checkBenchResult(damaged, 'f'), {
    message: 'f: cells[1].runs[0].segments[2].heardMs: expected a value, found none',
  });
});

test('the schema uses only keywords that the reader knows', () => {
  const seen: string[] = [];
  walkSchema(schema, (keyword) => seen.push(keyword));
  assert.deepEqual(
    [...new Set(seen)].filter((keyword) => !KNOWN_KEYWORDS.has(keyword)),
    [],
  );
  assert.ok(seen.length > 500);
});

test('the reader and ajv judge 1500 damaged documents alike', () => {
  const validate = new Ajv2020().compile(schema);
  const random = new Random(5);
  const small = copy(benchmarkResult(1));
  const paired = copy(comparisonResult(2));
  let refused = 0;
  for (let trial = 0; trial < 1500; trial++) {
    const document = copy(trial % 3 === 0 ? paired : small);
    const done = damage(document, random);
    const expected = validate(document);
    const found = findViolation(document, schema);
    assert.equal(found === null, expected, `${done}: ${found} / ${JSON.stringify(validate.errors)}`);
    if (!expected) refused += 1;
  }
  // Wrong values are refused; a removed optional member or a shorter array may be fine.
  assert.ok(refused > 750 && refused < 1500, `${refused} refused`);
});

test('the message names the place, what was expected and what was found', () => {
  const change = (edit: (document: { [name: string]: Json }) => void): string => {
    const document = copy(benchmarkResult(2)) as { [name: string]: Json };
    edit(document);
    try {
      checkBenchResult(document, 'file.json');
    } catch (error) {
      assert.ok(error instanceof QwenAsrError && error.code === 'compare');
      assert.ok(!error.message.includes('\n'));
      return error.message;
    }
    return 'accepted';
  };
  const path = (document: Json, ...names: (string | number)[]): { [name: string]: Json } =>
    names.reduce<Json>(
      (value, name) => (value as { [name: string | number]: Json })[name] ?? null,
      document,
    ) as {
      [name: string]: Json;
    };
  assert.equal(
    change((document) => {
      path(document, 'cells', 0, 'runs', 1)['totalMs'] = 'fast';
    }),
    'file.json: cells[0].runs[1].totalMs: expected a number, found "fast"',
  );
  assert.equal(
    change((document) => {
      delete path(document, 'machine')['hash'];
    }),
    'file.json: machine.hash: expected a value, found none',
  );
  assert.equal(
    change((document) => {
      path(document, 'cells', 0, 'runs', 0, 'phases')['melMs'] = -1;
    }),
    'file.json: cells[0].runs[0].phases.melMs: expected 0 or more, found -1',
  );
  assert.equal(
    change((document) => {
      path(document, 'cells', 0, 'settings')['model'] = 'm7';
    }),
    'file.json: cells[0].settings.model: expected an id in models, found "m7"',
  );
  assert.match(
    change((document) => {
      (document['models'] as Json[]).push(copy(document['models'])?.[0 as never] ?? null);
    }),
    /models\[1\]\.id: expected an id that no other has, found "m0" again/,
  );
  assert.equal(
    change((document) => {
      document['cells'] = {};
    }),
    'file.json: cells: expected an array, found an object',
  );
});

test('other formats and versions are refused by name', () => {
  for (const [value, message] of [
    [{ schema: 'qwen-asr-bench', version: 1 }, /found qwen-asr-bench 1, the format before the first release/],
    [
      { schema: 'qwen-asr-transcript', version: 1 },
      /expected a qwen-asr-bench-result .* found "qwen-asr-transcript"/,
    ],
    [
      { schema: 'qwen-asr-bench-result', version: 2 },
      /expected version 1 .* found 2; a newer qwen_asr_bench/,
    ],
    [{ schema: 'qwen-asr-bench-result', version: 0 }, /expected version 1 .* found 0$/],
    [{ schema: 'qwen-asr-bench-result' }, /found none$/],
    [[], /found no schema name$/],
    [null, /found no schema name$/],
  ] as const) {
    assert.throws(() => checkBenchResult(value, 'f'), { code: 'compare', message });
  }
});

test('unknown fields are for newer readers, and ignored', () => {
  const document = copy(benchmarkResult(1)) as { [name: string]: Json };
  document['future'] = { anything: [1] };
  assert.equal(checkBenchResult(document, 'f').cells.length, 1);
});

function walkSchema(node: unknown, visit: (keyword: string) => void): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [keyword, value] of Object.entries(node)) {
    visit(keyword);
    if (['properties', '$defs'].includes(keyword)) {
      for (const inner of Object.values(value)) walkSchema(inner, visit);
    } else if (keyword === 'anyOf') {
      for (const inner of value) walkSchema(inner, visit);
    } else if (['items', 'additionalProperties', 'if', 'then', 'else'].includes(keyword))
      walkSchema(value, visit);
  }
}

/** Replaces or removes one value at a random place. Says what it did. */
function damage(document: Json, random: Random): string {
  const pick = (count: number) => random.integer(0, count - 1);
  let node = document;
  const path: string[] = [];
  for (;;) {
    if (typeof node !== 'object' || node === null) return 'nothing';
    const names = Object.keys(node);
    if (names.length === 0) return 'nothing';
    const name = names[pick(names.length)]!;
    path.push(name);
    const holder = node as { [name: string]: Json };
    const child = holder[name]!;
    if (
      typeof child === 'object' &&
      child !== null &&
      Object.keys(child).length > 0 &&
      random.uniform() < 0.85
    ) {
      node = child;
      continue;
    }
    const values: Json[] = [null, true, -1, 0, 1.5, 'text', '', [], {}, [1], { a: 1 }];
    const chosen = pick(values.length + 1);
    if (chosen < values.length) holder[name] = values[chosen]!;
    else if (Array.isArray(node)) node.splice(Number(name), 1);
    else delete holder[name];
    return `${path.join('.')} = ${chosen < values.length ? JSON.stringify(values[chosen]) : 'removed'}`;
  }
}
