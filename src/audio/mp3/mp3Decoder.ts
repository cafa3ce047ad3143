import { QwenAsrError } from '../../error.js';
import type { AudioBlock, AudioDecoder } from '../audioDecoder.js';
import type { ByteReader } from '../byteReader.js';
import { Damage } from '../damage.js';
import { MixMeter } from '../mixMeter.js';
import { Minimp3 } from './minimp3.js';
import { type Mp3Frame, mp3Frames } from './mp3Frames.js';
import { readJoinedMp3Info, readMp3Info } from './mp3Info.js';
import { Mp3Trim } from './mp3Trim.js';

/**
 * Decodes MP3 (MPEG-1, -2 and -2.5 layer III), all but the free bit rate, in any number of files that were joined, of any
 * rate each. What the encoder put in front of each and behind it is cut off where the file says how much that is.
 *
 * @throws QwenAsrError `audio` when there is no frame; `unsupported` without the package minimp3-wasm.
 */
export async function openMp3(reader: ByteReader, label: string): Promise<AudioDecoder> {
  const damage = new Damage(label);
  const meter = new MixMeter(label);
  const frames = mp3Frames(reader, damage);
  const first = await frames.next();
  if (first.done === true) throw new QwenAsrError('audio', `${label}: expected MP3 frames, found none`);
  const info = readMp3Info(first.value.bytes, first.value.header);
  const decoder = await Minimp3.create(label, meter);
  // The first frame's bytes are valid until the second is asked for.
  const head = info === undefined ? decoder.decode(first.value) : new Float32Array(0);
  const notes: string[] = [];
  let { sampleRateHz } = first.value.header;
  let trim = new Mp3Trim(info);
  /** Of the recordings before the last, in seconds. */
  let keptBefore = 0;
  let missingBefore = 0;
  return { sampleRateHz, sampleCount: null, notes, decode };

  async function* decode(): AsyncGenerator<AudioBlock, void, undefined> {
    yield { samples: trim.apply(head), sampleRateHz };
    for await (const frame of frames) {
      const isInfo = beginRecording(frame);
      if (!isInfo) yield { samples: trim.apply(decodeFrame(frame)), sampleRateHz };
    }
    const kept = keptBefore + trim.kept / sampleRateHz;
    const missing = missingBefore + trim.missing / sampleRateHz;
    if (kept === 0) throw new QwenAsrError('audio', `${label}: expected MP3 frames, found no samples`);
    notes.push(...damage.notes(kept, 'MP3'));
    if (missing > 0) {
      notes.push(`${label}: ${kept.toFixed(1)} s of ${(kept + missing).toFixed(1)} s are there`);
    } else if (damage.isCut) notes.push(`${label}: the end of the recording is missing`);
    notes.push(...meter.notes());
  }

  /** Where another recording begins, in an information frame or at another rate; returns whether the frame is such a one. */
  function beginRecording({ header, bytes }: Mp3Frame): boolean {
    const joined = readJoinedMp3Info(bytes, header);
    if (joined === undefined && header.sampleRateHz === sampleRateHz) return false;
    keptBefore += trim.kept / sampleRateHz;
    missingBefore += trim.missing / sampleRateHz;
    decoder.reset();
    trim = new Mp3Trim(joined);
    ({ sampleRateHz } = header);
    return joined !== undefined;
  }

  function decodeFrame(frame: Mp3Frame): Float32Array {
    try {
      return decoder.decode(frame);
    } catch (cause) {
      throw new QwenAsrError('audio', `${label}: minimp3 failed: ${String(cause)}`, { cause });
    }
  }
}
