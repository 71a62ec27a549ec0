/**
 * The other side of `adoptable-process.ts`: how the program of an adoptable child presents itself
 * to its parent, and ends when no parent comes back for it. The main modules of the gateway, the
 * recorder and the NATS process call it. Sends a signal to its own process.
 */
import { systemClock } from '../../base/clock.js';
import { ownIdentity } from '../../base/owner-identity.js';
import { PROTOCOL_VERSION } from '../../base/version.js';
import { identityToWire } from '../../rpc/contract/identity-on-wire.js';
import type { AdoptableReady } from './adoptable-process.js';
import { LAUNCH_VARIABLE } from './child.js';

/** Time without a parent after which a program that nothing else needs ends. */
const ORPHAN_LINGER_MS = 120_000;

/** The part of a report of readiness that every adoptable child has. */
export function ownReady(): AdoptableReady {
  const launch = process.env[LAUNCH_VARIABLE];
  return {
    ...(launch === undefined ? {} : { launch }),
    version: PROTOCOL_VERSION,
    identity: identityToWire(ownIdentity()),
  };
}

/** Ends this program as a signal from outside does. */
export function quit(): void {
  process.kill(process.pid, 'SIGTERM');
}

/** Ends this program when two checks in a row find neither its parent nor other need of it. */
export function endWhenOrphaned(isOrphan: () => boolean, wasOrphan = false): void {
  systemClock.after(
    ORPHAN_LINGER_MS / 2,
    () => {
      const isStillOrphan = isOrphan();
      if (isStillOrphan && wasOrphan) quit();
      else endWhenOrphaned(isOrphan, isStillOrphan);
    },
    true,
  );
}
