/**
 * Converts owner identities (process id, start time, boot id) to and from the struct that XML-RPC
 * calls and records contain. Used by every server and by the readers of records. Pure.
 */
import type { OwnerIdentity } from '../../base/owner-identity.js';
import type { ProcessIdentity } from './process-identity.js';

export function identityToWire(identity: OwnerIdentity): ProcessIdentity {
  return { pid: identity.pid, startTicks: Number(identity.startTicks), bootId: identity.bootId ?? '' };
}

export function identityFromWire(wire: ProcessIdentity): OwnerIdentity {
  return {
    pid: wire.pid,
    startTicks: BigInt(wire.startTicks),
    bootId: wire.bootId === '' ? undefined : wire.bootId,
  };
}
