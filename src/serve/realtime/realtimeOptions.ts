import type { VadOptions } from '../../transcribe/types.js';
import { badField } from '../apiError.js';
import { checkModelName } from '../openai/transcriptionRequest.js';
import { DEFAULT_AUDIO_FORMAT, type RealtimeAudioFormat, readAudioFormat } from './audioFormat.js';

/** What a client has set for its session. */
export interface RealtimeOptions {
  readonly format: RealtimeAudioFormat;
  readonly model: string;
  readonly language: string | undefined;
  readonly prompt: string | undefined;
  /** Null: the client says where segments end. */
  readonly vad: VadOptions | null;
}

type Json = Readonly<Record<string, unknown>>;

/** What a session begins with. */
export function defaultRealtimeOptions(model: string): RealtimeOptions {
  return { format: DEFAULT_AUDIO_FORMAT, model, language: undefined, prompt: undefined, vad: {} };
}

/**
 * Reads `session` of `session.update`: what is not there stays as it is.
 *
 * @throws ApiError 400, 404 naming the field
 */
export function readRealtimeOptions(
  before: RealtimeOptions,
  session: unknown,
  modelNames: readonly string[],
): RealtimeOptions {
  const { type, audio, include, ...others } = objectOf(session, 'session');
  refuseOthers(others, 'session');
  if (type !== 'transcription') throw badField('session.type', 'expected transcription');
  if (Array.isArray(include) ? include.length > 0 : (include ?? null) !== null) {
    throw badField('session.include', 'nothing can be included here');
  }
  const { input, ...outputs } = audio === undefined ? {} : objectOf(audio, 'session.audio');
  refuseOthers(outputs, 'session.audio');
  const given = input === undefined ? {} : objectOf(input, 'session.audio.input');
  const { format, transcription, turn_detection, noise_reduction, ...rest } = given;
  refuseOthers(rest, 'session.audio.input');
  if ((noise_reduction ?? null) !== null) {
    throw badField('session.audio.input.noise_reduction', 'noise is not reduced here: expected null');
  }
  return {
    ...before,
    ...(format !== undefined && { format: readAudioFormat(format, 'session.audio.input.format') }),
    ...readTranscription(transcription, modelNames),
    ...(turn_detection !== undefined && { vad: readTurnDetection(turn_detection) }),
  };
}

function readTranscription(given: unknown, modelNames: readonly string[]): Partial<RealtimeOptions> {
  if (given === undefined || given === null) return {};
  const param = 'session.audio.input.transcription';
  const { model, language, prompt, ...others } = objectOf(given, param);
  refuseOthers(others, param);
  if (model !== undefined) checkModelName(String(model), modelNames);
  return {
    ...(model !== undefined && { model: String(model) }),
    ...(language !== undefined && { language: textOf(language, `${param}.language`) }),
    ...(prompt !== undefined && { prompt: textOf(prompt, `${param}.prompt`) }),
  };
}

function readTurnDetection(given: unknown): VadOptions | null {
  if (given === null) return null;
  const param = 'session.audio.input.turn_detection';
  const { type, threshold, prefix_padding_ms, silence_duration_ms, ...others } = objectOf(given, param);
  if (type !== 'server_vad')
    throw badField(`${param}.type`, 'expected server_vad or null', 'unsupported_value');
  // They are about what a model says by itself, which this one does not.
  const { create_response: _, interrupt_response: __, idle_timeout_ms: ___, ...unknown } = others;
  refuseOthers(unknown, param);
  const number = (name: string, value: unknown, max: number): number | undefined => {
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && value >= 0 && value <= max) return value;
    throw badField(`${param}.${name}`, `expected a number from 0 to ${max}`);
  };
  const share = number('threshold', threshold, 1);
  const prefixMs = number('prefix_padding_ms', prefix_padding_ms, 10_000);
  const silenceMs = number('silence_duration_ms', silence_duration_ms, 10_000);
  return {
    ...(share !== undefined && { threshold: Math.min(0.99, Math.max(0.01, share)) }),
    ...(prefixMs !== undefined && { prefixMs }),
    ...(silenceMs !== undefined && { silenceMs }),
  };
}

/** The session as the API describes it. */
export function sessionObject(id: string, options: RealtimeOptions) {
  const { format, model, language, prompt, vad } = options;
  const { type } = format;
  const turnDetection = {
    type: 'server_vad',
    threshold: vad?.threshold ?? 0.5,
    prefix_padding_ms: vad?.prefixMs ?? 300,
    silence_duration_ms: vad?.silenceMs ?? 800,
  };
  return {
    type: 'transcription',
    object: 'realtime.transcription_session',
    id,
    audio: {
      input: {
        format: type === 'audio/pcm' ? { type, rate: format.rateHz } : { type },
        transcription: {
          model,
          ...(language !== undefined && { language }),
          ...(prompt !== undefined && { prompt }),
        },
        noise_reduction: null,
        turn_detection: vad === null ? null : turnDetection,
      },
    },
  };
}

function objectOf(value: unknown, param: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw badField(param, 'expected an object');
}

function refuseOthers(others: Json, param: string): void {
  const [name] = Object.keys(others).filter((key) => (others[key] ?? null) !== null);
  if (name !== undefined)
    throw badField(`${param}.${name.slice(0, 100)}`, 'there is no such field', 'unknown_parameter');
}

function textOf(value: unknown, param: string): string | undefined {
  if (typeof value !== 'string') throw badField(param, 'expected text');
  return value.trim() === '' ? undefined : value;
}
