/**
 * The page at `/`: a recording from a file or the microphone goes to the server, its text comes back as it is decoded.
 * One document without anything from elsewhere; the page of web/ computes in the browser, and asks no server.
 */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>qwen-asr</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }
  form { display: grid; gap: 0.75rem; }
  label { display: grid; gap: 0.25rem; }
  output { display: block; min-height: 8rem; margin-top: 1rem; padding: 1rem; border: 1px solid; white-space: pre-wrap; }
  button { font: inherit; padding: 0.4rem 1rem; }
  [role="alert"] { color: #b3261e; }
</style>
<h1>qwen-asr</h1>
<form>
  <label>Recording <input type="file" name="file" accept="audio/*,video/*"></label>
  <label>Language, empty: recognised <input name="language" placeholder="en"></label>
  <label>Context: names, jargon <input name="prompt"></label>
  <label>API key, if the server asks for one <input name="key" type="password" autocomplete="off"></label>
  <p><button type="submit">Transcribe</button> <button type="button" id="record">Record</button></p>
</form>
<p role="alert"></p>
<output aria-live="polite"></output>
<script type="module">
  const form = document.querySelector('form');
  const output = document.querySelector('output');
  const alert = document.querySelector('[role="alert"]');
  const record = document.querySelector('#record');
  const model = (await (await fetch('health')).json()).model;

  async function transcribe(file) {
    output.value = '';
    alert.textContent = '';
    const body = new FormData();
    body.set('file', file);
    body.set('model', model);
    body.set('stream', 'true');
    for (const name of ['language', 'prompt']) body.set(name, form.elements[name].value);
    const key = form.elements.key.value;
    const headers = key === '' ? {} : { authorization: 'Bearer ' + key };
    const answer = await fetch('v1/audio/transcriptions', { method: 'POST', body, headers });
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    let rest = '';
    for await (const piece of pieces(answer.body.pipeThrough(new TextDecoderStream()))) {
      const events = (rest + piece).split('\\n\\n');
      rest = events.pop();
      for (const event of events) show(JSON.parse(event.slice('data: '.length)));
    }
  }

  async function* pieces(stream) {
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  }

  function show(event) {
    if (event.error !== undefined) throw new Error(event.error.message);
    if (event.type === 'transcript.text.delta') output.value += event.delta;
    if (event.type === 'transcript.text.done') output.value = event.text;
  }

  const report = (error) => (alert.textContent = error.message);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const [file] = form.elements.file.files;
    if (file === undefined) alert.textContent = 'Choose a recording first.';
    else transcribe(file).catch(report);
  });

  let recorder;
  record.addEventListener('click', async () => {
    if (recorder !== undefined) return recorder.stop();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const parts = [];
      recorder = new MediaRecorder(stream);
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        record.textContent = 'Record';
        const blob = new Blob(parts, { type: recorder.mimeType });
        recorder = undefined;
        transcribe(blob).catch(report);
      };
      recorder.start();
      record.textContent = 'Stop';
    } catch (error) {
      report(error);
    }
  });
</script>
</html>
`;

/** What the page may do: nothing with other places. Its own script and style stand in it. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'x-content-type-options': 'nosniff',
} as const;
