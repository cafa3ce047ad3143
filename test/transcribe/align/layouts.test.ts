import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hfName } from '../../model/support/demoModel.js';
import { type FileTensor, safetensorsFile } from '../../model/support/safetensorsFile.js';
import { demoAlignerDir } from '../../support/projectRoot.js';
import { ALIGNER_CLIPS, checkAlignerGoldens } from '../support/checkAlignerGoldens.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-aligner-'));
after(() => rmSync(scratch, { recursive: true }));

/** A directory with the demo aligner's tokenizer, and its tensors under other names. */
function copyOf(rename: (name: string) => string, files: Readonly<Record<string, object>>): string {
  const directory = mkdtempSync(join(scratch, 'layout-'));
  for (const name of ['vocab.json', 'merges.txt', 'tokenizer_config.json']) {
    copyFileSync(join(demoAlignerDir, name), join(directory, name));
  }
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), JSON.stringify(content));
  }
  const tensors = alignerTensors().map((tensor) => ({ ...tensor, name: rename(tensor.name) }));
  writeFileSync(join(directory, 'model.safetensors'), safetensorsFile(tensors));
  return directory;
}

/** Read with JSON.parse and nothing of this project. */
function alignerTensors(): FileTensor[] {
  const file = readFileSync(join(demoAlignerDir, 'model.safetensors'));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> =
    JSON.parse(file.toString('utf8', 8, start));
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return tensors.map(([name, { dtype, shape, data_offsets }]) => {
    const [from, to] = data_offsets;
    return { name, dtype, shape, bytes: new Uint8Array(file.subarray(start + from, start + to)) };
  });
}

const few = ALIGNER_CLIPS.slice(0, 5);

test('the -hf layout: score.weight, a flat config.json, and the time of a class in processor_config.json', async () => {
  const { thinker_config } = JSON.parse(readFileSync(join(demoAlignerDir, 'config.json'), 'utf8'));
  const { audio_config, text_config, audio_token_id, classify_num } = thinker_config;
  const directory = copyOf((name) => hfName(name).replace('lm_head', 'score'), {
    'config.json': {
      architectures: ['Qwen3ASRForTokenClassification'],
      audio_config,
      text_config,
      audio_token_id,
      num_labels: classify_num,
    },
    'processor_config.json': { timestamp_segment_time: 80 },
  });
  await checkAlignerGoldens({ precision: 'f32' }, few, directory);
});

test('weights and tokenizer alone', () =>
  checkAlignerGoldens(
    { precision: 'f32' },
    few,
    copyOf((name) => name, {}),
  ));
