import { decodeRecording, type MicrophoneRecording, recordMicrophone } from '../audio/recording.js';
import { clockText, elementById, type PageState, showError, showStatus } from './page.js';

/** Recordings beside the demo model. */
const SAMPLES = [
  { file: 'timer-en.wav', title: 'English: a timer' },
  { file: 'light-en.wav', title: 'English: a light' },
  { file: 'timer-en-noisy.wav', title: 'English: a timer, in noise' },
  { file: 'morning-en.wav', title: 'English: seven sentences' },
  { file: 'weather-de.wav', title: 'German: the weather' },
  { file: 'travel-de.wav', title: 'German: four sentences' },
  { file: 'music-es.wav', title: 'Spanish: music' },
  { file: 'lamp-zh.wav', title: 'Chinese: a lamp' },
  { file: 'silence-3s.wav', title: 'Silence, 3 s' },
] as const;

/** The choice of the audio: a sample, a file or the microphone. */
export function openAudioPanel(state: PageState): void {
  const status = elementById('audio-status', HTMLElement);
  const player = makePlayer();
  const sample = elementById('sample', HTMLSelectElement);
  const file = elementById('file', HTMLInputElement);
  const other = new Option('none: see below', '');
  other.hidden = true;
  sample.append(other, ...SAMPLES.map(({ file, title }) => new Option(title, file)));
  sample.selectedIndex = 1;

  let latest = 0;
  const take = async (open: () => Promise<Blob>, name: string) => {
    const choice = ++latest;
    showStatus(status, `${name}: reading …`);
    try {
      const blob = await open();
      const recording = await decodeRecording(blob, name);
      if (choice !== latest) return; // something else was chosen meanwhile
      play(player, blob);
      showStatus(status, `${name}: ${lengthText(recording.durationMs)}`);
      state.change({ recording });
    } catch (error) {
      if (choice !== latest) return;
      play(player, null);
      showError(status, error);
      state.change({ recording: null });
    }
  };
  const takeSample = () => take(() => fetchSample(sample.value), sample.value);
  sample.addEventListener('change', () => {
    file.value = '';
    void takeSample();
  });
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    if (chosen === undefined) return;
    sample.value = '';
    void take(async () => chosen, chosen.name);
  });
  openMicrophoneButton(status, (blob) => {
    sample.value = '';
    file.value = '';
    return take(async () => blob, 'microphone');
  });
  void takeSample();
}

/** Nothing is offered to be played that would not be transcribed. */
function play(player: HTMLAudioElement, blob: Blob | null): void {
  URL.revokeObjectURL(player.src);
  if (blob === null) player.removeAttribute('src');
  else player.src = URL.createObjectURL(blob);
  player.hidden = blob === null;
}

function lengthText(durationMs: number): string {
  return durationMs < 60_000 ? `${(durationMs / 1000).toFixed(1)} s` : `${clockText(durationMs)} min`;
}

/** Its captions are what the page is for. */
function makePlayer(): HTMLAudioElement {
  const player = new Audio();
  player.controls = true;
  player.setAttribute('aria-label', 'The chosen audio');
  elementById('player', HTMLElement).append(player);
  return player;
}

async function fetchSample(name: string): Promise<Blob> {
  const response = await fetch(new URL(`demo/samples/${name}`, document.baseURI));
  if (!response.ok) throw new Error(`${name}: the server answered ${response.status}`);
  return response.blob();
}

/** Starts a recording, and ends it when it is pressed again. */
function openMicrophoneButton(status: HTMLElement, take: (blob: Blob) => Promise<void>): void {
  const button = elementById('microphone', HTMLButtonElement);
  let recording: MicrophoneRecording | null = null;
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      if (recording === null) {
        recording = await recordMicrophone();
        showStatus(status, 'Recording …');
      } else {
        const blob = await recording.stop();
        recording = null;
        await take(blob);
      }
    } catch (error) {
      showError(status, error);
    }
    button.textContent = recording === null ? 'Record the microphone' : 'End the recording';
    button.setAttribute('aria-pressed', String(recording !== null));
    button.disabled = false;
  });
}
