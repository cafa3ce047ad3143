import type { Operators } from '../operators.js';
import { attend } from './attend.js';
import { floatsOf } from './referenceTensor.js';

/** Bidirectional attention in which row i sees exactly the rows of its own window ⌊i / windowTokens⌋. */
export function windowAttention(args: Parameters<Operators['windowAttention']>[0]): void {
  const [tokens = 0, width = 0] = args.q.shape;
  const headDim = width / args.heads;
  const q = floatsOf(args.q); // [tokens, heads·headDim] f32, as k, v and y
  const keys = floatsOf(args.k);
  const values = floatsOf(args.v);
  const y = floatsOf(args.y);
  for (let row = 0; row < tokens; row++) {
    const first = row - (row % args.windowTokens);
    const count = Math.min(args.windowTokens, tokens - first);
    for (let head = 0; head < args.heads; head++) {
      const at = row * width + head * headDim;
      const offset = first * width + head * headDim;
      const seen = { keys, values, offset, stride: width, count };
      attend(q.subarray(at, at + headDim), seen, y.subarray(at, at + headDim));
    }
  }
}
