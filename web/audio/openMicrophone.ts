/**
 * The visitor's microphone, after asking.
 *
 * @param processing what the browser does to the sound
 * @throws Error in plain words when there is none or the visitor says no
 */
export async function openMicrophone(processing: MediaTrackConstraints | true = true): Promise<MediaStream> {
  // Browsers offer it to pages from https addresses and from this computer only.
  const { mediaDevices } = navigator as { mediaDevices?: MediaDevices };
  if (mediaDevices === undefined) throw new Error('microphone: this page needs an https address for it');
  try {
    return await mediaDevices.getUserMedia({ audio: processing });
  } catch (cause) {
    const refused = cause instanceof DOMException && cause.name === 'NotAllowedError';
    throw new Error(`microphone: ${refused ? 'permission was not given' : 'none was found'}`, { cause });
  }
}
