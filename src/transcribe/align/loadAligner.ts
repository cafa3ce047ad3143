import { loadInto } from '../loadModel.js';
import type { Aligner, LoadOptions } from '../types.js';
import { buildAligner } from './buildAligner.js';

/**
 * Loads a forced aligner (Qwen3-ForcedAligner), which says when the words of a text are spoken. Files, backends and errors
 * are as for loadModel.
 *
 * @param source a model directory
 * @throws QwenAsrError as loadModel; `model` for a directory that is no aligner's
 * @example
 * import { loadAligner, loadWav } from 'qwen-asr';
 * const aligner = await loadAligner('models/demo-aligner');
 * const clip = await loadWav('models/demo/samples/light-en.wav');
 * const { words } = await aligner.align(clip.samples, 'Turn on the kitchen light.', { language: 'English' });
 * for (const { text, startMs, endMs } of words) console.log(text, startMs, endMs);
 * await aligner.close();
 */
export function loadAligner(source: string, options: LoadOptions = {}): Promise<Aligner> {
  return loadInto(buildAligner, source, options);
}
