import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../support/projectRoot.js';

/** The published model in onnxruntime's WebAssembly build. */
export interface SileroOracle {
  /** The probability of every whole frame of 512 samples, by a stream that begins with the first. */
  probabilities(samples: Float32Array): Promise<number[]>;
}

interface Tensor {
  readonly data: Float32Array;
}

/** The part of onnxruntime-web that is used. */
interface Runtime {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly Tensor: new (type: string, data: Float32Array | BigInt64Array, shape: readonly number[]) => Tensor;
  readonly InferenceSession: {
    create(model: Uint8Array): Promise<{
      run(inputs: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
    }>;
  };
}

const CONTEXT = 64;
const FRAME = 512;

/** The oracle, or why there is none. */
export async function loadSileroOracle(): Promise<SileroOracle | string> {
  const require = createRequire(join(projectRoot, 'test', 'oracle', 'package.json'));
  try {
    const model = readFileSync(join(dirname(require.resolve('@ricky0123/vad-web')), 'silero_vad_v6.onnx'));
    const url = pathToFileURL(require.resolve('onnxruntime-web')).href;
    const runtime = ((await import(url)) as { default: Runtime }).default;
    runtime.env.wasm.numThreads = 1;
    return await openOracle(runtime, model);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    return `run \`node scripts/installTestOracles.mjs\` first (${reason})`;
  }
}

async function openOracle({ Tensor, InferenceSession }: Runtime, model: Uint8Array): Promise<SileroOracle> {
  const session = await InferenceSession.create(model);
  const sr = new Tensor('int64', BigInt64Array.of(16000n), []);
  return {
    async probabilities(samples) {
      const found: number[] = [];
      const padded = new Float32Array(CONTEXT + samples.length);
      padded.set(samples, CONTEXT);
      let state = new Tensor('float32', new Float32Array(2 * 128), [2, 1, 128]);
      for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
        const frame = padded.slice(at, at + CONTEXT + FRAME);
        const input = new Tensor('float32', frame, [1, frame.length]);
        const { output, stateN } = await session.run({ input, state, sr });
        found.push(output!.data[0]!);
        state = stateN!;
      }
      return found;
    },
  };
}
