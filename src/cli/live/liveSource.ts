import { openAudio } from '../../audio/openAudio.js';
import { type PcmStream, parseRawFormat, rawPcmStream, wavStream } from '../../audio/pcmStream.js';
import { QwenAsrError } from '../../error.js';
import { RECORDER_FORMAT, RECORDER_RATE_HZ, Recorder } from './recorder.js';

/** Length of the pieces that a recording is played in, in samples at 16 kHz: 100 ms. */
const PLAYED_SAMPLES = 1600;

/** Whoever sends audio so far ahead of the clock is no microphone, and can wait. */
const AHEAD_MS = 3000;

/** Where a live transcription gets its samples from. */
export interface LiveSource extends PcmStream {
  /** Whether the one who sends them can wait for the engine, when so many have come. */
  canWait(samples: number): boolean;
  /** No more samples, but those that are on their way. */
  stop(): void;
  /** Once no block follows; throws when there should have been more. */
  checkEnd(): Promise<void>;
}

/** What of the command line says where samples come from. */
export interface SourceChoice {
  readonly input: string | undefined;
  readonly mic: boolean;
  readonly raw: string | undefined;
  /** `max`: as fast as the engine takes them. */
  readonly pace: 'recording' | 'max';
}

/**
 * Opens the microphone, standard input or a recording.
 *
 * @throws QwenAsrError `unsupported` without a recorder; `audio`, `file` for an input that cannot be read
 */
export function openLiveSource(choice: SourceChoice, signal: AbortSignal): Promise<LiveSource> {
  if (choice.mic) return openMicrophone();
  if (choice.input === '-') return openStandardInput(choice);
  return openRecording(choice.input!, choice.pace, signal);
}

async function openMicrophone(): Promise<LiveSource> {
  const recorder = new Recorder(process.env['QWEN_ASR_RECORDER']);
  const format = parseRawFormat(RECORDER_FORMAT)!;
  return {
    sampleRateHz: RECORDER_RATE_HZ,
    blocks: rawPcmStream(recorder.bytes, format, 'microphone').blocks,
    canWait: () => false,
    stop: () => recorder.stop(),
    checkEnd: () => recorder.checkEnd(),
  };
}

async function openStandardInput({ raw, pace }: SourceChoice): Promise<LiveSource> {
  const label = 'standard input';
  const pieces: AsyncIterable<Uint8Array> = process.stdin;
  const format = raw === undefined ? null : parseRawFormat(raw);
  const { sampleRateHz, blocks } =
    format === null ? await wavStream(pieces, label) : rawPcmStream(pieces, format, label);
  const startMs = performance.now();
  return {
    sampleRateHz,
    blocks,
    canWait: (samples) =>
      pace === 'max' || (1000 * samples) / sampleRateHz > performance.now() - startMs + AHEAD_MS,
    stop: () => process.stdin.destroy(),
    checkEnd: async () => {},
  };
}

async function openRecording(
  path: string,
  pace: SourceChoice['pace'],
  signal: AbortSignal,
): Promise<LiveSource> {
  const recording = await openAudio(path, { signal });
  let isStopped = false;
  async function* blocks(): AsyncGenerator<Float32Array, void, undefined> {
    const startMs = performance.now();
    let played = 0;
    try {
      for await (const block of recording) {
        for (let at = 0; at < block.length && !isStopped; at += PLAYED_SAMPLES) {
          const piece = block.subarray(at, at + PLAYED_SAMPLES);
          played += piece.length;
          if (pace === 'recording') await waitUntil(startMs + played / 16, signal);
          yield piece;
        }
        if (isStopped) return;
      }
    } finally {
      await recording.close();
    }
  }
  return {
    sampleRateHz: recording.sampleRateHz,
    blocks: blocks(),
    canWait: () => pace === 'max',
    stop: () => {
      isStopped = true;
    },
    checkEnd: async () => {},
  };
}

/** @throws QwenAsrError `aborted` */
function waitUntil(timeMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new QwenAsrError('aborted', 'stopped while a recording was played'));
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', stop);
        resolve();
      },
      Math.max(0, timeMs - performance.now()),
    );
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
