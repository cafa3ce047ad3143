import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoModelDir } from '../../support/projectRoot.js';

/** The bytes of one of the demo model's recordings. */
export function sampleBytes(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(demoModelDir, 'samples', `${name}.wav`)));
}

/** A form with a recording and fields; a list stands for a field that is given several times. */
export function sampleForm(
  fields: Readonly<Record<string, string | readonly string[]>> = {},
  bytes: Uint8Array<ArrayBuffer> = sampleBytes('timer-en'),
): FormData {
  const form = new FormData();
  form.set('file', new Blob([bytes]), 'timer.wav');
  for (const [name, value] of Object.entries({ model: 'demo', ...fields })) {
    for (const each of typeof value === 'string' ? [value] : value) form.append(name, each);
  }
  return form;
}

/** A WAV file of 16-bit samples at 16 kHz. */
export function wavOfSamples(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const wav = Buffer.alloc(44 + 2 * samples.length);
  wav.write('RIFF');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(16_000, 24);
  wav.writeUInt32LE(32_000, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(2 * samples.length, 40);
  for (const [i, sample] of samples.entries()) wav.writeInt16LE(Math.round(sample * 32_767), 44 + 2 * i);
  return new Uint8Array(wav);
}

/** The document that an answer holds. */
export async function documentOf(answer: Response) {
  return JSON.parse(await answer.text());
}
