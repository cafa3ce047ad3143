import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoModelDir } from '../../support/projectRoot.js';
import { type FileTensor, safetensorsFile } from './safetensorsFile.js';

/** The demo model's tensors, read with JSON.parse and nothing of this project. */
export function demoTensors(): FileTensor[] {
  const file = readFileSync(join(demoModelDir, 'model.safetensors'));
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength));
  const start = 8 + headerLength;
  return Object.keys(header)
    .filter((name) => name !== '__metadata__')
    .map((name) => {
      const { dtype, shape, data_offsets } = header[name];
      const bytes = new Uint8Array(file.subarray(start + data_offsets[0], start + data_offsets[1]));
      return { name, dtype, shape, bytes };
    });
}

/** Copies the demo model's text files and writes the given tensors beside them. */
export function writeDemoCopy(
  directory: string,
  tensors: readonly FileTensor[],
  options: { readonly without?: readonly string[]; readonly padding?: number } = {},
): void {
  const texts = [
    'config.json',
    'generation_config.json',
    'vocab.json',
    'merges.txt',
    'tokenizer_config.json',
  ];
  for (const name of texts) {
    if (options.without?.includes(name) !== true)
      copyFileSync(join(demoModelDir, name), join(directory, name));
  }
  writeFileSync(join(directory, 'model.safetensors'), safetensorsFile(tensors, options.padding));
}

/** The original layout's name in the `-hf` layout, written from the layout's description in docs/model.md. */
export function hfName(name: string): string {
  return name
    .replace(/^thinker\.audio_tower\.proj1\./, 'model.multi_modal_projector.linear_1.')
    .replace(/^thinker\.audio_tower\.proj2\./, 'model.multi_modal_projector.linear_2.')
    .replace(/^thinker\.audio_tower\./, 'model.audio_tower.')
    .replace(/^thinker\.model\./, 'model.language_model.')
    .replace(/^thinker\.lm_head\./, 'lm_head.');
}

/** BF16 bytes as F32 bytes; exact. */
export function widenBf16(bytes: Uint8Array): Uint8Array {
  const wide = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i += 2) {
    wide[2 * i + 2] = bytes[i] ?? 0;
    wide[2 * i + 3] = bytes[i + 1] ?? 0;
  }
  return wide;
}
