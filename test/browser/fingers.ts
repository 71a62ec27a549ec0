/**
 * Fingers on a page, as Chromium receives them from a touch screen: its own recognition of
 * scrolling follows. Used by the tests of browser/. Sends events to the page.
 */
import type { CDPSession, Page } from 'playwright-core';
import type { Point } from './page-reading.js';

/** Events between two places of a finger. */
const STEPS = 12;

export class Fingers {
  readonly #session: CDPSession;

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  static async on(page: Page): Promise<Fingers> {
    return new Fingers(await page.context().newCDPSession(page));
  }

  async down(...points: readonly Point[]): Promise<void> {
    await this.#send('touchStart', points);
  }

  /** Moves all fingers at the same time. */
  async move(from: readonly Point[], to: readonly Point[]): Promise<void> {
    for (let step = 1; step <= STEPS; step += 1) {
      const part = step / STEPS;
      const points = from.map(({ x, y }, index) => {
        const end = to[index] ?? { x, y };
        return { x: x + (end.x - x) * part, y: y + (end.y - y) * part };
      });
      await this.#send('touchMove', points);
    }
  }

  async up(): Promise<void> {
    await this.#send('touchEnd', []);
  }

  async cancel(): Promise<void> {
    await this.#send('touchCancel', []);
  }

  async swipe(from: Point, to: Point): Promise<void> {
    await this.down(from);
    await this.move([from], [to]);
    await this.up();
  }

  async #send(
    type: 'touchStart' | 'touchMove' | 'touchEnd' | 'touchCancel',
    points: readonly Point[],
  ): Promise<void> {
    const touchPoints = points.map(({ x, y }, id) => ({ x, y, id }));
    await this.#session.send('Input.dispatchTouchEvent', { type, touchPoints });
  }
}
