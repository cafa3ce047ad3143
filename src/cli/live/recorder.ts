import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { oneLine, QwenAsrError } from '../../error.js';
import { findProgram } from '../../runtime/findProgram.js';

/** What the recorders are asked for, and the rate of the samples that come. */
export const RECORDER_RATE_HZ = 16_000;
export const RECORDER_FORMAT = 's16le:16000';

/** Stands for the first microphone: DirectShow has no name for a default. */
const DSHOW_DEFAULT = 'audio=default';

/** Programs that write the microphone's samples, in the order in which they are looked for. */
const RECORDERS: readonly (readonly [program: string, ...args: string[]])[] = [
  ['parecord', '--raw', '--format=s16le', '--rate=16000', '--channels=1', '--latency-msec=100'],
  ['arecord', '-q', '-t', 'raw', '-f', 'S16_LE', '-r', '16000', '-c', '1'],
  ['rec', '-q', '-t', 'raw', '-b', '16', '-e', 'signed-integer', '-r', '16000', '-c', '1', '-'],
  ['sox', '-q', '-d', '-t', 'raw', '-b', '16', '-e', 'signed-integer', '-r', '16000', '-c', '1', '-'],
  ffmpegRecorder(process.platform),
];

function ffmpegRecorder(platform: NodeJS.Platform): readonly [string, ...string[]] {
  const device: Partial<Record<NodeJS.Platform, string[]>> = {
    darwin: ['-f', 'avfoundation', '-i', ':default'],
    win32: ['-f', 'dshow', '-i', DSHOW_DEFAULT],
  };
  const input = device[platform] ?? ['-f', 'pulse', '-i', 'default'];
  const output = ['-f', 's16le', '-ar', '16000', '-ac', '1', '-'];
  return ['ffmpeg', '-hide_banner', '-loglevel', 'error', '-nostdin', ...input, ...output];
}

/** The system's recorder while it runs. */
export class Recorder {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;
  #errors = '';
  #isStopped = false;

  /**
   * Starts to record.
   *
   * @param command a command line to record with instead, which writes s16le at 16 kHz
   * @throws QwenAsrError `unsupported` when there is no recorder
   */
  constructor(command: string | undefined) {
    const [program, args] = command === undefined ? findRecorder() : [command, []];
    this.name = program;
    // The shell becomes the command: what stops one stops the other.
    const line = command !== undefined && process.platform !== 'win32' ? `exec ${program}` : program;
    this.#process = spawn(line, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: command !== undefined,
    });
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    this.#ended = new Promise((resolve) => {
      this.#process.on('error', () => resolve(null));
      this.#process.on('close', (code) => resolve(code));
    });
  }

  /** Bytes of the samples, until the recorder is stopped or ends by itself. */
  get bytes(): AsyncIterable<Uint8Array> {
    return this.#process.stdout!;
  }

  /** No more sound; what has been recorded still comes. */
  stop(): void {
    this.#isStopped = true;
    this.#process.kill('SIGTERM');
  }

  /**
   * Once no byte follows.
   *
   * @throws QwenAsrError `audio` when the recorder has ended by itself: the microphone is gone, or never was there
   */
  async checkEnd(): Promise<void> {
    const code = await this.#ended;
    if (this.#isStopped) return;
    const reason = this.#errors.trim().split('\n').at(-1)?.trim();
    const why = reason ? oneLine(reason) : `exit code ${code}`;
    throw new QwenAsrError('audio', `microphone: ${this.name} ended (${why})`);
  }
}

function findRecorder(): readonly [string, readonly string[]] {
  for (const [program, ...args] of RECORDERS) {
    const path = findProgram(program);
    if (path === null) continue;
    if (process.platform !== 'win32') return [program, args];
    // By its path: Windows would look in the working directory first.
    return [path, program === 'ffmpeg' ? withMicrophone(path, args) : args];
  }
  const names = RECORDERS.map(([program]) => program).join(', ');
  throw new QwenAsrError(
    'unsupported',
    `microphone: expected one of ${names} on the PATH, found none; QWEN_ASR_RECORDER names another command`,
  );
}

function withMicrophone(ffmpeg: string, args: readonly string[]): readonly string[] {
  const listing = ['-hide_banner', '-list_devices', 'true', '-f', 'dshow', '-i', 'dummy'];
  const { stderr } = spawnSync(ffmpeg, listing, { encoding: 'utf8', windowsHide: true });
  const device = firstMicrophone(stderr ?? '');
  if (device === null) throw new QwenAsrError('unsupported', 'microphone: ffmpeg finds none');
  return args.map((arg) => (arg === DSHOW_DEFAULT ? `audio=${device}` : arg));
}

/**
 * The first microphone that ffmpeg lists for DirectShow, before version 5 below a heading of its own.
 *
 * @returns null where there is none
 */
export function firstMicrophone(listing: string): string | null {
  const named = /"([^"]+)" \(audio\)/.exec(listing)?.[1];
  return named ?? /DirectShow audio devices[^\n]*\n[^"\n]*"([^"]+)"/.exec(listing)?.[1] ?? null;
}
