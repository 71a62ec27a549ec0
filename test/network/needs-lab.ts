/** Suites that need the network lab are skipped where it cannot be made, and say why. */
import { NetworkLab } from './lab.js';

export function needsLab(context: Mocha.Context): void {
  const obstacle = NetworkLab.obstacle();
  if (obstacle === undefined) return;
  process.stderr.write(`    skipped: ${obstacle}\n`);
  context.skip();
}
