/**
 * Speech recognition with Qwen3-ASR models.
 *
 * @example
 * import { loadModel, loadWav } from 'qwen-asr';
 *
 * const model = await loadModel('models/demo');
 * const clip = await loadWav('models/demo/samples/weather-de.wav');
 * const transcription = model.transcribe(clip.samples);
 * for await (const { textPiece } of transcription) process.stdout.write(textPiece);
 * const { language, timings } = await transcription.result;
 * console.log(`\n${language} in ${timings.totalMs.toFixed(0)} ms`);
 * await model.close();
 *
 * @module
 */

export type { LoadedAudio } from './audio/audioClip.js';
export type { AudioStream } from './audio/audioStream.js';
export { decodeAudio } from './audio/decodeAudio.js';
export type { AudioInput } from './audio/fileSource.js';
export { melSpectrogram } from './audio/melSpectrogram.js';
export { loadAudio, loadWav, openAudio } from './audio/openAudio.js';
export { type ErrorCode, QwenAsrError } from './error.js';
export type { ByteInput } from './model/checkArguments.js';
export type { Ceilings, Observer, OperandType, Precision } from './ops/operators.js';
export { joinLanguages, joinTexts, textSeparator } from './text/joinTexts.js';
export { loadAligner } from './transcribe/align/loadAligner.js';
export type { StepFigures } from './transcribe/live/liveStep.js';
export type { SpeechStream, StreamEvent, StreamOptions } from './transcribe/live/streamTypes.js';
export { loadModel } from './transcribe/loadModel.js';
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
  LoadOptions,
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
