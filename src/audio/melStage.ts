import { FFT_BINS, MEL_BINS, melFrameCount } from '../ops/logMelShape.js';
import type { Backend, Observer } from '../ops/operators.js';
import { checkSamples } from './checkSamples.js';
import type { Mel } from './mel.js';
import { melFilters } from './melFilters.js';
import { padShortClip } from './padShortClip.js';

/** Log-mel on a backend. */
export class MelStage {
  readonly #backend: Backend;
  /** [128, 201] f32 */
  readonly #filters = melFilters();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /**
   * Log-mel of one clip; clips under 0.5 s are zero-padded to 8000 samples. Probe: `mel` [128, frames].
   *
   * @param samples [n ≥ 1] f32, mono, 16 kHz
   * @throws QwenAsrError `audio` when there are no samples or one of them is not finite; `aborted`; `closed`
   */
  async run(
    samples: Float32Array,
    options: { signal?: AbortSignal | undefined; observer?: Observer | undefined } = {},
  ): Promise<Mel> {
    checkSamples(samples);
    const clip = padShortClip(samples);
    const frames = melFrameCount(clip.length);
    const scope = this.#backend.createScope('log-mel');
    try {
      const input = scope.tensor('samples', [clip.length], 'f32');
      const filters = scope.tensor('mel filters', [MEL_BINS, FFT_BINS], 'f32');
      const y = scope.tensor('log-mel', [MEL_BINS, frames], 'f32');
      input.write(clip);
      filters.write(this.#filters);
      const pass = this.#backend.plan(
        'log-mel',
        (ops) => {
          ops.logMel({ samples: input, filters, y });
          ops.probe('mel', y);
        },
        options.observer,
      );
      await pass.run(options.signal);
      return { data: y.read(), bins: MEL_BINS, frames };
    } finally {
      scope.release();
    }
  }
}
