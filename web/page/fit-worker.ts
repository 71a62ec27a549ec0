/**
 * The worker of a page that fits: counts and options in, parameters and curves out. `fits.ts` loads
 * it when the first region gets a fit, so that a page without fits does not load the code. Talks
 * only by messages.
 */
import { fitWithCurves } from '../../analysis/fit/fit-spectrum.js';
import { describeError } from '../../protocol/base/errors.js';
import type { FitAnswer, FitQuestion } from './fit-messages.js';

/** The members of a worker's global object that this module uses. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<FitQuestion>) => void) | null;
  postMessage(answer: FitAnswer): void;
}

const scope = self as unknown as WorkerScope;

scope.onmessage = ({ data: { key, channels, options } }) => {
  try {
    scope.postMessage({ key, ...fitWithCurves(channels, options) });
  } catch (error) {
    scope.postMessage({ key, error: describeError(error) });
  }
};
