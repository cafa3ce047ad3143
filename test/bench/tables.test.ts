import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PHASES } from '../../src/bench/phases.js';
import { ALL_SETTINGS } from '../../src/bench/settings/settings.js';
import { projectRoot } from '../support/projectRoot.js';

/** The names that an object of the shipped schema may have. */
function fieldsOf(definition: string): string[] {
  const text = readFileSync(join(projectRoot, 'schemas', 'bench-result-v1.schema.json'), 'utf8');
  return Object.keys(JSON.parse(text).$defs[definition].properties).sort();
}

test('the table of settings has an entry for every field that results store, and none twice', () => {
  assert.deepEqual(ALL_SETTINGS.map(([, { key }]) => key).sort(), fieldsOf('settings'));
});

test('the table of phases has an entry for every time that results store, and none twice', () => {
  assert.deepEqual(PHASES.map(({ id }) => `${id}Ms`).sort(), fieldsOf('phases'));
});
