import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { joinSamples } from '../../../src/audio/prepareSamples.js';
import { repeatedTail } from '../../../src/text/repeatedTail.js';
import type { StreamEvent, StreamOptions } from '../../../src/transcribe/live/streamTypes.js';
import { loadModel } from '../../../src/transcribe/loadModel.js';
import type { SpeechModel } from '../../../src/transcribe/types.js';
import { demoModelDir } from '../../support/projectRoot.js';
import { Random } from '../../support/random.js';
import { readStreamingClip, readStreamingGolden } from './streamingSupport.js';

const RATE_HZ = 16_000;
const CLIP_SECONDS = 4;
/** All 200: QWEN_ASR_FULL=1. */
const CLIPS_OF_A_KIND = process.env['QWEN_ASR_FULL'] === '1' ? 40 : 12;

let model: SpeechModel;

before(async () => {
  model = await loadModel(demoModelDir, { precision: 'f32' });
});

after(async () => {
  await model.close();
});

async function transcribe(samples: Float32Array, options: StreamOptions = {}): Promise<StreamEvent[]> {
  const stream = model.openStream({ coalesce: false, ...options });
  const written = stream.write(samples).then(() => stream.finish());
  const events: StreamEvent[] = [];
  for await (const event of stream) events.push(event);
  await written;
  return events;
}

const textOf = (events: readonly StreamEvent[]): string => events.map(({ committed }) => committed).join('');

type Sound = (random: Random) => (i: number) => number;

/** White noise through a filter of one pole: 0 is white, near 1 is brown. */
function noise(random: Random, pole: number): () => number {
  let last = 0;
  return () => {
    last = pole * last + (1 - pole) * (2 * random.uniform() - 1);
    return last;
  };
}

const SOUNDS: Readonly<Record<string, Sound>> = {
  silence: (random) => {
    const level = random.uniform() < 0.5 ? 0 : 1e-4 * random.uniform();
    return () => level * (2 * random.uniform() - 1);
  },
  noise: (random) => {
    const source = noise(random, 0.98 * random.uniform());
    const level = 0.02 + 0.4 * random.uniform();
    return () => level * source();
  },
  hum: (random) => {
    const hz = random.uniform() < 0.5 ? 50 : 60;
    const level = 0.02 + 0.2 * random.uniform();
    const source = noise(random, 0.5);
    return (i) => {
      let sum = 0.01 * source();
      for (let k = 1; k <= 6; k++) sum += Math.sin((2 * Math.PI * hz * k * i) / RATE_HZ) / k;
      return level * sum;
    };
  },
  breath: (random) => {
    const source = noise(random, 0.6);
    const level = 0.05 + 0.2 * random.uniform();
    const period = (2 + 2 * random.uniform()) * RATE_HZ;
    return (i) => level * Math.max(0, Math.sin((2 * Math.PI * i) / period)) ** 2 * source();
  },
  music: (random) => {
    const notes = Array.from({ length: 12 }, () => 110 * 2 ** (random.integer(0, 36) / 12));
    const beat = (0.2 + 0.4 * random.uniform()) * RATE_HZ;
    return (i) => {
      const note = notes[Math.floor(i / beat) % notes.length]!;
      const decay = Math.exp((-3 * (i % beat)) / beat);
      let sum = 0;
      for (const [ratio, level] of [
        [1, 1],
        [2, 0.5],
        [1.26, 0.6],
        [1.5, 0.6],
      ] as const) {
        sum += level * Math.sin((2 * Math.PI * note * ratio * i) / RATE_HZ);
      }
      return 0.15 * decay * sum;
    };
  },
};

function clipOf(sound: Sound, seed: number, seconds = CLIP_SECONDS): Float32Array {
  const sample = sound(new Random(seed));
  return Float32Array.from({ length: seconds * RATE_HZ }, (_, i) => sample(i));
}

for (const [kind, sound] of Object.entries(SOUNDS)) {
  test(`${CLIPS_OF_A_KIND} clips of ${kind} have no text, with a context and a language too`, async () => {
    for (let seed = 1; seed <= CLIPS_OF_A_KIND; seed++) {
      const asked = seed % 2 === 0 ? {} : { language: 'English', context: 'Kitchen, garden.' };
      const events = await transcribe(clipOf(sound, seed), asked);
      assert.deepEqual(events, [], `seed ${seed}`);
    }
  });
}

const finalText = (clip: string): string => readStreamingGolden('golden.json')[clip]!.at(-1)!.text;

test('silence and noise after speech add nothing and repeat nothing, however long', async () => {
  const clip = await readStreamingClip('00-en.wav');
  for (const kind of ['silence', 'noise'] as const) {
    const quiet = clipOf(SOUNDS[kind]!, 3, 40).map((value) => 0.2 * value);
    assert.equal(textOf(await transcribe(joinSamples([clip, quiet]))), finalText('00-en.wav'), kind);
  }
});

test('a second utterance that is the beginning of the first gives its own text', async () => {
  const clip = await readStreamingClip('02-es.wav');
  const pause = new Float32Array(1.5 * RATE_HZ);
  const beginning = clip.subarray(0, 2 * RATE_HZ); // "Pon una alarma a las quince."
  const text = textOf(await transcribe(joinSamples([clip, pause, beginning, pause])));
  assert.equal(text, `${finalText('02-es.wav')} Pon una alarma a las quince.`);
});

test('weak audio in mid-stream does not feed a loop', async () => {
  const clip = await readStreamingClip('01-de.wav');
  const pause = new Float32Array(0.4 * RATE_HZ);
  for (const gain of [0.03, 0.003, 0.0003]) {
    const weak = joinSamples([
      clip.subarray(0, 4 * RATE_HZ),
      pause,
      clip.map((value) => gain * value),
      pause,
      clip,
    ]);
    for (const { committed, tentative, segmentText } of await transcribe(weak, { chunkMs: 1000 })) {
      for (const text of [committed, tentative, segmentText ?? '']) {
        assert.ok((repeatedTail(text)?.repetitions ?? 1) < 3, text);
      }
    }
  }
});
