/**
 * The controls of a recording that is being played (`mirrorflow play`), in place of the time line:
 * pause, step, speed and position of the player, which all viewers share. `viewer-page.ts` creates
 * it. Changes its own elements only; sends commands to the server.
 */
import { momentText, zoneHelp } from '../view/moment.js';
import type { PageMessage } from '../wire/messages.js';
import type { PlayerRequest } from '../wire/recording.js';
import { element, setText } from './dom.js';
import type { PageState } from './page-state.js';

/** 0 is as fast as readers take it. */
const SPEEDS: readonly (readonly [value: number, text: string])[] = [
  [1, '1×'],
  [10, '10×'],
  [60, '60×'],
  [600, '600×'],
  [0, 'max'],
];

export class ReplayBar {
  readonly element: HTMLElement;
  readonly #state: PageState;
  readonly #send: (message: PageMessage) => void;
  readonly #play: HTMLButtonElement;
  readonly #step: HTMLButtonElement;
  readonly #slider = element('input', {
    type: 'range',
    class: 'timeline-slider',
    'aria-label': 'Position of the replay',
    step: '1',
  });
  readonly #text = element('output', { class: 'timeline-text', 'aria-live': 'off' });
  readonly #speed = element('select', { 'aria-label': 'Speed of the replay', title: 'Speed of the replay' });
  #visible = true;
  /** The user drags; the player's position must not move the thumb meanwhile. */
  #dragging = false;

  constructor(state: PageState, send: (message: PageMessage) => void) {
    this.#state = state;
    this.#send = send;
    const button = (text: string, onclick: () => void): HTMLButtonElement =>
      element('button', { type: 'button', onclick }, text);
    this.#play = button('Pause', () =>
      this.#command({ action: this.#state.replay?.state === 'playing' ? 'pause' : 'resume' }),
    );
    this.#step = button('Step', () => this.#command({ action: 'step' }));
    this.#speed.addEventListener('change', () =>
      this.#command({ action: 'speed', value: Number(this.#speed.value) }),
    );
    this.#slider.addEventListener('input', () => {
      this.#dragging = true;
      setText(this.#text, momentText(Number(this.#slider.value)));
    });
    this.#slider.addEventListener('change', () => {
      this.#dragging = false;
      this.#command({ action: 'seek', value: Math.round(Number(this.#slider.value)) });
    });
    this.element = element(
      'section',
      { class: 'timeline replay', 'aria-label': 'Replay', hidden: true },
      this.#play,
      this.#step,
      element(
        'div',
        { class: 'timeline-track' },
        element('div', { class: 'timeline-marks', 'aria-hidden': 'true' }),
        this.#slider,
      ),
      this.#text,
      this.#speed,
    );
    for (const topic of ['replay', 'connection'] as const) state.on(topic, () => this.#update());
  }

  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#update();
  }

  #command(player: PlayerRequest): void {
    this.#send({ kind: 'player', player });
  }

  #update(): void {
    const { replay, welcome } = this.#state;
    this.element.hidden = !this.#visible || replay === undefined;
    if (replay === undefined) return;
    const { state, atMs, fromMs, toMs, speed } = replay;
    const mayControl = welcome?.control === 'yes';
    for (const control of [this.#play, this.#step, this.#slider, this.#speed]) control.disabled = !mayControl;
    this.element.title = mayControl
      ? ''
      : welcome?.control === 'sign-in'
        ? 'Sign in to control the replay.'
        : 'This viewer has no secret to sign in with: use mirrorflow player.';
    setText(this.#play, state === 'playing' ? 'Pause' : 'Play');
    const others = SPEEDS.some(([value]) => value === speed) ? [] : [[speed, `${speed}×`] as const];
    const options = [...SPEEDS, ...others];
    if (this.#speed.options.length !== options.length || this.#speed.value !== String(speed)) {
      this.#speed.replaceChildren(
        ...options.map(([value, text]) => element('option', { value: String(value) }, text)),
      );
      this.#speed.value = String(speed);
    }
    if (this.#dragging) return;
    this.#slider.min = String(fromMs);
    this.#slider.max = String(Math.max(toMs, fromMs + 1));
    this.#slider.value = String(atMs);
    const text = `${momentText(atMs)} · ${state}`;
    setText(this.#text, text);
    this.#text.title = zoneHelp(atMs);
    this.#slider.setAttribute('aria-valuetext', text);
  }
}
