/**
 * A short tone when an alarm is raised, where this browser wishes it. `trends.ts` calls it. Plays
 * through the browser's audio; reads and writes the browser's storage.
 */
const STORAGE_KEY = 'mirrorflow-alarm-sound';
const TONE_HZ = 880;
const TONE_S = 0.4;

export function isSoundWished(): boolean {
  try {
    return localStorage.getItem(STORAGE_KEY) === 'on';
  } catch {
    return false;
  }
}

export function wishSound(wished: boolean): void {
  try {
    localStorage.setItem(STORAGE_KEY, wished ? 'on' : 'off');
  } catch {
    // Without storage there is no sound.
  }
}

/** Silent in a browser that plays nothing before the first click on the page. */
export function playTone(): void {
  const audio = new AudioContext();
  const oscillator = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.value = 0.2;
  oscillator.frequency.value = TONE_HZ;
  oscillator.connect(volume).connect(audio.destination);
  oscillator.addEventListener('ended', () => void audio.close());
  oscillator.start();
  oscillator.stop(audio.currentTime + TONE_S);
}
