import type { CellRecord } from '../schema/benchResult.js';
import { isWholeProcess } from '../schema/runRecord.js';
import { transcriptDifference } from './commandTranscript.js';

/** What makes a comparison with a command doubtful. */
export interface CommandDoubt {
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
