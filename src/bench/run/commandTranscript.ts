import { countErrors, type ErrorCounts } from '../accuracy/scoreTranscript.js';
import type { CellRecord } from '../schema/benchResult.js';
import { isWholeProcess } from '../schema/runRecord.js';

/** Longest part of a text that a message shows. */
const SHOWN_CHARACTERS = 80;

/** Above this share of different words it is not the same recording, or no transcript. */
const MOST_DIFFERENT = 0.5;

/** More lines than these are searched as a whole. */
const MOST_LINES = 100;

/** What stands before the text of a segment: `[00:00:00.000 --> 00:00:02.500]`. */
const TIMES = /^\s*\[[\d:.,]+ *(?:-->|-) *[\d:.,]+\]\s*/gm;

/** What colours a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const COLOURS = /\u001b\[[\d;]*m/g;

/**
 * The transcript that a command printed on standard output: all of it, without times and colours; of a JSON document
 * its `text`.
 *
 * @returns null when it printed nothing, or JSON of another kind
 */
export function transcriptIn(stdout: string): string | null {
  const text = stdout.replace(COLOURS, '').trim();
  if (text.startsWith('{')) {
    try {
      const document: unknown = JSON.parse(text);
      const member = typeof document === 'object' && document !== null && 'text' in document && document.text;
      return typeof member === 'string' ? member.trim() : null;
    } catch {
      // Text that begins with a brace.
    }
  }
  return text === '' ? null : text.replace(TIMES, '').trim();
}

/** How another engine's transcript differs from ours. */
interface TranscriptDifference {
  /** One sentence, without the engine's name. */
  readonly message: string;
  /** So much that the two did not do the same work. */
  readonly unrelated: boolean;
}

/**
 * Compares transcripts by the rules of error rates. Of a command that prints more than the text, the line counts that
 * is most like ours.
 *
 * @param ours an empty one says nothing
 * @returns null when they say the same
 */
export function transcriptDifference(
  ours: string,
  theirs: string,
  language: string | null,
): TranscriptDifference | null {
  const scored = (text: string): ErrorCounts => countErrors(ours, text, language ?? undefined);
  const whole = scored(theirs);
  if (whole.normalizedReference === '') return null;
  const padded = (text: string): string => (whole.metric === 'cer' ? text.replaceAll(' ', '') : ` ${text} `);
  if (padded(whole.normalizedHypothesis).includes(padded(whole.normalizedReference))) return null;
  const lines = theirs.split('\n').slice(0, MOST_LINES).map(scored);
  const best = lines.reduce(
    (least, score) => (score[score.metric] < least[least.metric] ? score : least),
    whole,
  );
  const [unit, errors, count] =
    best.metric === 'cer'
      ? (['characters', best.characterErrors, best.referenceCharacters] as const)
      : (['words', best.wordErrors, best.referenceWords] as const);
  return {
    message: `its transcript differs from ours in ${errors} of ${count} ${unit}: ${shown(best.normalizedHypothesis)}, ours ${shown(best.normalizedReference)}`,
    unrelated: best[best.metric] > MOST_DIFFERENT,
  };
}

function shown(text: string): string {
  const characters = [...text];
  return JSON.stringify(
    characters.length <= SHOWN_CHARACTERS ? text : `${characters.slice(0, SHOWN_CHARACTERS).join('')}…`,
  );
}

/** What makes a comparison with a command doubtful. */
interface CommandDoubt {
  /** Without the command's name. */
  readonly message: string;
  /** The two did not do the same: their times say nothing of each other. */
  readonly noVerdict: boolean;
}

/**
 * Looks at what this engine and a command have done. Without figures of its own a command is known by the time of its
 * whole process only, and by what it printed.
 *
 * @returns null when the two compare
 */
export function commandDoubt(ours: CellRecord, command: CellRecord): CommandDoubt | null {
  const [run] = ours.runs;
  const [theirs] = command.runs;
  if (run === undefined || theirs === undefined) return null;
  if (ours.settings.mode === 'encoder' && isWholeProcess(theirs)) {
    return {
      message:
        'no verdict: of the command only the time of the whole process is known, of this engine that of its encoder',
      noVerdict: true,
    };
  }
  if (!isWholeProcess(theirs)) return null;
  if (ours.settings.exactTokens !== null) {
    return {
      message: `this engine decodes ${ours.settings.exactTokens} tokens whatever it hears, the command as many as it likes: they do not do the same`,
      noVerdict: true,
    };
  }
  if (theirs.text === null) {
    return {
      message: 'it printed no transcript; whether it heard the recording is not known',
      noVerdict: false,
    };
  }
  const difference = transcriptDifference(
    run.text ?? '',
    theirs.text,
    ours.settings.language ?? run.language,
  );
  if (difference === null) return null;
  const { message, unrelated } = difference;
  return { message: unrelated ? `no verdict: ${message}` : message, noVerdict: unrelated };
}
