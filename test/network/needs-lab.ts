/** For the `before` hook of suites that run in a network lab; skips them where none can be made. */
import { skip } from '../kit/skip.js';
import { NetworkLab } from './lab.js';

export function needsLab(context: Mocha.Context): void {
  const obstacle = NetworkLab.obstacle();
  if (obstacle !== undefined) skip(context, obstacle);
}
