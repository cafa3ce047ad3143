/** The first packet of an Ogg Opus stream (RFC 7845 §5.1). */
export interface OpusHead {
  readonly channels: number;
  /** Samples at 48 kHz that the decoder needs to settle. */
  readonly preSkip: number;
  /** What the samples are multiplied by. */
  readonly gain: number;
  /** Opus streams in a packet, and how many of them are stereo. */
  readonly streamCount: number;
  readonly coupledStreamCount: number;
  /** [channels] which of the streams' channels each is; 255: silence. */
  readonly channelMappingTable: readonly number[];
}

/** "OpusHead", and the only major version there is. */
const MARK = [0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64];
const VERSION_OFFSET = 8;
const MAX_VERSION = 15;
const CHANNELS_OFFSET = 9;
const PRE_SKIP_OFFSET = 10;
const GAIN_OFFSET = 16;
const FAMILY_OFFSET = 18;
/** Where the mapping is, in families other than 0: two counts and the table. */
const MAPPING_OFFSET = 19;
const TABLE_OFFSET = 21;
const SILENT = 255;

/** Reads the packet; undefined when it is none, or not valid. */
export function readOpusHead(packet: Uint8Array): OpusHead | undefined {
  if (packet.length < MAPPING_OFFSET || MARK.some((byte, i) => packet[i] !== byte)) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const channels = view.getUint8(CHANNELS_OFFSET);
  if (channels === 0 || view.getUint8(VERSION_OFFSET) > MAX_VERSION) return undefined;
  const common = {
    channels,
    preSkip: view.getUint16(PRE_SKIP_OFFSET, true),
    gain: 10 ** (view.getInt16(GAIN_OFFSET, true) / 256 / 20), // dB in steps of 1/256
  };
  if (view.getUint8(FAMILY_OFFSET) === 0) {
    if (channels > 2) return undefined;
    const mapping = { streamCount: 1, coupledStreamCount: channels - 1 };
    return { ...common, ...mapping, channelMappingTable: channels === 1 ? [0] : [0, 1] };
  }
  if (packet.length < TABLE_OFFSET + channels) return undefined;
  const streamCount = view.getUint8(MAPPING_OFFSET);
  const coupledStreamCount = view.getUint8(MAPPING_OFFSET + 1);
  const channelMappingTable = [...packet.subarray(TABLE_OFFSET, TABLE_OFFSET + channels)];
  const decoded = streamCount + coupledStreamCount;
  if (streamCount === 0 || coupledStreamCount > streamCount || decoded > SILENT) return undefined;
  if (channelMappingTable.some((index) => index >= decoded && index !== SILENT)) return undefined;
  return { ...common, streamCount, coupledStreamCount, channelMappingTable };
}
