import {
  amount,
  count,
  flag,
  list,
  number,
  orNull,
  record,
  type Shape,
  text,
  type ValueOf,
} from './shape.js';

/*
 * What a live transcription of a recording was like, moment by moment. Times are milliseconds since the recording began
 * to be spoken, on the clock of the run; delays are counted on it too.
 */

const liveStepRecord = record('liveStep', 'One step: the model heard the segment from its start to here.', {
  atMs: amount('its text was there'),
  audioMs: amount('what it has heard, from the start of the recording'),
  heardMs: amount('the same from the start of the segment: how much the step was over'),
  stepMs: amount('wall time; the parts below are of it'),
  melMs: amount(),
  convStemMs: amount(),
  encoderLayersMs: amount(),
  prefillMs: amount(),
  decodeMs: amount(),
  encodedTokens: count("tokens that went through the encoder's layers"),
  prefilledTokens: count("positions that went through the decoder's, all at once"),
  draftTokens: count('tokens of the step before that might change'),
  acceptedTokens: count('those of them that the model said again'),
  decodedTokens: count('said one by one'),
  floorMoved: flag('the segment became louder, so that all of it was computed anew'),
  late: flag('it came late, and took more audio than a chunk'),
  ends: flag('the segment ended with it'),
});
export interface LiveStepRecord extends ValueOf<typeof liveStepRecord> {}

const liveSegmentRecord = record('liveSegment', 'A segment: it begins and ends at pauses.', {
  startMs: amount('0.3 s before its speech'),
  endMs: amount(),
  speechEndMs: amount('speech was last heard in it'),
  firstWordsMs: orNull(amount('from its start to its first words; null: it has none')),
  finalMs: amount('from the end of its speech to its final text'),
  text: text(),
  language: orNull(text()),
});
export interface LiveSegmentRecord extends ValueOf<typeof liveSegmentRecord> {}

export const streamRecord = record(
  'stream',
  'A live transcription, in milliseconds since the recording began to be spoken.',
  {
    chunkMs: amount('audio from one step to the next'),
    steps: list(liveStepRecord),
    segments: list(liveSegmentRecord),
    commitDelaysMs: list(
      number(),
      'for each word from when it was spoken until it stood for good; words share the speech of their segment by their width',
    ),
    revisedTokens: orNull(count('tokens that were shown and then said otherwise; null on random weights')),
    shownTokens: orNull(count('tokens that were shown, those that replaced others too')),
  },
);
/** A live transcription, moment by moment. */
export interface StreamRecord extends ValueOf<typeof streamRecord> {}

/** What a model makes of the same recording when all of it is there. */
export interface OfflineText {
  readonly text: string;
  readonly language: string | null;
}

export const offlineRecord: Shape<OfflineText> = record(
  'offline',
  'What the same model says of the same segments when all of the recording is there.',
  { text: text(), language: orNull(text()) },
);
