import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkRevision,
  folderOf,
  isRepository,
  repositoryOf,
  repositoryOfFolder,
} from '../../src/hub/hubNames.js';
import { isNeeded } from '../../src/hub/revisionAnswer.js';

test('published names stand for their repositories, others for themselves', () => {
  assert.equal(repositoryOf('0.6b'), 'Qwen/Qwen3-ASR-0.6B');
  assert.equal(repositoryOf('1.7B'), 'Qwen/Qwen3-ASR-1.7B');
  assert.equal(repositoryOf('aligner'), 'Qwen/Qwen3-ForcedAligner-0.6B');
  assert.equal(repositoryOf('0.6b-8bit'), 'mlx-community/Qwen3-ASR-0.6B-8bit');
  assert.equal(repositoryOf('0.6b-4bit'), 'mlx-community/Qwen3-ASR-0.6B-4bit');
  assert.equal(repositoryOf('some_one/a.model'), 'some_one/a.model');
  assert.throws(() => repositoryOf('0.6'), /expected 0\.6b, 1\.7b, .* found "0\.6"/);
});

test('what would make another path is no repository', () => {
  const wrong = ['', 'a', 'a/', '/a', 'a/b/c', '../b', 'a/..', 'a/b..c', 'a--b/c', 'a/b--c', 'a\\b', 'C:/b'];
  for (const name of [
    ...wrong,
    'a/b\0',
    'a/b\n',
    '-a/b',
    '.a/b',
    'a/b.git',
    'a/con',
    'a/b c',
    `a/${'b'.repeat(200)}`,
  ]) {
    assert.equal(isRepository(name), false, JSON.stringify(name));
  }
});

test('revisions that would make another path are refused', () => {
  for (const revision of ['main', 'v1.0', 'refs/pr/7', 'a'.repeat(40)])
    assert.equal(checkRevision(revision), revision);
  for (const revision of [
    '',
    '..',
    'a/../b',
    '/a',
    'a//b',
    'a/',
    'a\\b',
    'c:b',
    'a\0',
    'a--b',
    'nul',
    'a.',
  ]) {
    assert.throws(
      () => checkRevision(revision),
      /^QwenAsrError: --revision: expected a branch, tag or commit/,
      revision,
    );
  }
});

test('folders of the cache and repositories stand for each other', () => {
  assert.equal(folderOf('Qwen/Qwen3-ASR-0.6B'), 'models--Qwen--Qwen3-ASR-0.6B');
  assert.equal(repositoryOfFolder('models--Qwen--Qwen3-ASR-0.6B'), 'Qwen/Qwen3-ASR-0.6B');
  for (const folder of [
    'datasets--a--b',
    'models--a',
    'models--a--b--c',
    'models--..--b',
    '.locks',
    'a--b',
  ]) {
    assert.equal(repositoryOfFolder(folder), null, folder);
  }
});

test('of a repository the files of a model are fetched, and nothing that could run', () => {
  const needed = ['model.safetensors', 'model-00001-of-00002.safetensors', 'model.safetensors.index.json'];
  const texts = [
    'vocab.json',
    'merges.txt',
    'chat_template.jinja',
    'chat_template.json',
    'LICENSE',
    'LICENSE.md',
    'NOTICE',
  ];
  for (const name of [...needed, ...texts]) assert.ok(isNeeded(name), name);
  const other = [
    'pytorch_model.bin',
    'modeling.py',
    'README.md',
    'vocab.txt',
    'model.safetensors.exe',
    'LICENSE/x.py',
  ];
  for (const name of [...other, 'onnx/model.safetensors', '.gitattributes']) assert.ok(!isNeeded(name), name);
});
