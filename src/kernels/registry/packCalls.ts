import { COMPARED_BYTES, compareBytes } from '../compareBytes.js';
import { blocksFor } from '../matrix/formats/affineBlocks.js';
import { packAffine } from '../matrix/packAffine.js';
import { packPairs, pairPanelsBytes } from '../matrix/packPairs.js';
import { packRows } from '../matrix/packRows.js';
import {
  arrayBytes,
  BYTES,
  bf16,
  type ExampleContext,
  i32,
  PROMPT_ROWS,
  type RegisteredKernel,
  u8,
} from './exampleCall.js';

const GROUP = 64;

export const compareBytesKernel: RegisteredKernel = {
  name: 'compareBytes',
  limit: 'memory',
  calls: (context) => {
    const { n, depth } = matrixOf(context);
    const bytes = u8(Math.ceil((2 * n * depth) / COMPARED_BYTES) * COMPARED_BYTES);
    return [
      {
        label: 'bf16',
        call: (allocate) =>
          compareBytes().call({
            a: allocate(bytes),
            b: allocate(bytes),
            difference: allocate(i32(new Int32Array(1))),
          }),
        flops: 0,
        bytes: arrayBytes(bytes, bytes),
      },
    ];
  },
};

export const packRowsKernel: RegisteredKernel = {
  name: 'packRows',
  limit: 'memory',
  calls: (context) =>
    ([8, 4] as const).map((bits) => {
      const { n, depth } = matrixOf(context);
      const blocks = blocksFor(context.capabilities, bits, GROUP);
      const [x, y] = [bf16(n * depth), u8(blocks.byteLength(n, depth))];
      return {
        label: `bf16 to ${bits} bits`,
        call: (allocate) =>
          packRows({ depth, dtype: 'bf16', blocks }).call({ x: allocate(x), y: allocate(y), n }),
        flops: 0,
        bytes: arrayBytes(x, y),
      };
    }),
};

export const packAffineKernel: RegisteredKernel = {
  name: 'packAffine',
  limit: 'memory',
  calls: (context) =>
    ([8, 6, 4, 3] as const).map((bits) => {
      const { n, depth } = matrixOf(context);
      const blocks = blocksFor(context.capabilities, bits > 4 ? 8 : 4, GROUP);
      const words = u8((n * depth * bits) / 8);
      const scales = bf16((n * depth) / GROUP);
      const y = u8(blocks.byteLength(n, depth));
      return {
        label: `${bits} bits`,
        call: (allocate) =>
          packAffine({ depth, bits, blocks }).call({
            words: allocate(words),
            scales: allocate(scales),
            biases: allocate(scales),
            y: allocate(y),
            damage: allocate(i32(new Int32Array(1))),
            n,
          }),
        flops: 0,
        bytes: arrayBytes(words, scales, scales, y),
      };
    }),
};

/** Rows of activations for products of tiles, and the weights of a convolution. */
export const packPairsKernel: RegisteredKernel = {
  name: 'packPairs',
  limit: 'memory',
  calls: ({ model }) => {
    const { channels } = model.encoder;
    const rows = { m: PROMPT_ROWS, depth: model.decoder.hidden };
    return [rows, { m: channels, depth: 9 * channels }].map(({ m, depth }) => {
      const [x, y] = [bf16(m * depth), bf16(pairPanelsBytes(m, depth) / BYTES.bf16)];
      return {
        label: `${m} rows of ${depth}`,
        call: (allocate) =>
          packPairs({ depth, strideBytes: BYTES.bf16 * depth }).call({ x: allocate(x), y: allocate(y), m }),
        flops: 0,
        bytes: arrayBytes(x, y),
      };
    });
  },
};

function matrixOf({ model }: ExampleContext): { n: number; depth: number } {
  return { n: model.decoder.intermediate, depth: model.decoder.hidden };
}
