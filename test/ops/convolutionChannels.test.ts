import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelsFirst, channelsLast } from '../../src/ops/convolutionChannels.js';
import type { PlainParameter, StorageDtype } from '../../src/ops/parameter.js';

const [OUTPUTS, INPUTS, HEIGHT, WIDTH] = [5, 4, 3, 2] as const;

/** What a weight of the convolution holds at a place: no two hold the same. */
function valueAt(output: number, input: number, y: number, x: number): number {
  return ((output * 10 + input) * 10 + y) * 10 + x;
}

function parameterOf(dtype: StorageDtype, channels: 'first' | 'last'): PlainParameter {
  const words = new (dtype === 'f32' ? Uint32Array : Uint16Array)(OUTPUTS * INPUTS * HEIGHT * WIDTH);
  let at = 0;
  const put = (output: number, input: number, y: number, x: number): void => {
    words[at++] = valueAt(output, input, y, x);
  };
  for (let output = 0; output < OUTPUTS; output++) {
    if (channels === 'first') {
      for (let input = 0; input < INPUTS; input++)
        for (let y = 0; y < HEIGHT; y++) for (let x = 0; x < WIDTH; x++) put(output, input, y, x);
    } else {
      for (let y = 0; y < HEIGHT; y++)
        for (let x = 0; x < WIDTH; x++) for (let input = 0; input < INPUTS; input++) put(output, input, y, x);
    }
  }
  const shape = [OUTPUTS, INPUTS, HEIGHT, WIDTH];
  const parameter = { name: 'conv', shape, dtype, bytes: new Uint8Array(words.buffer) };
  return channels === 'first' ? parameter : { ...parameter, channels };
}

for (const dtype of ['bf16', 'f16', 'f32'] as const) {
  test(`weights of convolutions in ${dtype} are found with their channels last, and as their shape says`, () => {
    const [first, last] = [parameterOf(dtype, 'first'), parameterOf(dtype, 'last')];
    for (const parameter of [first, last]) {
      assert.deepEqual(new Uint8Array(channelsLast(parameter).buffer), last.bytes);
      assert.deepEqual(channelsFirst(parameter), first);
    }
  });
}

test('what is moved is new memory', () => {
  const last = parameterOf('bf16', 'last');
  channelsLast(last).fill(0);
  assert.deepEqual(last, parameterOf('bf16', 'last'));
});
