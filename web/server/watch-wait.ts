/**
 * Waits until a watch has what a request without a page needs. `spectrum-reading.ts` and
 * `save-requests.ts` call it. Touches nothing but the watch.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { AppWatch } from './app-watch.js';

/** From the request to the counts, an application that has to open its mirror included. */
const READ_TIMEOUT_MS = 10_000;

/** `what` is read; throws TIMED_OUT with the state of the source. */
export function untilRead(watch: AppWatch, what: string, isReady: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      watch.off('changed', check).off('status', check).off('list', check);
      watch.metadata.off('answered', check);
      settle();
    };
    const check = (): void => {
      if (isReady()) end(resolve);
    };
    const timer = setTimeout(() => {
      const { state, cause } = watch.status;
      const because = cause === undefined ? '' : `: ${cause}`;
      end(() =>
        reject(
          new MirrorflowError(
            'TIMED_OUT',
            `${what} was not read within ${READ_TIMEOUT_MS} ms; ${watch.app} is ${state}${because}`,
            { app: watch.app, state },
          ),
        ),
      );
    }, READ_TIMEOUT_MS);
    watch.on('changed', check).on('status', check).on('list', check);
    watch.metadata.on('answered', check);
    check();
  });
}
