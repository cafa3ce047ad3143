import { takeSamples } from '../../audio/prepareSamples.js';
import { QwenAsrError } from '../../error.js';
import { checkOptions } from '../../model/checkArguments.js';
import { describeArgument } from '../../model/describe.js';
import type { Backend } from '../../ops/operators.js';
import { resolveLanguage } from '../../text/languages.js';
import { SerialQueue } from '../serialQueue.js';
import type { AlignedText, Aligner, AlignerInfo, AlignOptions } from '../types.js';
import { alignClips, type ClipText } from './alignClips.js';
import { type AlignerStages, type ClipWords, type ModelTimes, timeWords } from './timeWords.js';

/** What a loaded aligner holds on to. */
export interface AlignerParts {
  readonly info: AlignerInfo;
  readonly backend: Backend;
  readonly stages: AlignerStages;
  /** Gives back the memory of the weights. */
  readonly releaseFiles: () => void;
}

/** An aligner in memory. Calls on it are carried out one at a time, in their order. */
export class LoadedAligner implements Aligner {
  readonly info: AlignerInfo;
  readonly #backend: Backend;
  readonly #stages: AlignerStages;
  readonly #releaseFiles: () => void;
  readonly #queue = new SerialQueue();
  #closing: Promise<void> | undefined;

  constructor({ info, backend, stages, releaseFiles }: AlignerParts) {
    this.info = info;
    this.#backend = backend;
    this.#stages = stages;
    this.#releaseFiles = releaseFiles;
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
    return this.#inTurn(() => alignClips(this.#stages, this.info, clips, signal), signal);
  }

  /** What the model itself says of clips, before anything is repaired. */
  timeWords(clips: readonly ClipWords[], signal?: AbortSignal): Promise<ModelTimes[]> {
    return this.#inTurn(() => timeWords(this.#stages, clips, signal), signal);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#backend.close();
    await this.#queue.idle();
    this.#releaseFiles();
  }

  async #inTurn<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    this.#checkOpen();
    return this.#queue.run(() => {
      this.#checkOpen();
      return task();
    }, signal);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) {
      throw new QwenAsrError('closed', `${this.info.source}: the aligner has been closed`);
    }
  }
}
