/**
 * Speech recognition with Qwen3-ASR models in a browser. The same as `qwen-asr` in Node, without what needs a file system;
 * bundlers choose it by the `browser` condition.
 *
 * @example
 * import { decodeWav, loadModelFromFiles } from 'qwen-asr';
 *
 * const model = await loadModelFromFiles(new URL('models/demo/', document.baseURI));
 * const clip = decodeWav(await file.arrayBuffer(), file.name);
 * for await (const { textPiece } of model.transcribe(clip.samples)) output.append(textPiece);
 * await model.close();
 *
 * @module
 */
export { decodeInBrowser as decodeAudio } from './audio/decodeInBrowser.js';
export { melSpectrogram } from './audio/melSpectrogram.js';
export { prepareSamples } from './audio/prepareSamples.js';
export { decodeWav } from './audio/wavDecoder.js';
export { type ErrorCode, QwenAsrError } from './error.js';
export type { ByteInput, BytesInMemory } from './model/checkArguments.js';
export type { ModelFile, NamedBytes } from './model/folderOfFiles.js';
export type { Observer, OperandType, Precision } from './ops/operators.js';
export { joinLanguages, joinTexts, textSeparator } from './text/joinTexts.js';
export { loadAlignerFromFiles } from './transcribe/align/buildAligner.js';
export type { StepFigures } from './transcribe/live/liveStep.js';
export type { SpeechStream, StreamEvent, StreamOptions } from './transcribe/live/streamTypes.js';
export { type LoadFromFilesOptions, loadModelFromFiles } from './transcribe/loadModelFromFiles.js';
export { segmentRecording } from './transcribe/segmentRecording.js';
export type {
  AlignedText,
  Aligner,
  AlignerInfo,
  AlignOptions,
  AudioClip,
  BackendChoice,
  BatchLoad,
  BatchOptions,
  BatchRequestOptions,
  BatchSize,
  EncodeTimings,
  Encoding,
  Mel,
  ModelInfo,
  RecordingSegment,
  SegmentationOptions,
  SegmentOptions,
  SegmentToken,
  SpeechModel,
  TimedWord,
  TokenEvent,
  TranscribeLongOptions,
  TranscribeOptions,
  Transcript,
  Transcription,
  TranscriptionBatch,
  TranscriptSegment,
  TranscriptTimings,
  VadOptions,
} from './transcribe/types.js';
