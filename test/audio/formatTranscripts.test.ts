import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeAudio } from '../../src/audio/decodeAudio.js';
import { loadModel } from '../../src/transcribe/loadModel.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { convert, ENCODE, type EncodedFormat, skipWithout } from './support/encoders.js';

const skip = skipWithout('lame', 'flac', 'oggenc', 'opusenc', 'ffmpeg');

test('a recording has the same transcript in every format', { skip }, async () => {
  const model = await loadModel(demoModelDir, { threads: 1 });
  try {
    for (const name of ['timer-en', 'light-en', 'weather-de', 'music-es']) {
      const { wav: file, text } = readGolden(`demo/${name}`);
      const wav = new Uint8Array(readFileSync(join(demoModelDir, 'samples', file)));
      const resample = [
        '-v',
        'error',
        '-i',
        '{input}',
        '-ar',
        '44100',
        '-ac',
        '2',
        '-f',
        'wav',
        '-y',
        '{output}',
      ];
      const stereo = convert(wav, 'ffmpeg', resample);
      for (const format of Object.keys(ENCODE) as EncodedFormat[]) {
        for (const bytes of [wav, stereo]) {
          const clip = await decodeAudio(ENCODE[format](bytes), `${name} as ${format}`);
          assert.equal(clip.format, format);
          const transcript = await model.transcribe(clip.samples).result;
          assert.equal(transcript.text, text, `${name} as ${format}`);
        }
      }
    }
  } finally {
    await model.close();
  }
});
