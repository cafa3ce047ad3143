import { QwenAsrError } from '../../error.js';
import type { AudioDecoder } from '../audioDecoder.js';
import type { ByteReader } from '../byteReader.js';
import { Damage } from '../damage.js';
import { sampleBlocks } from '../sampleBlocks.js';
import { Minimp3 } from './minimp3.js';
import { type Mp3Frame, mp3Frames } from './mp3Frames.js';
import { readMp3Info } from './mp3Info.js';
import { Mp3Trim } from './mp3Trim.js';

/** Length of the blocks handed on, in samples. */
const BLOCK_SAMPLES = 16_384;

/**
 * Decodes MP3 (MPEG-1, -2 and -2.5 layer III), all but the free bit rate. What the encoder put in front of the recording
 * and behind it is cut off where the file says how much that is.
 *
 * @throws QwenAsrError `audio` when there is no frame; `unsupported` without the package minimp3-wasm.
 */
export async function openMp3(reader: ByteReader, label: string): Promise<AudioDecoder> {
  const damage = new Damage(label);
  const frames = mp3Frames(reader, damage);
  const first = await frames.next();
  if (first.done === true) throw new QwenAsrError('audio', `${label}: expected MP3 frames, found none`);
  const info = readMp3Info(first.value.bytes, first.value.header);
  const decoder = await Minimp3.create(label);
  // The first frame's bytes are valid until the second is asked for.
  const head = info === undefined ? decoder.decode(first.value) : new Float32Array(0);
  const notes: string[] = [];
  const { sampleRateHz } = first.value.header;
  return {
    sampleRateHz,
    mayExceedOne: false, // minimp3-wasm clips to 16 bits
    sampleCount: null,
    notes,
    decode: () => sampleBlocks(decodeRest(), BLOCK_SAMPLES),
  };

  async function* decodeRest(): AsyncGenerator<Float32Array, void, undefined> {
    const trim = new Mp3Trim(info);
    yield trim.apply(head);
    for await (const frame of frames) yield trim.apply(decodeFrame(frame));
    notes.push(...damage.note());
    if (trim.kept === 0) throw new QwenAsrError('audio', `${label}: expected MP3 frames, found no samples`);
    if (trim.missing > 0) {
      const seconds = (samples: number) => (samples / sampleRateHz).toFixed(1);
      notes.push(`${label}: ${seconds(trim.kept)} s of ${seconds(trim.kept + trim.missing)} s are there`);
    } else if (damage.isCut) notes.push(`${label}: the end of the recording is missing`);
  }

  function decodeFrame(frame: Mp3Frame): Float32Array {
    try {
      return decoder.decode(frame);
    } catch (cause) {
      throw new QwenAsrError('audio', `${label}: minimp3 failed: ${String(cause)}`, { cause });
    }
  }
}
