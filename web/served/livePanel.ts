import { joinTexts } from '../../src/text/joinTexts.js';
import { cueList } from '../../src/transcribe/formats/transcriptFormat.js';
import { LiveMicrophone } from '../audio/liveMicrophone.js';
import { elementById, showError, showStatus } from '../panels/page.js';
import { Refusal } from './askServer.js';
import { type LiveItem, LiveSession } from './liveSession.js';
import type { ServedFormat, ServedPage } from './servedPage.js';
import type { TextPart, TranscriptView } from './transcriptView.js';

/** Has the microphone transcribed while somebody speaks: the same button begins and ends it. */
export function openLivePanel(page: ServedPage, view: TranscriptView): void {
  const button = elementById('live', HTMLButtonElement);
  const status = elementById('status', HTMLElement);
  let isRunning = false;
  let stop: (() => void) | null = null;

  const run = async (): Promise<void> => {
    isRunning = true;
    page.change(true);
    const { choices } = page;
    const show = showItems(view);
    let microphone: LiveMicrophone | null = null;
    let session: LiveSession | null = null;
    showStatus(status, 'Waiting for the microphone …');
    try {
      microphone = await LiveMicrophone.open();
      const heard = hear(microphone);
      session = await LiveSession.open(choices, microphone.sampleRateHz, show);
      const ending = await listen(microphone, heard, session, (given) => {
        stop = given;
        page.change();
        showStatus(status, 'Listening …');
      });
      const said = session.items.some(({ text }) => text !== '') ? 'transcribed' : 'no speech was found';
      showStatus(status, `microphone: ${said}${ending}`);
    } catch (error) {
      showError(status, error);
      if (error instanceof Refusal && error.status === 401) page.askForKey();
    } finally {
      session?.close();
      await microphone?.stop();
      const spoken = (session?.items ?? []).filter(({ text }) => text !== '');
      if (spoken.length > 0) view.offer('microphone', choices.format, written(spoken, choices.format));
      isRunning = false;
      stop = null;
      page.change(false);
    }
  };
  button.addEventListener('click', () => {
    if (!isRunning) return page.isBusy ? undefined : void run();
    if (stop === null) return; // the visitor is still being asked
    stop();
    showStatus(status, 'Transcribing the rest …');
  });
  page.onChange(() => {
    const isOn = stop !== null;
    button.disabled = !isRunning && page.isBusy;
    button.textContent = isOn ? 'End and transcribe the rest' : 'Transcribe the microphone live';
    button.setAttribute('aria-pressed', String(isOn));
  });
}

/** What a microphone gives. */
interface Heard {
  /** Takes what there is, and what comes. */
  take: (samples: Float32Array) => void;
  readonly early: Float32Array[];
  /** Told when the microphone is taken away. */
  onGone: () => void;
}

/** Listens at once: nobody waits with the first word until there is a session. */
function hear(microphone: LiveMicrophone): Heard {
  const early: Float32Array[] = [];
  const heard: Heard = { take: (samples) => early.push(samples), early, onGone: () => {} };
  microphone.listen(
    (samples) => heard.take(samples),
    () => heard.onGone(),
  );
  return heard;
}

/**
 * From the first word to the last, which is told when the microphone has been stopped or is gone.
 *
 * @param onStart gets what stops it
 * @returns what else there is to say
 */
async function listen(
  microphone: LiveMicrophone,
  heard: Heard,
  session: LiveSession,
  onStart: (stop: () => void) => void,
): Promise<string> {
  let ending = '';
  const stop = () => void microphone.stop().then(() => session.finish());
  heard.onGone = () => {
    ending = '; the microphone is gone';
    stop();
  };
  for (const samples of heard.early) session.write(samples);
  heard.take = (samples) => session.write(samples);
  onStart(stop);
  await session.ended;
  return ending;
}

/** A paragraph for every segment; a screen reader reads it out when it is complete. */
function showItems(view: TranscriptView): (item: LiveItem) => void {
  view.clear();
  const parts = new Map<string, TextPart>();
  return ({ id, startMs, text, isComplete }) => {
    const part = parts.get(id) ?? view.addPart(startMs);
    parts.set(id, part);
    part.set(text);
    if (isComplete) view.speak(text);
  };
}

/** What was spoken as a file. */
function written(items: readonly LiveItem[], format: ServedFormat): string {
  const text = joinTexts(items.map((item) => item.text));
  if (format === 'txt') return `${text}\n`;
  if (format === 'json') {
    const segments = items.map((item, id) => ({
      ...{ id, start: item.startMs / 1000, end: item.endMs / 1000, text: item.text },
    }));
    return `${JSON.stringify({ text, segments }, null, 2)}\n`;
  }
  const writer = cueList(format);
  return [writer.begin(), ...items.map((item) => writer.segment(item)), writer.end()].join('');
}
