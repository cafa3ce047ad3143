import { takeSamples } from '../../audio/prepareSamples.js';
import { QwenAsrError } from '../../error.js';
import { checkOptions } from '../../model/checkArguments.js';
import { describeArgument } from '../../model/describe.js';
import { resolveLanguage } from '../../text/languages.js';
import { type HeldParts, ModelTurns } from '../modelTurns.js';
import type { AlignedText, Aligner, AlignerInfo, AlignOptions } from '../types.js';
import { alignClips, type ClipText } from './alignClips.js';
import { type AlignerStages, type ClipWords, type ModelTimes, timeWords } from './timeWords.js';

/** What a loaded aligner consists of. */
export interface AlignerParts extends HeldParts {
  readonly info: AlignerInfo;
  readonly stages: AlignerStages;
}

/** An aligner in memory. Calls on it are carried out one at a time, in their order. */
export class LoadedAligner implements Aligner {
  readonly info: AlignerInfo;
  readonly #stages: AlignerStages;
  readonly #turns: ModelTurns;

  constructor({ info, stages, ...held }: AlignerParts) {
    this.info = info;
    this.#stages = stages;
    this.#turns = new ModelTurns(held, `${info.source}: the aligner has been closed`);
  }

  async align(given: Float32Array, text: string, options: AlignOptions = {}): Promise<AlignedText> {
    const samples = takeSamples(given);
    checkOptions(options);
    const { language = '', signal } = options;
    if (typeof text !== 'string') {
      throw new QwenAsrError('usage', `text: expected text, found ${describeArgument(text)}`);
    }
    if (typeof language !== 'string') {
      const line = `expected text, found ${describeArgument(language)}`;
      throw new QwenAsrError('usage', line, { option: 'language' });
    }
    const name = language === '' ? undefined : resolveLanguage(language, this.info.languages);
    const [alignment] = await this.alignClips([{ samples, text, language: name ?? '' }], signal);
    return alignment!;
  }

  alignClips(clips: readonly ClipText[], signal?: AbortSignal): Promise<AlignedText[]> {
    return this.#turns.run(() => alignClips(this.#stages, this.info, clips, signal), signal);
  }

  /** What the model itself says of clips, before anything is repaired. */
  timeWords(clips: readonly ClipWords[], signal?: AbortSignal): Promise<ModelTimes[]> {
    return this.#turns.run(() => timeWords(this.#stages, clips, signal), signal);
  }

  close(): Promise<void> {
    return this.#turns.close();
  }
}
