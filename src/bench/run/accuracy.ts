import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { QwenAsrError } from '../../error.js';
import { type CorpusScore, joinScores, type SpokenPart, scoreParts } from '../accuracy/scoreCorpus.js';
import { scoreTranscript, type TranscriptScore } from '../accuracy/scoreTranscript.js';
import type { CellRecord } from '../schema/benchResult.js';
import type { AccuracyRecord } from '../schema/figureRecords.js';
import type { RunRecord } from '../schema/runRecord.js';

/** What was said in a recording. */
export interface Reference {
  readonly path: string;
  readonly text: string;
}

/** References by the path of their recording. */
export type References = ReadonlyMap<string, Reference>;

/**
 * Finds the reference of every recording: the file itself for a single recording, or in a directory the file that is
 * called like the recording with the ending `.txt`.
 *
 * @param place what `--ref` names
 * @param recordings paths of the audio files
 * @throws QwenAsrError `usage` for a file with several recordings, or none; `file` for a reference that is missing,
 *   unreadable or empty
 */
export function findReferences(place: string, recordings: readonly string[]): References {
  if (recordings.length === 0) {
    throw new QwenAsrError('usage', '--ref: expected recordings to compare with (-i), found silence');
  }
  if (!existsSync(place)) {
    throw new QwenAsrError(
      'file',
      `--ref ${place}: expected a text file or a directory, found nothing there`,
    );
  }
  if (statSync(place).isDirectory()) {
    return new Map(recordings.map((recording) => [recording, referenceIn(place, recording)]));
  }
  const [recording, ...others] = recordings;
  if (recording === undefined || others.length > 0) {
    throw new QwenAsrError(
      'usage',
      `--ref ${place}: expected a directory for ${recordings.length} recordings, found a file`,
    );
  }
  return new Map([[recording, readReference(place)]]);
}

function referenceIn(directory: string, recording: string): Reference {
  const path = join(directory, `${basename(recording, extname(recording))}.txt`);
  if (existsSync(path)) return readReference(path);
  throw new QwenAsrError(
    'file',
    `--ref ${directory}: expected ${path} for ${recording}, found nothing there`,
  );
}

function readReference(path: string): Reference {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new QwenAsrError('file', `--ref ${path}: ${(cause as Error).message}`, { cause });
  }
  const text = utf8TextOf(bytes, path).trim();
  if (text === '') throw new QwenAsrError('file', `--ref ${path}: expected a text, found an empty file`);
  return { path, text };
}

/** Other encodings decode to text, too, with errors in every word that is not ASCII. */
function utf8TextOf(bytes: Uint8Array, path: string): string {
  let found = 'bytes that are none';
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
    found = 'zero bytes, as UTF-16 has';
  } catch {
    if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
      found = 'UTF-16';
  }
  throw new QwenAsrError('file', `--ref ${path}: expected a text in UTF-8, found ${found}`);
}

/** How well the transcript of a cell's first run matches its reference; null without a transcript. */
export function scoreCell(
  { runs, settings }: Pick<CellRecord, 'runs' | 'settings'>,
  reference: Reference | undefined,
): AccuracyRecord | null {
  const run = runs.find(({ text }) => text !== null);
  if (reference === undefined || run === undefined || run.text === null) return null;
  const language = settings.language ?? run.language;
  const parts = settings.language === null ? partsOf(run) : null;
  const score =
    parts === null
      ? scoreTranscript(reference.text, run.text, language === null ? {} : { language })
      : scoreParts(reference.text, parts);
  return { ...score, reference: reference.path, language };
}

/** What the agreement of a live text is measured against. */
const OFFLINE = 'offline';

/**
 * Of a live cell: how well the text of the whole recording matches the reference, and the live text that one. Null each
 * where there is nothing to compare.
 */
export function scoreOffline(
  cell: Pick<CellRecord, 'runs' | 'settings' | 'offline'>,
  reference: Reference | undefined,
): Pick<CellRecord, 'offlineAccuracy' | 'agreement'> {
  const { offline, settings, runs } = cell;
  const [run] = runs;
  if (offline == null || run === undefined) return { offlineAccuracy: null, agreement: null };
  const whole = { ...run, ...offline, stream: null };
  return {
    offlineAccuracy: scoreCell({ settings, runs: [whole] }, reference),
    agreement: offline.text === '' ? null : scoreCell(cell, { path: OFFLINE, text: offline.text }),
  };
}

/** The segments with a text, when their languages differ; null for one language. */
function partsOf({ segments, stream }: RunRecord): SpokenPart[] | null {
  const parts = (segments ?? stream?.segments ?? []).flatMap(({ text, language }) =>
    text === undefined || text === '' ? [] : [{ text, language: language ?? null }],
  );
  return new Set(parts.map(({ language }) => language)).size > 1 ? parts : null;
}

/** What a server answered to a recording; the text is null where it did not. */
export interface Answer {
  readonly path: string | null;
  readonly text: string | null;
  readonly language: string | null;
}

/**
 * How well all answers of a server match the references of their recordings: all errors ÷ all words. The answers of a
 * recording have their errors in common, so the interval is over the recordings. Null without a reference.
 *
 * @param language that requests asked for; else that which an answer names, else unknown
 */
export function scoreAnswers(
  answers: readonly Answer[],
  language: string | undefined,
  references: References,
): AccuracyRecord | null {
  const byText = new Map<string, { readonly answer: Answer; count: number }>();
  for (const answer of answers) {
    if (answer.text === null || !references.has(answer.path ?? '')) continue;
    const key = JSON.stringify([answer.path, answer.text, answer.language]);
    const known = byText.get(key);
    if (known === undefined) byText.set(key, { answer, count: 1 });
    else known.count++;
  }
  const scored = [...byText.values()].map(({ answer, count }) => {
    const reference = references.get(answer.path ?? '')!;
    const of = language ?? answer.language ?? undefined;
    const score = scoreTranscript(
      reference.text,
      answer.text ?? '',
      of === undefined ? {} : { language: of },
    );
    return { path: answer.path, reference, score, count };
  });
  const [first] = scored;
  if (first === undefined) return null;
  const byRecording = new Map<string | null, TranscriptScore[]>();
  for (const { path, score, count } of scored) {
    byRecording.set(path, [...(byRecording.get(path) ?? []), times(score, count)]);
  }
  const { utterances: _, ...total } = joinScores([...byRecording.values()].map(joinAnswers));
  const { reference, score } = first;
  const { rules, normalizedReference, normalizedHypothesis } = score;
  const several = byRecording.size > 1 ? ` and ${byRecording.size - 1} more` : '';
  return {
    ...total,
    ...(rules !== undefined && { rules }),
    ...{ normalizedReference, normalizedHypothesis },
    reference: `${reference.path}${several}`,
    language: language ?? null,
  };
}

/** The counts of so many answers with the same text. */
function times(score: TranscriptScore, count: number): TranscriptScore {
  return {
    ...score,
    wordErrors: count * score.wordErrors,
    characterErrors: count * score.characterErrors,
    substitutions: count * score.substitutions,
    insertions: count * score.insertions,
    deletions: count * score.deletions,
    matches: count * score.matches,
    referenceWords: count * score.referenceWords,
    referenceCharacters: count * score.referenceCharacters,
  };
}

/** The answers of one recording as one. */
function joinAnswers(scores: readonly TranscriptScore[]): TranscriptScore {
  const { utterances: _, ...sum } = joinScores(scores);
  const { ci, normalizedReference, normalizedHypothesis, rules } = scores[0]!;
  return { ...sum, ci, normalizedReference, normalizedHypothesis, ...(rules !== undefined && { rules }) };
}

/**
 * All recordings together, each by its first cell and by the rules of its own language; null for fewer than two, or
 * where some are counted in words and others in characters: the sets have a score for each then.
 */
export function scoreRecordings(cells: readonly CellRecord[]): CorpusScore | null {
  const byAudio = new Map<string, AccuracyRecord>();
  for (const { settings, accuracy } of cells) {
    if (accuracy === null || settings.audio === null || byAudio.has(settings.audio)) continue;
    byAudio.set(settings.audio, accuracy);
  }
  const scores = [...byAudio.values()];
  const metrics = new Set(scores.map(({ metric }) => metric));
  return scores.length < 2 || metrics.size > 1 ? null : joinScores(scores);
}
