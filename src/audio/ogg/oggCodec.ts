/** What the first packet of a stream says. */
export interface OggStreamHead {
  readonly sampleRateHz: number;
  /** Samples that the codec's count includes and that belong to no recording; the decoder leaves them out. */
  readonly preSkipSamples: number;
}

/** Decodes the packets of one stream. */
export interface OggPacketDecoder {
  /** Takes the next of the packets in front of the sound; false when it is not valid. */
  header(packet: Uint8Array): boolean;
  /**
   * Decodes the next packet, which is not empty.
   *
   * @returns [channels][samples ≥ 0] f32; undefined when the packet is damaged.
   * @throws QwenAsrError `audio` when the decoder breaks down.
   */
  decode(packet: Uint8Array): readonly Float32Array[] | undefined;
}

/** A codec whose packets come in Ogg pages. */
export interface OggCodec {
  /** For errors: `Ogg Vorbis`. */
  readonly name: string;
  /** Packets in front of the sound. */
  readonly headerCount: number;
  /** Given to the decoder instead of the comments, which may be megabytes long and say nothing about the sound. */
  readonly emptyComments: Uint8Array;
  /**
   * Reads the first packet; undefined when it is not of this codec.
   *
   * @throws QwenAsrError `audio` for a rate that cannot be resampled.
   */
  readHead(packet: Uint8Array, label: string): OggStreamHead | undefined;
  /**
   * @param firstPacket of the stream; `header` is given it too.
   * @param label names the recording in errors.
   * @throws QwenAsrError `unsupported` when the package with the decoder is not installed.
   */
  createDecoder(firstPacket: Uint8Array, label: string): Promise<OggPacketDecoder>;
}
