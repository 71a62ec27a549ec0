/**
 * Waits for a duplicator that owns the flow file already and that this app server has not started:
 * it looks for its app server, or dies before it finds it. No connection tells of that yet, so its
 * process is looked at, for the short time that it has. No process, no file.
 */
import type { Clock } from '../../protocol/base/clock.js';

/**
 * A duplicator that lost its app server looks for it four times a second; this is several times as
 * long.
 */
export const OWNER_SUBSCRIBES_WITHIN_MS = 2_000;

/** From one look at the owner to the next: those who had the flow open wait for it. */
export const OWNER_LOOK_MS = 20;

export interface ExpectedOwnerOptions {
  readonly clock: Clock;
  /** The process id of the living owner of the flow file, if there is one. */
  readonly livingOwner: () => number | undefined;
  /** Nobody owns the file any more. */
  readonly gone: () => void;
  /** It lives, and has not subscribed in time. */
  readonly late: (pid: number) => void;
}

/**
 * Calls `gone` or `late`, once; the returned function ends the wait, which is to be done when it
 * has subscribed.
 */
export function expectOwner({ clock, livingOwner, gone, late }: ExpectedOwnerOptions): () => void {
  const untilMs = clock.nowMs() + OWNER_SUBSCRIBES_WITHIN_MS;
  let cancel = (): void => undefined;
  const lookLater = (): void => {
    cancel = clock.after(OWNER_LOOK_MS, () => {
      const pid = livingOwner();
      if (pid === undefined) gone();
      else if (clock.nowMs() >= untilMs) late(pid);
      else lookLater();
    });
  };
  lookLater();
  return () => cancel();
}
