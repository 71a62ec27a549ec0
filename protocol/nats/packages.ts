/**
 * The packages of NATS, loaded at their first use, so that a program that uses no NATS does not
 * load them. The only module that names the packages in a form that runs; others import their types
 * only. Bundles do not contain the packages: they are found where mirrorflow is installed.
 */
import type * as Jetstream from '@nats-io/jetstream';
import type * as Kv from '@nats-io/kv';
import type * as Transport from '@nats-io/transport-node';

/** Connections, subjects and authenticators. */
export function natsTransport(): Promise<typeof Transport> {
  return import('@nats-io/transport-node');
}

/** Streams. */
export function natsJetstream(): Promise<typeof Jetstream> {
  return import('@nats-io/jetstream');
}

/** Buckets. */
export function natsBuckets(): Promise<typeof Kv> {
  return import('@nats-io/kv');
}
