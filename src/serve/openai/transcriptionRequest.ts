import type { Aligner, VadOptions } from '../../transcribe/types.js';
import { ApiError, badField } from '../apiError.js';
import { FormFields } from '../http/formFields.js';

/** The formats that an answer can have. */
export const RESPONSE_FORMATS = ['json', 'text', 'srt', 'vtt', 'verbose_json'] as const;

export type ResponseFormat = (typeof RESPONSE_FORMATS)[number];

/** What a transcription request asks for, checked. */
export interface TranscriptionRequest {
  readonly model: string;
  readonly language: string | undefined;
  readonly prompt: string | undefined;
  readonly format: ResponseFormat;
  readonly granularities: ReadonlySet<'word' | 'segment'>;
  readonly logProbabilities: boolean;
  readonly vad: VadOptions | undefined;
  readonly stream: boolean;
  readonly temperature: number;
}

/** Fields that this server understands but cannot carry out, and why. */
const CANNOT: Readonly<Record<string, string>> = {
  known_speaker_names: 'speakers are not told apart here',
  known_speaker_references: 'speakers are not told apart here',
};

const KNOWN = [
  'model',
  'language',
  'prompt',
  'response_format',
  'temperature',
  'timestamp_granularities',
  'include',
  'chunking_strategy',
  'stream',
] as const;

/**
 * Reads the fields of `POST /v1/audio/transcriptions`. Everything that is asked for is carried out or refused.
 *
 * @throws ApiError 400 naming the field
 */
export function readTranscriptionRequest(form: ReadonlyMap<string, readonly string[]>): TranscriptionRequest {
  const fields = new FormFields(form);
  for (const [name, why] of Object.entries(CANNOT)) {
    if (fields.has(name)) throw badField(name, why, 'unsupported_parameter');
  }
  fields.refuseUnknown(KNOWN);
  const model = fields.text('model');
  if (model === undefined)
    throw badField('model', 'expected the name of a model, found none', 'missing_parameter');
  if (fields.one('response_format') === 'diarized_json') {
    throw badField('response_format', 'speakers are not told apart here', 'unsupported_value');
  }
  const format = fields.word('response_format', RESPONSE_FORMATS) ?? 'json';
  const granularities = new Set(fields.words('timestamp_granularities', ['word', 'segment'] as const));
  if (granularities.size > 0 && format !== 'verbose_json') {
    throw badField('timestamp_granularities', 'goes with response_format verbose_json only');
  }
  const logProbabilities = fields.words('include', ['logprobs'] as const).length > 0;
  if (logProbabilities && format !== 'json') throw badField('include', 'goes with response_format json only');
  const stream = fields.truth('stream') ?? false;
  if (stream && format !== 'json' && format !== 'text') {
    throw badField('stream', `cannot be with response_format ${format}`, 'unsupported_value');
  }
  return {
    model,
    language: fields.text('language'),
    prompt: fields.text('prompt'),
    format,
    granularities,
    logProbabilities,
    vad: readChunking(fields),
    stream,
    temperature: fields.number('temperature', 0, 1) ?? 0,
  };
}

/** `auto`, an object as JSON, or one field for each of its members. */
function readChunking(fields: FormFields): VadOptions | undefined {
  const given = fields.object('chunking_strategy');
  if (given === undefined || given === 'auto') return given === 'auto' ? {} : undefined;
  if (typeof given === 'string') {
    throw badField('chunking_strategy', `expected auto or server_vad, found ${JSON.stringify(given)}`);
  }
  const { type, threshold, prefix_padding_ms, silence_duration_ms, ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw badField(`chunking_strategy[${unknown}]`, 'there is no such member');
  if (type !== 'server_vad') throw badField('chunking_strategy[type]', 'expected server_vad');
  const read = (name: string, value: unknown, holds: (value: number) => boolean, expected: string) => {
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && holds(number)) return number;
    throw badField(`chunking_strategy[${name}]`, `expected ${expected}`);
  };
  const isMs = (value: number): boolean => value >= 0 && value <= 10_000;
  const milliseconds = 'milliseconds from 0 to 10000';
  const isShare = (value: number): boolean => value >= 0 && value <= 1;
  const share = read('threshold', threshold, isShare, 'a number from 0 to 1');
  const prefixMs = read('prefix_padding_ms', prefix_padding_ms, isMs, milliseconds);
  const silenceMs = read('silence_duration_ms', silence_duration_ms, isMs, milliseconds);
  return {
    // The detector's own range has no ends: nothing is certain.
    ...(share !== undefined && { threshold: Math.min(0.99, Math.max(0.01, share)) }),
    ...(prefixMs !== undefined && { prefixMs }),
    ...(silenceMs !== undefined && { silenceMs }),
  };
}

/** @throws ApiError 400 for times of words without an aligner */
export function checkWords({ granularities }: TranscriptionRequest, aligner: Aligner | null): void {
  if (!granularities.has('word') || aligner !== null) return;
  const line = 'word needs an aligner, and none is loaded';
  throw badField('timestamp_granularities[]', line, 'unsupported_value');
}

/** @throws ApiError 404 unless the model has that name */
export function checkModelName(model: string, names: readonly string[]): void {
  if (names.includes(model)) return;
  const found = JSON.stringify(model.slice(0, 100));
  throw new ApiError(404, `The model ${found} does not exist here; there is ${names.join(', ')}`, {
    param: 'model',
    reason: 'model_not_found',
  });
}
