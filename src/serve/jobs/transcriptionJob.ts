import { randomBytes } from 'node:crypto';
import { ApiError, apiErrorOf, badField } from '../apiError.js';
import type { AnswerBody } from '../openai/transcriptionAnswer.js';

/** What a queue holds of a job; the audio lies in the shared spool. */
export interface JobData {
  /** SHA-256 of the audio, in hexadecimal digits. */
  readonly hash: string;
  /** The fields of the transcription request as they came. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** Somebody deleted it while it was being transcribed: its worker is to stop, and to remove it. */
  readonly isDeleted?: true;
}

/** What a job came to: the answer that a request would have got. */
export interface JobResult extends AnswerBody {
  readonly headers: Readonly<Record<string, string>>;
}

/** How far a job is. */
export interface JobProgress {
  readonly doneMs: number;
  readonly durationMs: number;
}

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const QUEUE_ID_PREFIX = 'job-';

/**
 * The id of a job: the client's, so that a request that is sent again is no second job, or one that nobody can guess.
 *
 * @throws ApiError 400
 */
export function jobIdOf(given: string | undefined): string {
  if (given === undefined) return randomBytes(16).toString('hex');
  if (ID.test(given)) return given;
  throw badField('id', 'expected up to 64 letters, digits, - and _');
}

/** A job's name inside the queue, which takes no bare numbers. */
export function queueIdOf(id: string): string {
  return QUEUE_ID_PREFIX + id;
}

/** An error as a queue keeps it: one line of JSON. */
export function failureText(error: unknown): string {
  const { status, message, param, reason } = apiErrorOf(error);
  return JSON.stringify({ status, message, param, reason });
}

/** The error that a queue has kept; some are of the queue's own. */
export function failureOf(text: string): ApiError {
  try {
    const { status, message, param, reason } = JSON.parse(text);
    return new ApiError(status, message, { param, reason });
  } catch {
    const line = 'the workers that had the job stopped before it was done, too many times';
    return new ApiError(500, text.includes('stalled') ? line : 'internal error', {
      reason: text.includes('stalled') ? 'workers_lost' : 'internal',
    });
  }
}

/** Whether trying once more could end otherwise. */
export function mayRetry(error: unknown): boolean {
  const { status, reason } = apiErrorOf(error);
  return status >= 500 && status !== 504 && reason !== 'transcript_incomplete' && reason !== 'audio_changed';
}
