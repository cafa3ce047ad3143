import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readModelConfig } from '../../src/model/config.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import { type LazyTextModel, transcriptTextModel } from '../../src/transcribe/textModel.js';
import { demoModelDir } from '../support/projectRoot.js';

const files = await readModelDirectory(demoModelDir);
const demoConfig = readModelConfig(files.tensors, files.configJson);
/** With an embedding of the published size, for long vocabularies. */
const config = { ...demoConfig, decoder: { ...demoConfig.decoder, vocab: 151_936 } };
const vocabJson = readFileSync(join(demoModelDir, 'vocab.json'), 'utf8');

/** The demo vocabulary with entries of no use behind it, as many as the published one has. */
function longVocabulary(): string {
  const vocabulary = JSON.parse(vocabJson) as Record<string, number>;
  for (let id = 1967; id < 151_643; id++) vocabulary[`unused ${id}`] = id;
  return JSON.stringify(vocabulary);
}

function textModel(changes: { vocabJson?: string; mergesTxt?: string }): LazyTextModel {
  const tokenizerFiles = { ...files.tokenizerFiles, ...changes };
  return transcriptTextModel({ source: 'some/model', tokenizerFiles }, config);
}

test('a long vocabulary is read ahead while timers run', async () => {
  const model = textModel({ vocabJson: longVocabulary() });
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await model.prepare();
  clearInterval(timer);
  assert.ok(turns >= 5, `${turns} timers ran meanwhile`);
  assert.equal(model.tokenizer.pieceOf(150_000), 'unused 150000');
});

test('who asks before the reading ahead has ended gets everything at once', async () => {
  const model = textModel({ vocabJson: longVocabulary() });
  const prepared = model.prepare();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(model.tokenizer.pieceOf(150_000), 'unused 150000');
  const { promptIds, tokenizer } = model;
  await prepared;
  assert.equal(model.tokenizer, tokenizer);
  assert.equal(model.promptIds, promptIds);
});

test('what is wrong with the vocabulary is thrown at every use, and names the directory', async () => {
  const model = textModel({ vocabJson: '{"a":' });
  await model.prepare();
  for (let use = 0; use < 2; use++) {
    assert.throws(() => model.tokenizer, { code: 'model', message: /^some\/model\/vocab\.json: / });
  }
});

test('merges are read when text is encoded, and not before', async () => {
  const model = textModel({ mergesTxt: 'no merge rule\n' });
  await model.prepare();
  assert.equal(model.tokenizer.decode([model.promptIds.newline]), '\n');
  assert.throws(() => model.encode('text'), { code: 'model', message: /^some\/model\/merges\.txt line 1: / });
});
