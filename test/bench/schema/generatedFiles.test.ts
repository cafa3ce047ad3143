import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { benchResultRecord, benchResultSchema } from '../../../src/bench/schema/benchResult.js';
import { insertTables, recordTables } from '../../../src/bench/schema/recordTables.js';
import {
  count,
  enumOf,
  list,
  optional,
  orNull,
  record,
  schemaOf,
  text,
  variants,
} from '../../../src/bench/schema/shape.js';
import { projectRoot } from '../../support/projectRoot.js';

const HOW = 'out of date: npm run schema';

test('the shipped schema and the tables of the documentation are those of the description', () => {
  const shipped = readFileSync(join(projectRoot, 'schemas', 'bench-result-v1.schema.json'), 'utf8');
  assert.deepEqual(JSON.parse(shipped), JSON.parse(JSON.stringify(benchResultSchema)), HOW);
  const page = readFileSync(join(projectRoot, 'docs', 'bench-schema.md'), 'utf8');
  assert.ok(page.includes('| `decodeStepRows` |'), 'the page has tables');
  assert.equal(insertTables(page, benchResultRecord), page, HOW);
});

test('a description gives the schema that a person would write', () => {
  const part = record('part', 'One of them.', {
    name: text('how it is called', { minLength: 1 }),
    size: optional(count()),
  });
  const whole = record('whole', undefined, {
    kind: enumOf(['a', 'b']),
    parts: list(part, 'all of them'),
    last: orNull(part),
    note: orNull(text()),
  });
  assert.deepEqual(schemaOf(whole, { $id: 'urn:x', title: 'X' }), {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:x',
    title: 'X',
    type: 'object',
    required: ['kind', 'parts', 'last', 'note'],
    properties: {
      kind: { enum: ['a', 'b'] },
      parts: { type: 'array', items: { $ref: '#/$defs/part' }, description: 'all of them' },
      last: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/part' }] },
      note: { type: ['string', 'null'] },
    },
    $defs: {
      part: {
        type: 'object',
        description: 'One of them.',
        required: ['name'],
        properties: {
          name: { type: 'string', minLength: 1, description: 'how it is called' },
          size: { type: 'integer', minimum: 0 },
        },
      },
    },
  });
  assert.match(recordTables(whole), /^\| `last` \| \[`part`\]\(#part\) or null \| {2}\|$/m);
  assert.match(recordTables(whole), /^\| `size` \| integer, added later \|/m);
});

test('of two kinds the tag decides which fields are needed', () => {
  const shape = variants(
    'v',
    undefined,
    'known',
    { x: count() },
    [true, { y: count() }],
    [false, { why: text() }],
  );
  const { $defs: _, ...schema } = schemaOf(shape, {});
  assert.deepEqual(schema, {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['known', 'x'],
    properties: {
      known: { type: 'boolean' },
      x: { type: 'integer', minimum: 0 },
      y: { type: 'integer', minimum: 0 },
      why: { type: 'string' },
    },
    if: { properties: { known: { const: true } } },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
    then: { required: ['y'] },
    else: { required: ['why'] },
  });
});
