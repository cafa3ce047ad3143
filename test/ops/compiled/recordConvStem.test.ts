import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneLineError } from '../../model/support/oneLineError.js';
import { Random } from '../../support/random.js';
import { compiledTargets } from './support/compiledBackends.js';
import { bf16Values, OperatorPair } from './support/operatorPair.js';

function halved(size: number): number {
  return Math.ceil(size / 2);
}

for (const target of await compiledTargets()) {
  const { missing } = target;

  test(`the conv stem on ${target.name}: clips of every width, a padded tail, rows that end early`, {
    skip: missing,
  }, async () => {
    const pair = new OperatorPair(target.create(2));
    const random = new Random(41);
    // Frames and the width of a chunk: one narrow chunk, exactly one, 99 frames, a tail of one frame, several chunks.
    const clips = [
      [1, 1],
      [2, 2],
      [7, 7],
      [8, 8],
      [37, 37],
      [99, 99],
      [100, 100],
      [101, 100],
      [250, 100],
      [90, 9],
    ] as const;
    for (const [frames, width] of clips) {
      const [bins, channels] = [random.integer(1, 3) * 8, 32 * random.integer(1, 2)];
      const chunks = Math.ceil(frames / width);
      const mel = random.floats(bins * frames);
      const filters = [channels * 9, channels * channels * 9, channels * channels * 9].map((length) =>
        bf16Values(random, length, 3 / Math.sqrt(length / channels)),
      );
      const biases = [1, 2, 3].map(() => random.floats(channels, 0.5));
      const sizes: { channels: number; height: number; width: number }[] = [
        { channels: 1, height: bins, width },
      ];
      for (let i = 0; i < 3; i++) {
        const { height, width } = sizes[i]!;
        sizes.push({ channels, height: halved(height), width: halved(width) });
      }
      const last = sizes[3]!;
      const rows = Math.max(1, chunks * last.width - random.integer(0, last.width - 1));
      await pair.agree(`${frames} frames in chunks of ${width}, ${channels} channels`, (bench) => {
        // Room for more chunks than the pass uses, as in the last group of a clip.
        const maps = sizes.map((size) =>
          bench.scope.featureMap('map', { chunks: chunks + 2, ...size }).firstChunks(chunks),
        );
        const weights = filters.map((values, i) =>
          bench.weight([channels, i === 0 ? 1 : channels, 3, 3], values, 'bf16', 'convolution'),
        );
        const y = bench.tensor([chunks * last.width, channels * last.height], 'operand');
        const input = bench.tensor([bins, frames], 'f32', mel);
        const shifts = biases.map((values) => bench.weight([channels], values, 'f32'));
        // Twice: the second time the borders hold what the first time left.
        for (let pass = 0; pass < 2; pass++) {
          bench.run((ops) => {
            ops.chunkMel({ mel: input, y: maps[0]! });
            for (let i = 0; i < 3; i++) {
              ops.conv2dGelu({ x: maps[i]!, weight: weights[i]!, bias: shifts[i]!, y: maps[i + 1]! });
            }
            ops.flattenTime({ x: maps[3]!, y: y.rows(0, rows) });
          });
        }
        return [y];
      });
    }
    await pair.close();
  });

  test(`a convolution on ${target.name} with channels that its kernels do not have is refused`, {
    skip: missing,
  }, async () => {
    const backend = target.create(1);
    const place = (shape: readonly number[]) => () => {
      const bytes = new Uint8Array(2 * shape.reduce((product, size) => product * size, 1));
      return backend.weight({ name: 'odd.weight', shape, dtype: 'bf16', bytes }, 'convolution');
    };
    assert.throws(place([24, 1, 3, 3]), oneLineError('unsupported', /odd\.weight: .*\[24, 1, 3, 3\]/));
    assert.throws(place([32, 33, 3, 3]), oneLineError('unsupported', /multiple of 32/));
    assert.throws(place([32, 32, 5, 5]), oneLineError('unsupported', /3, 3\]/));
    await backend.close();
  });
}
