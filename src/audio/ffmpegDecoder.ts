import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { QwenAsrError } from '../error.js';
import { findProgram } from '../runtime/findProgram.js';
import { type AudioBlock, type AudioDecoder, SAMPLE_RATE_HZ } from './audioClip.js';
import { ByteReader } from './byteReader.js';
import { MixMeter } from './mixMeter.js';
import { decodePcm, type WavFormat } from './wavFormat.js';

/** Node's types know the streams only of a child whose standard input is none or a pipe. */
type Child = ChildProcessByStdio<null, Readable, Readable>;

/** What is kept of ffmpeg's complaints. */
const MAX_COMPLAINT_BYTES = 8192;
const MAX_COMPLAINT_CHARACTERS = 200;

/** Header of the AU files that ffmpeg writes: big-endian words, of which the second is the header's length. */
const AU_HEADER_BYTES = 24;
const AU_OFFSET = 4;
const AU_CHANNELS = 20;
/** Bytes of sound taken at a time. */
const BLOCK_BYTES = 65_536;

/** The longest that a timer can be set to. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a shell returns for a program that it cannot find. */
const NOT_FOUND = 127;

/** No file of Windows has this name: starting it fails as starting a missing one does. */
const ABSENT_PROGRAM = 'ffmpeg: not on the PATH';

/** What the program's standard input is called: as a file that can be read in any order, where the system has such a name. */
const STANDARD_INPUT = process.platform === 'win32' ? 'pipe:0' : 'file:/dev/stdin';

/**
 * The demuxers that may be used: of sound, and of films, which have sound. Missing are those that open further files
 * (playlists: concat, hls, dash, imf, sdp, …), devices, pictures and subtitles.
 */
const DEMUXERS = `
  3dostr aa aac aax ac3 act adp ads adx aea afc aiff aix alp amr amrnb amrwb apc ape apm aptx aptx_hd argo_asf argo_brp
  asf asf_o ast au avi avr av1 bfstm binka boa brstm caf cavsvideo codec2 codec2raw daud derf dfpwm dhav dsf dss dts dtshd
  dv ea eac3 epaf flac flv fsb fwse g722 g723_1 g726 g726le g729 genh gsm gxf h261 h263 h264 hca hcom hevc iff ilbc ircam
  iss ivf kvag laf live_flv lmlm4 loas lvf lxf m4v matroska webm mca mgsts mlp mods moflex mov mp4 m4a 3gp 3g2 mj2 mp3 mpc
  mpc8 mpeg mpegts mpegtsraw mpegvideo msf mtaf mtv musx mv mxf nistsphere nsv nut obu ogg oma osq paf pmp psxstr pva pvf
  qcp qoa r3d redspark rm rsd rso sbc sds sdx shn sln smjpeg sol sox spdif svag swf tak thp truehd tta txd ty vag vc1
  vividas vivo voc vpk vqf w64 wady wav wsaud wsd wtv wv wve xa xmv xvag xwma`;

/** What the program may use. Its demuxers are limited in any case, and what it writes is taken a block at a time. */
export interface FfmpegLimits {
  /** Wall time of one pass over the recording. */
  readonly timeMs?: number;
  /** Address space. */
  readonly memoryBytes?: number;
}

/** Why ffmpeg gave no samples; `cause` where it could not be started. */
export interface FfmpegFailure {
  readonly reason: string;
  readonly cause?: Error;
}

/**
 * Decodes the first audio stream of a file with the program ffmpeg, which also makes it 16 kHz, and mono or stereo.
 *
 * @param path in bytes where the name is not UTF-8, which no argument of a program can be here.
 * @param errorFor makes the error for a failure.
 * @throws QwenAsrError, from `decode`: that of `errorFor`; `aborted`, with ffmpeg ended.
 */
export function ffmpegDecoder(
  path: string | Buffer,
  label: string,
  errorFor: (failure: FfmpegFailure) => QwenAsrError,
  { signal, limits = {} }: { signal?: AbortSignal | undefined; limits?: FfmpegLimits | undefined } = {},
): AudioDecoder {
  const notes: string[] = [];
  return { sampleRateHz: SAMPLE_RATE_HZ, sampleCount: null, notes, decode };

  async function* decode(): AsyncGenerator<AudioBlock, void, undefined> {
    const file = typeof path === 'string' ? null : await open(path);
    const name = typeof path === 'string' ? `file:${path}` : STANDARD_INPUT;
    const child = start(argumentsFor(name), file?.fd, limits);
    const ended = whenEnded(child);
    const complaint = collectComplaint(child.stderr);
    const stop = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    let isLate = false;
    const timer = setTimeout(
      () => {
        isLate = true;
        stop();
      },
      Math.min(limits.timeMs ?? MAX_TIMER_MS, MAX_TIMER_MS),
    );
    const meter = new MixMeter(label);
    let samples = 0;
    try {
      for await (const block of decodeOutput(child.stdout, meter)) {
        samples += block.length;
        yield { samples: block, sampleRateHz: SAMPLE_RATE_HZ };
      }
      const outcome = await ended;
      if (signal?.aborted) throw new QwenAsrError('aborted', `${label}: reading was aborted`);
      if (isLate) throw errorFor({ reason: `it was not done after ${(limits.timeMs ?? 0) / 1000} s` });
      if (outcome instanceof Error) throw errorFor({ reason: startFailure(outcome), cause: outcome });
      if (outcome === NOT_FOUND && limits.memoryBytes !== undefined) {
        throw errorFor({ reason: 'there is none', cause: new Error('ffmpeg: not found') });
      }
      const said = complaintLine(complaint.join(''), name);
      if (outcome !== 0 || samples === 0) throw errorFor({ reason: said === '' ? 'no samples' : said });
      if (said !== '') notes.push(`${label}: ffmpeg: ${said}`);
      notes.push(...meter.notes());
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      stop();
      await ended;
      await file?.close();
    }
  }
}

/**
 * This file only: no address that it names is fetched, and no other file that it names is opened, as playlists would
 * have it; both lists are needed, as a playlist on the disk names files. No questions; the path cannot be taken for an
 * option.
 */
function argumentsFor(input: string): string[] {
  const formats = DEMUXERS.trim().replaceAll(/\s+/g, ',');
  const limits = ['-protocol_whitelist', input.split(':', 1)[0]!, '-format_whitelist', formats];
  const reading = ['-nostdin', '-hide_banner', '-v', 'error', ...limits, '-i', input, '-map', '0:a:0'];
  const mixing = ['-af', 'aformat=channel_layouts=mono|stereo', '-ar', String(SAMPLE_RATE_HZ)];
  return [...reading, ...mixing, '-c:a', 'pcm_f32be', '-f', 'au', '-'];
}

function start(args: readonly string[], input: number | undefined, { memoryBytes }: FfmpegLimits): Child {
  const stdio = [input ?? 'ignore', 'pipe', 'pipe'] as const;
  if (memoryBytes === undefined || process.platform === 'win32') {
    return spawn(ffmpegProgram(), args, { stdio: [...stdio], windowsHide: true }) as Child;
  }
  // Only a shell can set the limit: it becomes the program. 127 is its word for a program that there is not.
  const limited = `ulimit -v ${Math.ceil(memoryBytes / 1024)}; exec ffmpeg "$@"`;
  return spawn('sh', ['-c', limited, 'ffmpeg', ...args], { stdio: [...stdio] }) as Child;
}

/** Windows looks in the working directory first, which is anybody's. */
function ffmpegProgram(): string {
  return process.platform === 'win32' ? (findProgram('ffmpeg') ?? ABSENT_PROGRAM) : 'ffmpeg';
}

/** The exit code, null when a signal ended it, or the reason why it could not be started. */
async function whenEnded(child: Child): Promise<number | null | Error> {
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function startFailure(cause: Error): string {
  return 'code' in cause && cause.code === 'ENOENT' ? 'there is none' : `it failed: ${cause.message}`;
}

function collectComplaint(stderr: Readable): string[] {
  const pieces: string[] = [];
  let characters = 0;
  stderr.setEncoding('utf8').on('data', (text: string) => {
    if (characters < MAX_COMPLAINT_BYTES) pieces.push(text);
    characters += text.length;
  });
  return pieces;
}

/** ffmpeg's lines without the addresses and the path in front of them, each once. */
function complaintLine(complaint: string, name: string): string {
  const lines = complaint
    .split('\n')
    .map((line) =>
      line
        .replace(/^\[[^\]]* @ 0x[0-9a-f]+\] /, '')
        .replace(`${name}: `, '')
        .trim(),
    )
    .filter((line, i, all) => line !== '' && all.indexOf(line) === i);
  // What is asked of ffmpeg is no business of the reader.
  if (lines.some((line) => line.startsWith('Stream map') && line.includes('matches no streams'))) {
    return 'there is no audio in it';
  }
  if (lines.some((line) => line.startsWith('Format not on whitelist'))) {
    return 'it is no recording (files that name others are not followed)';
  }
  const joined = lines.join('; ');
  return joined.length <= MAX_COMPLAINT_CHARACTERS ? joined : `${joined.slice(0, MAX_COMPLAINT_CHARACTERS)}…`;
}

/** [any] f32 each: the mean of the channels of the AU file that ffmpeg writes. */
async function* decodeOutput(
  stdout: AsyncIterable<Uint8Array>,
  meter: MixMeter,
): AsyncGenerator<Float32Array, void, undefined> {
  const reader = new ByteReader(stdout);
  try {
    if ((await reader.fill(AU_HEADER_BYTES)) < AU_HEADER_BYTES) return;
    const { buffer, byteOffset } = reader.bytes;
    const header = new DataView(buffer, byteOffset, AU_HEADER_BYTES);
    const channels = header.getUint32(AU_CHANNELS);
    const frameBytes = 4 * channels;
    const pcm = { encoding: 'float', littleEndian: false, bitsPerSample: 32 } as const;
    const format: WavFormat = { ...pcm, channels, frameBytes, sampleRateHz: SAMPLE_RATE_HZ };
    await reader.discard(header.getUint32(AU_OFFSET));
    while ((await reader.fill(BLOCK_BYTES)) >= frameBytes) {
      const { length } = reader.bytes;
      const bytes = reader.bytes.subarray(0, Math.min(BLOCK_BYTES, length - (length % frameBytes)));
      yield decodePcm(bytes, format, meter);
      reader.skip(bytes.length);
    }
  } finally {
    await reader.close();
  }
}
